#include "core/upstream.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/strings.h"

namespace davy {
namespace {

constexpr std::size_t kMaxUrl = 2048;
constexpr std::size_t kMaxName = 253;    // RFC 1035 section 2.3.4, in text form
constexpr std::size_t kMaxSocket = 107;  // sockaddr_un::sun_path, with its end
constexpr std::string_view kUnix = "unix:";

bool is_letter_or_digit(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// None of these messages repeats the URL: a person may have put a password into it.
Error bad_url(std::string why) {
  return invalid_input("the upstream URL " + std::move(why), {},
                       "write http://HOST[:PORT][/PATH], https://HOST[:PORT][/PATH] or "
                       "unix:/PATH/OF/SOCKET[:/PATH]");
}

std::uint16_t usual_port(bool tls) noexcept { return tls ? 443 : 80; }

std::string bracketed(const std::string& host) {
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

bool is_host_name(std::string_view host) noexcept {
  if (host.empty() || host.size() > kMaxName || host.front() == '-' || host.front() == '.') {
    return false;
  }
  return host.find("..") == std::string_view::npos &&
         std::all_of(host.begin(), host.end(), [](char c) {
           return is_letter_or_digit(c) || c == '-' || c == '.' || c == '_';
         });
}

// RFC 3986 section 3.3, without what a server may read as something else.
bool is_base_path(std::string_view path) noexcept {
  static constexpr std::string_view kOther = "/-._~!$&'()*+,;=:@";
  return std::all_of(path.begin(), path.end(), [](char c) {
    return is_letter_or_digit(c) || kOther.find(c) != std::string_view::npos;
  });
}

bool has_dot_or_empty_part(std::string_view path) {
  const auto parts = split(path.substr(1), '/');
  return std::any_of(parts.begin(), parts.end(), [](std::string_view part) {
    return part.empty() || part == "." || part == "..";
  });
}

Result<std::string> address_v6(std::string_view text) {
  in6_addr address{};
  const std::string copy(text);
  std::array<char, INET6_ADDRSTRLEN> out{};
  if (inet_pton(AF_INET6, copy.c_str(), &address) != 1 || copy.find('\0') != std::string::npos ||
      inet_ntop(AF_INET6, &address, out.data(), out.size()) == nullptr) {
    return bad_url("has no IPv6 address between its brackets");
  }
  return std::string(out.data());
}

Result<void> read_authority(std::string_view authority, UpstreamUrl& url) {
  std::string_view port;
  bool has_port = false;
  if (!authority.empty() && authority.front() == '[') {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos) return bad_url("has a '[' without ']'");
    DAVY_ASSIGN(url.host, address_v6(authority.substr(1, close - 1)));
    const std::string_view rest = authority.substr(close + 1);
    has_port = !rest.empty();
    if (has_port && rest.front() != ':') return bad_url("has text between ']' and the port");
    if (has_port) port = rest.substr(1);
  } else {
    const std::size_t colon = authority.find(':');
    has_port = colon != std::string_view::npos;
    if (has_port) port = authority.substr(colon + 1);
    const std::string_view host = authority.substr(0, colon);
    if (!is_host_name(host)) return bad_url("has no valid host name");
    url.host = lower(host);
  }
  if (!has_port) return {};
  const auto number = to_number(port);
  if (!number || *number == 0 || *number > 65535) {
    return bad_url("has a port that is not a number from 1 to 65535");
  }
  url.port = static_cast<std::uint16_t>(*number);
  return {};
}

Result<void> read_base_path(std::string_view path, UpstreamUrl& url) {
  if (!path.empty() && path.back() == '/') path.remove_suffix(1);
  if (!is_base_path(path)) return bad_url("has a character in its path that is not plain");
  if (!path.empty() && (path.front() != '/' || has_dot_or_empty_part(path))) {
    return bad_url("has an empty part, '.' or '..' in its path");
  }
  url.base_path = path;
  return {};
}

// "/run/model.sock" or "/run/model.sock:/v1".
Result<UpstreamUrl> parse_socket(std::string_view text) {
  const std::size_t colon = std::min(text.find(':'), text.size());
  const std::string_view path = text.substr(0, colon);
  if (path.size() < 2 || path.front() != '/' || path.back() == '/' || !is_base_path(path)) {
    return bad_url("names no Unix socket by an absolute path of plain characters");
  }
  if (path.size() > kMaxSocket) {
    return bad_url("names a Unix socket whose path is longer than 107 bytes");
  }
  UpstreamUrl url;
  url.socket = path;
  url.host = "localhost";
  url.port = usual_port(false);
  if (colon != text.size()) DAVY_TRY(read_base_path(text.substr(colon + 1), url));
  return url;
}

// Never repeats what was written: it may be the credential itself.
Error bad_credential(std::string why) {
  return invalid_input("the credential " + std::move(why), {},
                       "write none, env:NAME, file:PATH or kubernetes:DIR/KEY; the credential "
                       "itself does not belong in the configuration");
}

bool is_variable_name(std::string_view name) noexcept {
  if (name.empty() || name.size() > 128 || (name.front() >= '0' && name.front() <= '9')) {
    return false;
  }
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return is_letter_or_digit(c) || c == '_'; });
}

bool is_path(std::string_view path) noexcept {
  return !path.empty() && path.size() <= 4096 && std::none_of(path.begin(), path.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
  });
}

// The keys of a Kubernetes Secret: letters, digits, '-', '_', '.'.
bool is_secret_key(std::string_view key) noexcept {
  return !key.empty() && key != "." && key != ".." &&
         std::all_of(key.begin(), key.end(), [](char c) {
           return is_letter_or_digit(c) || c == '-' || c == '_' || c == '.';
         });
}

}  // namespace

std::string UpstreamUrl::authority() const {
  if (!socket.empty()) return std::string(kUnix) + socket;
  return bracketed(host) + ":" + std::to_string(port);
}

std::string UpstreamUrl::host_field() const {
  // A socket has no name of its own; nginx and curl say the same.
  if (!socket.empty()) return "localhost";
  return port == usual_port(tls) ? bracketed(host) : authority();
}

bool UpstreamUrl::loopback() const noexcept {
  if (!socket.empty() || host == "localhost" || host == "::1") return true;
  in_addr address{};
  return inet_pton(AF_INET, host.c_str(), &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

std::string Upstream::target(std::string_view api_path) const {
  std::string out;
  out.reserve(url.base_path.size() + api_path.size() + 64);
  out += url.base_path;
  if (azure) out.append("/openai/deployments/").append(azure->deployment);
  out += api_path;
  if (azure) out.append("?api-version=").append(azure->api_version);
  return out;
}

bool is_bedrock_host(std::string_view host) noexcept {
  const bool amazon = host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn") ||
                      host.ends_with(".api.aws") || host.ends_with(".vpce.amazonaws.com");
  return amazon && (host.starts_with("bedrock-runtime") ||
                    host.find(".bedrock-runtime") != std::string_view::npos);
}

Result<UpstreamUrl> parse_upstream_url(std::string_view text) {
  if (text.size() > kMaxUrl) return bad_url("is longer than 2048 bytes");
  if (text.starts_with(kUnix)) return parse_socket(text.substr(kUnix.size()));
  const std::size_t scheme_end = text.find("://");
  const std::string_view scheme =
      scheme_end == std::string_view::npos ? std::string_view{} : text.substr(0, scheme_end);
  UpstreamUrl url;
  url.tls = equal_ignoring_case(scheme, "https");
  if (!url.tls && !equal_ignoring_case(scheme, "http")) {
    return bad_url("does not begin with http:// or https://");
  }
  url.port = usual_port(url.tls);

  const std::string_view rest = text.substr(scheme_end + 3);
  if (rest.starts_with(kUnix)) {
    if (url.tls) return bad_url("asks for TLS over a Unix socket");
    return parse_socket(rest.substr(kUnix.size()));
  }
  if (rest.find('@') < rest.find('/')) return bad_url("has user information before the host");
  if (rest.find('?') != std::string_view::npos) return bad_url("has a query");
  if (rest.find('#') != std::string_view::npos) return bad_url("has a fragment");
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  DAVY_TRY(read_authority(rest.substr(0, slash), url));

  DAVY_TRY(read_base_path(rest.substr(slash), url));
  return url;
}

Result<CredentialRef> parse_credential_ref(std::string_view text) {
  using Kind = CredentialRef::Kind;
  if (text == "none") return CredentialRef{};
  const std::size_t colon = text.find(':');
  const std::string_view kind = text.substr(0, colon);
  const std::string_view value =
      colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
  if (colon != std::string_view::npos && kind == "env") {
    if (!is_variable_name(value)) return bad_credential("names no environment variable");
    return CredentialRef{Kind::environment, std::string(value)};
  }
  if (colon != std::string_view::npos && kind == "file") {
    if (!is_path(value)) return bad_credential("names no file");
    return CredentialRef{Kind::file, std::string(value)};
  }
  if (colon != std::string_view::npos && kind == "kubernetes") {
    const std::size_t slash = value.rfind('/');
    if (slash == std::string_view::npos || slash == 0 || !is_path(value) ||
        !is_secret_key(value.substr(slash + 1))) {
      return bad_credential("names no folder and key of a mounted Kubernetes Secret");
    }
    return CredentialRef{Kind::kubernetes, std::string(value)};
  }
  return bad_credential("is of no known form");
}

}  // namespace davy
