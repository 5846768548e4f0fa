// Oracles: no crash; what comes back respects the limits, is UTF-8 and has places inside
// the input; each failure has an error with a place inside the input; reading twice gives
// the same. Whatever the tree, the readers of the configuration report mistakes with places.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/strings.h"
#include "core/settings.h"
#include "mechanisms/formats/yaml.h"

namespace {

using davy::ConfigNode;

void require(bool held) {
  if (!held) std::abort();
}

void check_place(const davy::Place& place, const std::vector<std::string_view>& lines) {
  require(place.line >= 1 && place.line <= lines.size());
  require(place.column >= 1 && place.column <= lines[place.line - 1].size() + 1);
}

std::size_t check_node(const ConfigNode& node, const std::vector<std::string_view>& lines,
                       std::size_t depth, std::size_t limit) {
  check_place(node.place, lines);
  require(!davy::first_invalid_utf8(node.scalar));
  require(node.kind == ConfigNode::Kind::scalar || node.scalar.empty());
  require(node.kind == ConfigNode::Kind::list || node.items.empty());
  require(node.kind == ConfigNode::Kind::map || node.entries.empty());
  if (node.kind == ConfigNode::Kind::list || node.kind == ConfigNode::Kind::map) {
    require(depth < limit);
  }
  std::size_t count = 1;
  for (const ConfigNode& item : node.items) count += check_node(item, lines, depth + 1, limit);
  for (const auto& [key, value] : node.entries) {
    require(key.kind == ConfigNode::Kind::scalar);
    require(node.find(key.scalar) == &value);  // so no key stands twice
    count += 1 + check_node(value, lines, depth + 1, limit);
    check_place(key.place, lines);
  }
  return count;
}

bool same(const ConfigNode& a, const ConfigNode& b) {
  if (a.kind != b.kind || a.scalar != b.scalar || a.quoted != b.quoted ||
      a.place.text() != b.place.text() || a.items.size() != b.items.size() ||
      a.entries.size() != b.entries.size()) {
    return false;
  }
  for (std::size_t i = 0; i < a.items.size(); ++i) {
    if (!same(a.items[i], b.items[i])) return false;
  }
  for (std::size_t i = 0; i < a.entries.size(); ++i) {
    if (!same(a.entries[i].key, b.entries[i].key) ||
        !same(a.entries[i].value, b.entries[i].value)) {
      return false;
    }
  }
  return true;
}

// Where the configuration was taken, we listen, and never in plain text where TLS was asked
// for: what stands there names its files, with their places.
void check_listen(const davy::Settings& settings, bool taken,
                  const std::vector<std::string_view>& lines) {
  require(!taken || !settings.listen.empty());
  for (const davy::Endpoint& endpoint : settings.listen) {
    const auto again = davy::parse_endpoint(endpoint.text());
    require(again.ok() && again->text() == endpoint.text());
    if (!taken || !endpoint.tls) continue;
    require(!endpoint.tls->certificate.empty() && !endpoint.tls->key.empty());
    check_place(endpoint.tls->certificate_place, lines);
    check_place(endpoint.tls->key_place, lines);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  const davy::formats::YamlLimits limits{1 << 16, 16, 2000};
  davy::Diagnostics diagnostics;
  const auto tree = davy::formats::read_yaml(text, "f", diagnostics, limits);

  std::string_view body = text;
  if (body.starts_with("\xEF\xBB\xBF")) body.remove_prefix(3);
  const auto lines = davy::split(body, '\n');
  require(tree.has_value() || !diagnostics.ok());
  if (body.size() <= limits.bytes) {
    for (const davy::Diagnostic& d : diagnostics.all()) check_place(d.place, lines);
  }
  if (tree) require(check_node(*tree, lines, 0, limits.depth) <= limits.nodes);

  davy::Diagnostics again_diagnostics;
  const auto again = davy::formats::read_yaml(text, "f", again_diagnostics, limits);
  require(tree.has_value() == again.has_value());
  require(diagnostics.all().size() == again_diagnostics.all().size());
  for (std::size_t i = 0; i < diagnostics.all().size(); ++i) {
    require(diagnostics.all()[i].text() == again_diagnostics.all()[i].text());
  }
  if (tree) require(same(*tree, *again));

  // The readers behind it take any tree: each mistake has a place inside the input.
  if (tree) {
    davy::Diagnostics of_readers;
    const auto content = davy::read_config(*tree, {}, of_readers);
    davy::check_settings(content.settings, of_readers);
    check_listen(content.settings, of_readers.ok(), lines);
    (void)davy::read_team_file(*tree, of_readers);
    (void)davy::read_floors(*tree, of_readers);
    for (const davy::Diagnostic& d : of_readers.all()) {
      if (d.place.line != 0) check_place(d.place, lines);
      require(!d.error || d.place.line != 0);
      require(!davy::first_invalid_utf8(d.message));
    }
  }
  return 0;
}
