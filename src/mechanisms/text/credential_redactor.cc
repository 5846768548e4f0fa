#include "mechanisms/text/credential_redactor.h"

#include <algorithm>
#include <string>
#include <utility>

namespace davy::text {
namespace {

// Taking one credential out can lay bare another whose neighbour kept it from being a word.
// Each round shortens what is left, so a text that needs more is made to need more.
constexpr int kRounds = 8;

std::string without(std::string_view text, const std::vector<CredentialMatch>& matches) {
  std::string out;
  std::size_t at = 0;
  for (std::size_t i = 0; i < matches.size();) {
    Span span = matches[i].span;
    const CredentialFormat* const format = matches[i].format;
    // What overlaps goes as one, named after the first.
    for (++i; i < matches.size() && matches[i].span.begin < span.end; ++i) {
      span.end = std::max(span.end, matches[i].span.end);
    }
    out.append(text.substr(at, span.begin - at));
    out.append("[redacted:").append(format->id).append("]");
    at = span.end;
  }
  out.append(text.substr(at));
  return out;
}

}  // namespace

Result<CredentialRedactor> CredentialRedactor::create() {
  DAVY_ASSIGN(CredentialFinder finder, CredentialFinder::create());
  return CredentialRedactor(std::move(finder));
}

Result<std::string> CredentialRedactor::redact(std::string_view text, Scratch& scratch) const {
  if (text.size() > kMaxRedacted) {
    return limit_reached("the text is larger than " + std::to_string(kMaxRedacted >> 20) +
                         " MiB and cannot be redacted");
  }
  std::string out(text);
  for (int round = 0; round < kRounds; ++round) {
    DAVY_ASSIGN(const auto matches, finder_.find(out, scratch));
    if (matches.empty()) return out;
    out = without(out, matches);
  }
  return limit_reached("the text lays a new credential bare each time that one is redacted");
}

}  // namespace davy::text
