// Models: routes to upstreams.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace davy {

// Where an upstream listens. Parsed from a URL; no user information, query or fragment.
struct UpstreamUrl {
  bool tls = false;
  std::string host;  // a name or an address, without brackets
  std::uint16_t port = 0;
  std::string base_path;  // "" or "/v1", no slash at the end

  // "host:port", with brackets for IPv6; the Host field that goes upstream.
  [[nodiscard]] std::string authority() const;
};
[[nodiscard]] Result<UpstreamUrl> parse_upstream_url(std::string_view text);

// Where the provider's credential comes from; never the credential itself.
struct CredentialRef {
  enum class Kind : std::uint8_t { none, environment, file, kubernetes };
  Kind kind = Kind::none;
  std::string name;  // variable, path, or DIR/KEY
};
// "none", "env:NAME", "file:PATH", "kubernetes:DIR/KEY". Anything else is refused, since
// it may be the credential itself: the error does not repeat it.
[[nodiscard]] Result<CredentialRef> parse_credential_ref(std::string_view text);

struct Price {
  double input_per_million = 0;  // US dollars
  double output_per_million = 0;
};

// What to do with bytes that no enforcing content rule could examine.
enum class Unexamined : std::uint8_t { deny, allow };

struct Model {
  std::string name;                    // what clients write in `model`
  std::string dialect;                 // "openai", "predict"
  std::vector<std::string> hosts;      // requests to these go to this model; lower case
  std::vector<UpstreamUrl> upstreams;  // at least one; fail-over in this order
  CredentialRef credential;
  std::optional<Price> price;
  std::optional<std::uint64_t> max_output_tokens;
  Unexamined unexamined = Unexamined::deny;
  Place place;
};

}  // namespace davy
