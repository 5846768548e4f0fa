#include "base/ids.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "base/secret.h"

namespace davy {
namespace {

constexpr std::string_view kBase62 =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
// Crockford's base32 in lower case: no i, l, o, u.
constexpr std::string_view kBase32 = "0123456789abcdefghjkmnpqrstvwxyz";
constexpr std::string_view kRequestPrefix = "req_";
constexpr std::size_t kTimeDigits = 9;     // 45 bits of milliseconds: until the year 3084
constexpr std::size_t kRandomDigits = 11;  // 55 bits

// Random bytes for request ids, fetched for 64 ids at a time.
struct RandomPool {
  static constexpr std::size_t kBytesPerId = (kRandomDigits * 5 + 7) / 8;
  std::array<std::byte, 64 * kBytesPerId> bytes;
  std::size_t used = bytes.size();
};

void append_base32(std::string& out, std::uint64_t bits, std::size_t digits) {
  for (std::size_t i = digits; i-- > 0;) out += kBase32[(bits >> (5 * i)) & 0x1F];
}

constexpr auto kCrcTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) {
      value = (value >> 1) ^ ((value & 1U) != 0 ? 0xEDB88320U : 0U);  // IEEE 802.3, reflected
    }
    table[i] = value;
  }
  return table;
}();

}  // namespace

void random_bytes(std::span<std::byte> out) noexcept {
  while (!out.empty()) {
    const ssize_t got = getrandom(out.data(), out.size(), 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      // No caller could go on safely without randomness.
      std::abort();
    }
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

std::string random_base62(std::size_t count) {
  // Bytes from here on would make the first digits more likely than the others.
  constexpr unsigned kUniformBelow = 256 / 62 * 62;
  std::string out;
  out.reserve(count);
  std::array<std::byte, 64> bytes;
  while (out.size() < count) {
    random_bytes(bytes);
    for (const std::byte byte : bytes) {
      const auto value = std::to_integer<unsigned>(byte);
      if (value < kUniformBelow && out.size() < count) out += kBase62[value % 62];
    }
  }
  wipe(bytes.data(), bytes.size());
  return out;
}

std::string new_request_id(WallTime now) {
  thread_local RandomPool pool;
  if (pool.used == pool.bytes.size()) {
    random_bytes(pool.bytes);
    pool.used = 0;
  }
  std::uint64_t random = 0;
  for (std::size_t i = 0; i < RandomPool::kBytesPerId; ++i) {
    random = (random << 8) | std::to_integer<std::uint64_t>(pool.bytes[pool.used++]);
  }
  const auto millis = std::chrono::floor<std::chrono::milliseconds>(now.time_since_epoch()).count();
  std::string out(kRequestPrefix);
  out.reserve(kRequestPrefix.size() + kTimeDigits + kRandomDigits);
  append_base32(out, static_cast<std::uint64_t>(std::max<std::int64_t>(0, millis)), kTimeDigits);
  append_base32(out, random, kRandomDigits);
  return out;
}

bool is_request_id(std::string_view text) noexcept {
  return text.size() == kRequestPrefix.size() + kTimeDigits + kRandomDigits &&
         text.starts_with(kRequestPrefix) &&
         text.find_first_not_of(kBase32, kRequestPrefix.size()) == std::string_view::npos;
}

std::uint32_t crc32(std::string_view bytes) noexcept {
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const char c : bytes) {
    crc = (crc >> 8) ^ kCrcTable[(crc ^ static_cast<std::uint8_t>(c)) & 0xFFU];
  }
  return ~crc;
}

std::string base62(std::uint64_t number, std::size_t width) {
  std::string out;
  do {
    out += kBase62[number % 62];
    number /= 62;
  } while (number != 0);
  if (out.size() < width) out.append(width - out.size(), '0');
  std::reverse(out.begin(), out.end());
  return out;
}

}  // namespace davy
