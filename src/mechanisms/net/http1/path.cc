#include "mechanisms/net/http1/path.h"

#include <algorithm>
#include <cstdint>

#include "base/bytes.h"

namespace davy::http1 {
namespace {

int hex(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool in_no_name(char c) noexcept {
  const auto byte = static_cast<std::uint8_t>(c);
  return byte < 0x20 || byte == 0x7F || c == '/' || c == '\\';
}

// After decoding: it was escaped twice, and a server behind one that decodes would read a
// path of its own.
bool has_escape(std::string_view text) noexcept {
  for (std::size_t at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 1)) {
    if (text.size() - at >= 3 && hex(text[at + 1]) >= 0 && hex(text[at + 2]) >= 0) return true;
  }
  return false;
}

}  // namespace

std::optional<std::string> decode_segment(std::string_view segment) {
  std::string out;
  out.reserve(segment.size());
  for (std::size_t i = 0; i < segment.size(); ++i) {
    char c = segment[i];
    if (c == '%') {
      if (segment.size() - i < 3) return std::nullopt;
      const int high = hex(segment[i + 1]);
      const int low = hex(segment[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    out += c;
  }
  if (std::any_of(out.begin(), out.end(), in_no_name)) return std::nullopt;
  if (first_invalid_utf8(out)) return std::nullopt;
  return out;
}

std::string encode_segment(std::string_view name) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : name) {
    const auto byte = static_cast<std::uint8_t>(c);
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
        c == '.' || c == '_' || c == '~') {
      out += c;
    } else {
      out.append(1, '%').append(1, kHex[byte >> 4]).append(1, kHex[byte & 0xF]);
    }
  }
  return out;
}

bool is_clean_path(std::string_view path) {
  if (!path.starts_with('/')) return false;
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::size_t size = std::min(path.find('/'), path.size());
    const auto segment = decode_segment(path.substr(0, size));
    path.remove_prefix(size);
    if (!segment || (segment->empty() && !path.empty())) return false;
    const std::string_view name = std::string_view(*segment).substr(0, segment->find(';'));
    if (name == "." || name == ".." || (name.empty() && !segment->empty())) return false;
    if (has_escape(*segment)) return false;
  }
  return true;
}

}  // namespace davy::http1
