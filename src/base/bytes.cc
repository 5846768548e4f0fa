#include "base/bytes.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace davy {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kBase64Digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr char32_t kReplacement = 0xFFFD;

constexpr std::uint8_t byte_at(std::string_view text, std::size_t at) noexcept {
  return static_cast<std::uint8_t>(text[at]);
}

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

constexpr std::int8_t kNoDigit = -1;
constexpr auto kBase64Values = [] {
  std::array<std::int8_t, 256> values{};
  values.fill(kNoDigit);
  for (std::size_t i = 0; i < kBase64Digits.size(); ++i) {
    values[byte_at(kBase64Digits, i)] = static_cast<std::int8_t>(i);
  }
  values['-'] = 62;
  values['_'] = 63;
  return values;
}();

struct Decoded {
  char32_t code_point = kReplacement;
  std::size_t length = 0;  // 0 = ill-formed
};

bool in(std::uint8_t byte, std::uint8_t low, std::uint8_t high) noexcept {
  return byte >= low && byte <= high;
}

// Unicode 15, table 3-7: only the second byte has a range that depends on the first.
Decoded decode(std::string_view text, std::size_t at) noexcept {
  const std::uint8_t first = byte_at(text, at);
  if (first < 0x80) return {first, 1};
  std::size_t length = 0;
  std::uint8_t low = 0x80;
  std::uint8_t high = 0xBF;
  char32_t value = 0;
  if (in(first, 0xC2, 0xDF)) {
    length = 2;
    value = first & 0x1FU;
  } else if (in(first, 0xE0, 0xEF)) {
    length = 3;
    value = first & 0x0FU;
    if (first == 0xE0) low = 0xA0;   // shorter forms exist below U+0800
    if (first == 0xED) high = 0x9F;  // surrogates
  } else if (in(first, 0xF0, 0xF4)) {
    length = 4;
    value = first & 0x07U;
    if (first == 0xF0) low = 0x90;   // shorter forms exist below U+10000
    if (first == 0xF4) high = 0x8F;  // above U+10FFFF
  } else {
    return {};
  }
  if (text.size() - at < length) return {};
  for (std::size_t i = 1; i < length; ++i) {
    const std::uint8_t byte = byte_at(text, at + i);
    if (!in(byte, low, high)) return {};
    value = (value << 6) | (byte & 0x3FU);
    low = 0x80;
    high = 0xBF;
  }
  return {value, length};
}

}  // namespace

std::string to_hex(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    out += kHexDigits[byte_at(bytes, i) >> 4];
    out += kHexDigits[byte_at(bytes, i) & 0x0F];
  }
  return out;
}

std::optional<std::string> from_hex(std::string_view hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  std::string out;
  out.reserve(hex.size() / 2);
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const int high = hex_value(hex[i]);
    const int low = hex_value(hex[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
  }
  return out;
}

std::string to_base64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = (group << 8) | (j < count ? byte_at(bytes, i + j) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      out += j <= count ? kBase64Digits[(group >> (18 - 6 * j)) & 0x3F] : '=';
    }
  }
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 == 0) {
    for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  }
  if (text.size() % 4 == 1) return std::nullopt;
  const bool standard = text.find_first_of("+/") != std::string_view::npos;
  const bool url_safe = text.find_first_of("-_") != std::string_view::npos;
  if (standard && url_safe) return std::nullopt;
  std::string out;
  out.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::int8_t digit = kBase64Values[byte_at(text, i)];
    if (digit == kNoDigit) return std::nullopt;
    bits = (bits << 6) | static_cast<std::uint32_t>(digit);
    held += 6;
    if (held >= 8) {
      held -= 8;
      out += static_cast<char>((bits >> held) & 0xFFU);
      bits &= (1U << held) - 1;
    }
  }
  // Bits left over must be zero, or two texts would stand for the same bytes.
  if (bits != 0) return std::nullopt;
  return out;
}

std::optional<std::size_t> first_invalid_utf8(std::string_view text) noexcept {
  std::size_t at = 0;
  while (at < text.size()) {
    std::uint64_t block = 0;
    if (text.size() - at >= sizeof block) {
      std::memcpy(&block, text.data() + at, sizeof block);
      if ((block & 0x8080808080808080U) == 0) {
        at += sizeof block;
        continue;
      }
    }
    const std::size_t length = decode(text, at).length;
    if (length == 0) return at;
    at += length;
  }
  return std::nullopt;
}

bool is_plain_text(std::string_view text) noexcept {
  constexpr std::uint64_t kOnes = 0x0101'0101'0101'0101;
  constexpr std::uint64_t kHigh = 0x80 * kOnes;
  // Sets the high bit of the lowest byte of `word` that is less than `limit`, where all
  // bytes are below 0x80 (and perhaps of bytes above it).
  const auto below = [](std::uint64_t word, std::uint64_t limit) {
    return (word - limit * kOnes) & ~word;
  };
  const auto odd = [&](std::uint64_t word) {
    return (word | below(word, 0x20) | below(word ^ ('"' * kOnes), 1) |
            below(word ^ ('\\' * kOnes), 1) | below(word ^ (0x7F * kOnes), 1)) &
           kHigh;
  };
  const auto load = [&text](std::size_t at, std::size_t size) {
    std::uint64_t word = ' ' * kOnes;
    std::memcpy(&word, text.data() + at, size);
    return word;
  };
  constexpr std::size_t kWord = sizeof(std::uint64_t);
  std::uint64_t found = 0;
  if (text.size() >= kWord) {
    for (std::size_t at = 0; at + kWord < text.size(); at += kWord) found |= odd(load(at, kWord));
    found |= odd(load(text.size() - kWord, kWord));  // perhaps some bytes again
  } else if (text.size() >= kWord / 2) {
    found = odd(load(0, kWord / 2)) | odd(load(text.size() - kWord / 2, kWord / 2));
  } else {
    for (std::size_t at = 0; at < text.size(); ++at) found |= odd(load(at, 1));
  }
  return found == 0;
}

void append_utf8(std::string& out, char32_t code_point) {
  if (code_point > 0x10FFFF || (code_point >= 0xD800 && code_point <= 0xDFFF)) {
    code_point = kReplacement;
  }
  const auto tail = [&](unsigned shift) {
    out += static_cast<char>(0x80U | ((code_point >> shift) & 0x3FU));
  };
  if (code_point < 0x80) {
    out += static_cast<char>(code_point);
  } else if (code_point < 0x800) {
    out += static_cast<char>(0xC0U | (code_point >> 6));
    tail(0);
  } else if (code_point < 0x10000) {
    out += static_cast<char>(0xE0U | (code_point >> 12));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0U | (code_point >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

char32_t next_code_point(std::string_view text, std::size_t& at) noexcept {
  if (at >= text.size()) return kReplacement;
  const Decoded decoded = decode(text, at);
  at += decoded.length == 0 ? 1 : decoded.length;
  return decoded.code_point;
}

std::size_t code_points_before(std::string_view text, std::size_t offset) noexcept {
  std::size_t count = 0;
  for (const char c : text.substr(0, offset)) {
    // Continuation bytes are 10xxxxxx.
    if ((static_cast<std::uint8_t>(c) & 0xC0U) != 0x80U) ++count;
  }
  return count;
}

}  // namespace davy
