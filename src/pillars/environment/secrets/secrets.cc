#include "pillars/environment/secrets/secrets.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "mechanisms/formats/artifact_reader.h"
#include "mechanisms/text/credential_formats.h"

namespace davy::secrets {
namespace {

constexpr formats::WindowSizes kWindows{std::size_t{1} << 20, text::kLookBehind, text::kLookAhead};

// A shorter secret would lose too much by four of its characters.
constexpr std::size_t kShowFrom = 24;

// Line and column (in code points) of an offset, from 1.
struct Position {
  std::uint64_t offset = 0;
  std::uint32_t line = 1;
  std::uint32_t column = 1;

  void advance(std::string_view bytes) {
    offset += bytes.size();
    while (const void* found = std::memchr(bytes.data(), '\n', bytes.size())) {
      ++line;
      column = 1;
      bytes.remove_prefix(static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data()) +
                          1);
      if (bytes.empty()) return;
    }
    column += static_cast<std::uint32_t>(std::count_if(bytes.begin(), bytes.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xC0U) != 0x80;
    }));
  }
  // Over a hole, which holds zeros and so no newline.
  void skip_to(std::uint64_t to) {
    column += static_cast<std::uint32_t>(to - offset);
    offset = to;
  }
};

std::string evidence(std::string_view secret) {
  const std::string size = "(" + std::to_string(secret.size()) + " characters)";
  return secret.size() < kShowFrom ? size : printable(secret.substr(0, 4)) + "… " + size;
}

class SecretsScanner final : public Scanner {
 public:
  explicit SecretsScanner(text::CredentialFinder finder) : finder_(std::move(finder)) {}

  [[nodiscard]] std::string_view name() const noexcept override { return "secrets"; }
  [[nodiscard]] std::string_view summary() const noexcept override {
    return "Find keys, tokens and passwords that lie in files";
  }
  [[nodiscard]] bool claims(std::string_view kind) const noexcept override {
    return kind == "file" || kind == "text";
  }

  [[nodiscard]] Result<void> scan(const Artifact& artifact, Sink& sink,
                                  Scratch& scratch) const override {
    Progress progress;
    DAVY_ASSIGN(const std::uint64_t bytes,
                formats::read_windows(artifact, kWindows, [&](const formats::Window& window) {
                  return search(artifact, window, progress, sink, scratch);
                }));
    sink.examined(bytes);
    return {};
  }

 private:
  struct Progress {
    Position next;  // where the next window of this extent begins
    Position end;   // the end of what the windows so far own
    // Found in the window before: one credential may have anchors in two windows.
    std::vector<std::pair<const text::CredentialFormat*, std::uint64_t>> before;
  };

  Result<void> search(const Artifact& artifact, const formats::Window& window, Progress& progress,
                      Sink& sink, Scratch& scratch) const {
    Position at = progress.next;
    if (window.offset != at.offset) {
      at = progress.end;
      at.skip_to(window.offset);
    }
    Position start = at;
    DAVY_ASSIGN(const auto matches, finder_.find(window.bytes, scratch, window.owned));
    std::vector<std::pair<const text::CredentialFormat*, std::uint64_t>> found;
    for (const text::CredentialMatch& match : matches) {
      const auto key = std::pair(match.format, window.offset + match.span.begin);
      found.push_back(key);
      if (std::find(progress.before.begin(), progress.before.end(), key) != progress.before.end()) {
        continue;
      }
      const auto from = static_cast<std::size_t>(at.offset - window.offset);
      at.advance(window.bytes.substr(from, match.span.begin - from));
      sink.finding(finding(artifact, match, slice(window.bytes, match.span), at));
    }
    progress.before = std::move(found);
    const std::size_t next = window.owned.end - std::min(window.owned.end, kWindows.behind);
    start.advance(window.bytes.substr(0, next));
    progress.next = start;
    start.advance(window.bytes.substr(next, window.owned.end - next));
    progress.end = start;
    return {};
  }

  static Finding finding(const Artifact& artifact, const text::CredentialMatch& match,
                         std::string_view secret, const Position& at) {
    Location location;
    location.file = artifact.name;
    location.line = at.line;
    location.column = at.column;
    location.span = {at.offset, at.offset + secret.size()};
    std::string message(info(match.format->rule).title);
    if (match.format->checked) message += "; its check digits hold";
    Finding made = make_finding(match.format->rule, std::move(message), std::move(location));
    made.confidence = match.format->checked ? 1.0 : 0.9;
    made.evidence = evidence(secret);
    return made;
  }

  text::CredentialFinder finder_;
};

}  // namespace

Result<std::unique_ptr<Scanner>> make_scanner() {
  DAVY_ASSIGN(text::CredentialFinder finder, text::CredentialFinder::create());
  return std::unique_ptr<Scanner>(std::make_unique<SecretsScanner>(std::move(finder)));
}

ModuleInfo module_info() noexcept {
  return {"pillars/environment/secrets", "Does a key, token or password lie in a file?",
          Maturity::usable,
          // fuzzer: mechanisms/text/credential_formats_fuzz.cc
          Posture::untrusted_input};
}

}  // namespace davy::secrets
