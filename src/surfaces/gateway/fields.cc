#include "surfaces/gateway/fields.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/strings.h"

namespace davy::gateway {
namespace {

// A few names, in lower case. Most fields are told apart by their length.
template <std::size_t kCount>
struct Names {
  constexpr explicit Names(const std::string_view (&given)[kCount]) {
    for (std::size_t i = 0; i < kCount; ++i) {
      names[i] = given[i];
      sizes |= std::uint64_t{1} << given[i].size();
    }
  }
  [[nodiscard]] bool holds(std::string_view field) const noexcept {
    return field.size() < 64 && (sizes >> field.size() & 1) != 0 &&
           std::any_of(names.begin(), names.end(),
                       [&](std::string_view name) { return equal_ignoring_case(field, name); });
  }

  std::array<std::string_view, kCount> names{};
  std::uint64_t sizes = 0;
};

template <std::size_t kCount>
bool begins_with_one_of(const std::array<std::string_view, kCount>& prefixes,
                        std::string_view field) {
  return std::any_of(prefixes.begin(), prefixes.end(), [&](std::string_view prefix) {
    return equal_ignoring_case(field.substr(0, prefix.size()), prefix);
  });
}

constexpr Names kOurs({"authorization", "x-api-key", "api-key", "cookie", "accept-encoding",
                       "content-type", "content-encoding", "forwarded", "openai-project",
                       "openai-organization"});
// By which servers and the proxies before them take a client's address or another target.
constexpr Names kClaims({"x-real-ip", "x-client-ip", "x-cluster-client-ip", "true-client-ip",
                         "cf-connecting-ip", "fastly-client-ip", "x-original-url", "x-original-uri",
                         "x-rewrite-url", "x-http-method", "x-http-method-override",
                         "x-method-override", "x-host"});
constexpr std::array<std::string_view, 2> kClaimsBegin{"x-forwarded", "x-envoy-"};

constexpr Names kOfTheOrigin({"set-cookie", "alt-svc", "strict-transport-security",
                              "clear-site-data", "nel", "report-to", "www-authenticate"});
constexpr std::array<std::string_view, 2> kOfTheOriginBegin{"davy-", "access-control-"};

}  // namespace

bool stays_here(std::string_view field) noexcept {
  return field.find('_') != std::string_view::npos || kOurs.holds(field) || kClaims.holds(field) ||
         begins_with_one_of(kClaimsBegin, field);
}

bool speaks_for_us(std::string_view field) noexcept {
  return kOfTheOrigin.holds(field) || begins_with_one_of(kOfTheOriginBegin, field);
}

}  // namespace davy::gateway
