// Reads `listen:`.
#include <charconv>
#include <utility>

#include "base/files.h"
#include "core/settings_read.h"

namespace davy {
namespace {

std::string beside(const ConfigMap& map, const std::string& path) {
  return path.empty() ? path : resolve(parent_folder(map.place().file), path);
}

std::optional<ListenTls> read_tls(ConfigMap& entry) {
  if (!entry.has("tls")) return std::nullopt;
  ConfigMap map = entry.map("tls");
  // `tls:` with nothing below it would be plain text where somebody wanted none.
  if (!map.present()) {
    entry.diagnostics().error(map.path() + ": names no certificate", entry.place("tls"),
                              "write certificate: FILE and key: FILE below it");
    return std::nullopt;
  }
  ListenTls out;
  out.certificate = beside(map, map.required_text("certificate"));
  out.key = beside(map, map.required_text("key"));
  if (map.node("client_ca") != nullptr) out.client_ca = beside(map, map.required_text("client_ca"));
  out.certificate_place = map.place("certificate");
  out.key_place = map.place("key");
  out.client_ca_place = map.place("client_ca");
  map.finish();
  return out;
}

// What stands beside the address.
struct Beside {
  std::optional<ListenTls> tls;
  bool proxy_protocol = false;
  std::optional<unsigned> mode;
};

// "0660", as chmod takes it.
std::optional<unsigned> read_mode(ConfigMap& map) {
  const auto text = map.text("mode");
  if (!text) return std::nullopt;
  unsigned mode = 0;
  const char* const end = text->data() + text->size();
  const auto [rest, fault] = std::from_chars(text->data(), end, mode, 8);
  if (fault == std::errc() && rest == end && text->size() <= 4 && mode <= 0777) return mode;
  map.diagnostics().error(map.path() + ".mode: not a mode", map.place("mode"),
                          "write three or four octal digits, e.g. \"0660\"");
  return std::nullopt;
}

void read_address(std::string_view text, const std::string& path, const Place& place, Beside beside,
                  Diagnostics& diagnostics, std::vector<Endpoint>& out) {
  auto endpoint = parse_endpoint(text);
  if (!endpoint) {
    diagnostics.error(path + ": " + endpoint.error().message, place, endpoint.error().hint);
    return;
  }
  endpoint->place = place;
  if (endpoint->unix_socket()) endpoint->path = resolve(parent_folder(place.file), endpoint->path);
  endpoint->tls = std::move(beside.tls);
  endpoint->proxy_protocol = beside.proxy_protocol;
  if (beside.mode && !endpoint->unix_socket()) {
    diagnostics.error(path + ".mode: only a Unix socket has one", place, "take it out");
  }
  endpoint->mode = beside.mode.value_or(endpoint->mode);
  if (!endpoint->loopback() && !endpoint->tls) {
    diagnostics.warning(path + ": keys and prompts cross the network without TLS", place,
                        "give the address a certificate: {address: ADDRESS:PORT, tls: "
                        "{certificate: FILE, key: FILE}}");
  }
  out.push_back(*std::move(endpoint));
}

void read_entry(const ConfigNode& node, const std::string& path, Diagnostics& diagnostics,
                std::vector<Endpoint>& out) {
  if (node.kind == ConfigNode::Kind::scalar) {
    read_address(node.scalar, path, node.place, {}, diagnostics, out);
    return;
  }
  if (node.kind != ConfigNode::Kind::map) {
    diagnostics.error(path + ": expected an address or a map with one", node.place,
                      "e.g. 127.0.0.1:8080, or {address: 0.0.0.0:8443, tls: {…}}");
    return;
  }
  ConfigMap map(&node, path, diagnostics);
  const std::string address = map.required_text("address");
  Beside beside{read_tls(map), map.boolean("proxy_protocol").value_or(false), read_mode(map)};
  if (!address.empty()) {
    read_address(address, path, map.place("address"), std::move(beside), diagnostics, out);
  }
  map.finish();
}

}  // namespace

std::vector<Endpoint> read_listen(ConfigMap& top) {
  const ConfigNode* const node = top.node("listen");
  if (node == nullptr) return {Endpoint{"127.0.0.1", 8080, {}}};
  std::vector<Endpoint> out;
  if (node->kind != ConfigNode::Kind::list) {
    read_entry(*node, "listen", top.diagnostics(), out);
    return out;
  }
  for (std::size_t i = 0; i < node->items.size(); ++i) {
    read_entry(node->items[i], "listen[" + std::to_string(i) + "]", top.diagnostics(), out);
  }
  if (node->items.empty()) {
    top.diagnostics().error("listen: the list is empty", node->place,
                            "leave it out for 127.0.0.1:8080");
  }
  return out;
}

}  // namespace davy
