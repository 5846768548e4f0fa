// The input is a text in which byte 1 and the byte after it stand for a credential of a
// format, so that real ones meet arbitrary neighbours. Oracles: one pass = asking every
// format at every byte; windows = the whole; redacting twice = once, and leaves none.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <tuple>
#include <vector>

#include "mechanisms/text/credential_formats.h"
#include "mechanisms/text/credential_redactor.h"
#include "mechanisms/text/credential_samples.h"

namespace {

using namespace davy::text;

void require(bool holds) {
  if (!holds) std::abort();
}

std::string expand(const std::uint8_t* data, std::size_t size) {
  CredentialSamples samples(size);
  const auto formats = credential_formats();
  std::string text;
  for (std::size_t i = 0; i < size; ++i) {
    if (data[i] == 1 && i + 1 < size && text.size() < 30'000) {
      text += samples.make(formats[data[++i] % formats.size()].id).text;
    } else {
      text += static_cast<char>(data[i]);
    }
  }
  return text;
}

void sort(std::vector<CredentialMatch>& matches) {
  std::sort(matches.begin(), matches.end(), [](const auto& a, const auto& b) {
    return std::tuple(a.span.begin, a.span.end, a.format) <
           std::tuple(b.span.begin, b.span.end, b.format);
  });
  matches.erase(std::unique(matches.begin(), matches.end()), matches.end());
}

std::vector<CredentialMatch> naive(std::string_view text) {
  std::vector<CredentialMatch> found;
  for (const CredentialFormat& format : credential_formats()) {
    for (const std::string_view anchor : format.anchors) {
      for (std::size_t at = 0; at < text.size(); ++at) {
        if (const auto span = CredentialFinder::confirm_at(format, anchor, text, at)) {
          found.push_back({&format, *span});
        }
      }
    }
  }
  sort(found);
  return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto finder = CredentialFinder::create();
  static const auto redactor = CredentialRedactor::create();
  static davy::Scratch scratch;
  require(finder.ok() && redactor.ok());
  const std::string text = expand(data, std::min<std::size_t>(size, 4096));

  const auto whole = finder->find(text, scratch);
  require(whole.ok());
  require(*whole == naive(text));
  for (const CredentialMatch& match : *whole) {
    require(!match.span.empty() && match.span.end <= text.size());
  }

  std::vector<CredentialMatch> joined;
  const std::size_t step = 1 + size % 997;
  for (std::size_t at = 0; at < text.size(); at += step) {
    const std::size_t begin = at > kLookBehind ? at - kLookBehind : 0;
    const std::string_view window =
        std::string_view(text).substr(begin, at - begin + step + kLookAhead);
    const auto found = finder->find(window, scratch, {at - begin, at - begin + step});
    require(found.ok());
    for (CredentialMatch match : *found) {
      match.span.begin += begin;
      match.span.end += begin;
      joined.push_back(match);
    }
  }
  sort(joined);
  require(joined == *whole);

  const auto once = redactor->redact(text, scratch);
  if (!once) return 0;  // made to lay bare one after another
  const auto twice = redactor->redact(*once, scratch);
  require(twice.ok() && *twice == *once);
  require(finder->find(*once, scratch)->empty());
  return 0;
}
