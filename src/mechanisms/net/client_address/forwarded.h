// Who the client is when trusted proxies stand in between: X-Forwarded-For and
// Forwarded (RFC 7239).
//
// Each proxy appends whom it saw, so the list is true from its right end up to the first
// address that we do not trust; what stands left of that is whatever the client wrote.
// Both forms are therefore read from the right, and no byte of the untrusted part, be it
// an open quotation, changes what is found.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "core/address.h"

namespace davy::net {

// Of proxies in a row that are followed.
inline constexpr std::size_t kMaxHops = 32;

// `lines`: the values of all fields of that name, in their order. The result is
// - `peer`, if it is not trusted or nothing is forwarded;
// - else the right-most address that is not trusted;
// - else, where the list ends, is malformed, hides the address (`unknown`, `_name`) or has
//   more than kMaxHops: the last trusted address that was read, never a part of a text.
// Empty elements count for nothing. A port is read over.
[[nodiscard]] Address client_of(const Address& peer, std::span<const std::string_view> lines,
                                ForwardedBy form, const AddressSet& trusted) noexcept;

// The last element of a comma-separated list, trimmed; takes it off the list. A comma in a
// quotation separates nothing; a quotation that is not opened is the whole rest. Of a list
// that follows the grammar these are its elements in reverse.
[[nodiscard]] std::string_view take_last_element(std::string_view& list) noexcept;

}  // namespace davy::net
