// Identifiers that are safe to print and to guess from nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace davy {

// Fills `out` with random bytes of the kernel's generator (getrandom); never fails
// short of a broken machine, on which it ends the process.
void random_bytes(std::span<std::byte> out) noexcept;

// `count` characters of base62 (0-9 A-Z a-z), each uniform; 43 carry 256 bits.
[[nodiscard]] std::string random_base62(std::size_t count);

// A request id: "req_", 9 characters of time in milliseconds (base32, sorts by time),
// 11 random base32 characters (55 bits). Lower case, no look-alikes (Crockford's
// alphabet). Cheap: one getrandom per 64 ids and thread. Thread-safe; a child made by
// fork() without exec would repeat the random part.
[[nodiscard]] std::string new_request_id(WallTime now);

// Whether `text` has the form of a request id.
[[nodiscard]] bool is_request_id(std::string_view text) noexcept;

// CRC-32 (IEEE 802.3, reflected, as in zlib), for the check digits of keys.
[[nodiscard]] std::uint32_t crc32(std::string_view bytes) noexcept;

// A number in base62, left-padded with '0' to `width`; longer where it needs more.
[[nodiscard]] std::string base62(std::uint64_t number, std::size_t width);

}  // namespace davy
