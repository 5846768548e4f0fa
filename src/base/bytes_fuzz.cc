// Oracles: what is decoded encodes to the same text again; text is well-formed
// exactly when reading and writing its code points gives it back; a printable
// line is well-formed, has no control character and keeps to its limit.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/strings.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check_codecs(std::string_view text) {
  require(davy::from_hex(davy::to_hex(text)) == text);
  require(davy::from_base64(davy::to_base64(text)) == text);
  if (const auto bytes = davy::from_hex(text)) {
    require(davy::to_hex(*bytes) == davy::lower(text));
  }
  if (const auto bytes = davy::from_base64(text)) {
    std::string canonical(text);
    for (char& c : canonical) c = c == '-' ? '+' : c == '_' ? '/' : c;
    while (canonical.size() % 4 != 0) canonical += '=';
    require(davy::to_base64(*bytes) == canonical);
  }
}

void check_utf8(std::string_view text) {
  std::string again;
  std::size_t points = 0;
  for (std::size_t at = 0; at < text.size(); ++points) {
    const std::size_t before = at;
    davy::append_utf8(again, davy::next_code_point(text, at));
    require(at > before && at <= text.size());
  }
  const auto broken = davy::first_invalid_utf8(text);
  require(!broken == (again == text));
  if (broken) {
    require(*broken < text.size());
    require(!davy::first_invalid_utf8(text.substr(0, *broken)));
  } else {
    require(davy::code_points_before(text, text.size()) == points);
  }
}

void check_printable(std::string_view text) {
  const std::string whole = davy::printable(text, SIZE_MAX);
  require(davy::printable(whole, SIZE_MAX) == whole);
  for (const std::size_t limit : {0U, 1U, 3U, 10U, 50U}) {
    const std::string line = davy::printable(text, limit);
    require(line.size() <= limit);
    require(!davy::first_invalid_utf8(line));
    for (const char c : line) require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
    std::string_view head = line;
    if (line != whole && head.ends_with("…")) head.remove_suffix(std::string_view("…").size());
    require(std::string_view(whole).starts_with(head));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  check_codecs(text);
  check_utf8(text);
  check_printable(text);
  return 0;
}
