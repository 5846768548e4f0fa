// Upstreams: where a model's requests go, and what each of them wants to see.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace davy {

// Where an upstream listens. Parsed from a URL; no user information, query or fragment.
struct UpstreamUrl {
  bool tls = false;
  std::string host;  // a name or an address, without brackets; "localhost" for a socket
  std::uint16_t port = 0;
  std::string base_path;  // "" or "/v1", no slash at the end
  std::string socket;     // the path of a Unix socket; "" = host and port

  // "host:port", with brackets for IPv6, or "unix:PATH". For people, logs and metrics.
  [[nodiscard]] std::string authority() const;
  // The Host field that goes upstream: without the scheme's own port, as clients write it.
  [[nodiscard]] std::string host_field() const;
  // Cannot leave this machine: a socket, "localhost" or a loopback address.
  [[nodiscard]] bool loopback() const noexcept;
};
// "http://HOST[:PORT][/PATH]", "https://…", "unix:/PATH/OF/SOCKET[:/PATH]" (also with http://
// before it, as nginx writes it).
[[nodiscard]] Result<UpstreamUrl> parse_upstream_url(std::string_view text);

// Whether the name is one of Amazon Bedrock's runtime, which speaks a protocol of its own.
[[nodiscard]] bool is_bedrock_host(std::string_view host) noexcept;

// Where the provider's credential comes from; never the credential itself.
struct CredentialRef {
  enum class Kind : std::uint8_t { none, environment, file, kubernetes };
  Kind kind = Kind::none;
  std::string name;  // variable, path, or DIR/KEY
  bool operator==(const CredentialRef&) const = default;
};
// "none", "env:NAME", "file:PATH", "kubernetes:DIR/KEY". Anything else is refused, since
// it may be the credential itself: the error does not repeat it.
[[nodiscard]] Result<CredentialRef> parse_credential_ref(std::string_view text);

// Azure OpenAI: the deployment stands in the path, the version of the API in the query.
struct AzureRoute {
  std::string deployment;
  std::string api_version;
  // The credential is an Entra ID token and goes as `Authorization: Bearer`; else it is a
  // key and goes as `api-key`.
  bool token = false;
  bool operator==(const AzureRoute&) const = default;
};

// How an https:// upstream is checked, and what we show it. Files are paths that are
// relative to the process.
struct UpstreamTls {
  std::string ca;           // PEM with the authorities to trust; "" = those of the system
  std::string certificate;  // PEM chain that we show; "" = none
  std::string key;          // of that certificate
  std::string server_name;  // for SNI and the check of the name; "" = the URL's host
  bool verify = true;
  bool operator==(const UpstreamTls&) const = default;
};

// One upstream of a model, with what the model says for all of them filled in.
struct Upstream {
  UpstreamUrl url;
  std::uint32_t weight = 1;  // 0 = gets nothing; counts only where Model::shares
  std::string model;         // written into the body in place of the caller's; "" = kept
  CredentialRef credential;
  std::optional<AzureRoute> azure;
  UpstreamTls tls;
  std::size_t position = 0;  // in Model::upstreams
  Place place;

  // The request target for a path of the API ("/chat/completions"): below the base path or
  // the deployment, with Azure's query.
  [[nodiscard]] std::string target(std::string_view api_path) const;
};

}  // namespace davy
