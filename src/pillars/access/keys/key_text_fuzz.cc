// Oracle: a text parses exactly if its form and check digits are right by a second,
// bitwise computation; what parses is made again by format_key; and any text becomes a
// key that parses once its check digits are put right.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "pillars/access/keys/key_text.h"

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

constexpr char kDigits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

// CRC-32 bit by bit, most significant digit first.
std::string check_digits(const std::string& text) {
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const char c : text) {
    crc ^= static_cast<std::uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1U) != 0 ? (crc >> 1) ^ 0xEDB88320U : crc >> 1;
  }
  crc = ~crc;
  std::string digits(6, '0');
  for (std::size_t at = digits.size(); at-- > 0; crc /= 62) digits[at] = kDigits[crc % 62];
  return digits;
}

bool base62(const std::string& text) {
  return text.find_first_not_of(kDigits) == std::string::npos &&
         text.find('\0') == std::string::npos;
}

bool is_key(const std::string& text) {
  return text.size() == 67 && text.substr(0, 5) == "davy_" && text[17] == '_' &&
         base62(text.substr(5, 12)) && base62(text.substr(18, 43)) &&
         text.substr(61) == check_digits(text.substr(0, 61));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace davy::access;
  static_assert(kKeySize == 67);
  std::string text(data, data + size);
  const auto parts = parse_key(text);
  check(parts.has_value() == is_key(text));
  if (parts) check(format_key(parts->id, parts->secret).expose() == text);

  // Random input has right check digits once in four billion: mend them.
  text.resize(61, '0');
  text.replace(0, 5, "davy_");
  text[17] = '_';
  for (std::size_t at = 5; at < text.size(); ++at) {
    // Most characters become base62, some stay what they are.
    const auto byte = static_cast<std::uint8_t>(text[at]);
    if (at != 17 && byte % 16 != 15) text[at] = kDigits[byte % 62];
  }
  text += check_digits(text);
  const auto mended = parse_key(text);
  check(mended.has_value() == is_key(text));
  if (mended) check(format_key(mended->id, mended->secret).expose() == text);
  return 0;
}
