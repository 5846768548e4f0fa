// For tests: configurations as trees, since core knows no YAML.
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/settings.h"

namespace davy::settings_for_tests {

// A tree from a short notation, since core knows no YAML: nested braces with one value
// type each. Lines count the nodes.
class Tree {
 public:
  static ConfigNode text(std::string value) {
    ConfigNode node = at_next_line(ConfigNode::Kind::scalar);
    node.scalar = std::move(value);
    return node;
  }
  static ConfigNode list(std::vector<ConfigNode> items) {
    ConfigNode node = at_next_line(ConfigNode::Kind::list);
    node.items = std::move(items);
    return node;
  }
  static ConfigNode map(std::vector<std::pair<std::string, ConfigNode>> entries) {
    ConfigNode node = at_next_line(ConfigNode::Kind::map);
    for (auto& [key, value] : entries) node.entries.push_back({text(key), std::move(value)});
    return node;
  }

 private:
  static ConfigNode at_next_line(ConfigNode::Kind kind) {
    static std::uint32_t line = 0;
    ConfigNode node;
    node.kind = kind;
    node.place = {"etc/davylamp.yaml", ++line, 1};
    return node;
  }
};

struct Read {
  ConfigContent content;
  Diagnostics diagnostics;
  [[nodiscard]] bool says(std::string_view part) const {
    return std::any_of(diagnostics.all().begin(), diagnostics.all().end(),
                       [&](const auto& d) { return d.text().find(part) != std::string::npos; });
  }
  [[nodiscard]] std::string all() const {
    std::string out;
    for (const Diagnostic& d : diagnostics.all()) out += d.text() + "\n";
    return out;
  }
};

inline Read read(const ConfigNode& root,
                 std::span<const std::unique_ptr<ConfigSection>> sections = {}) {
  Read out;
  out.content = read_config(root, sections, out.diagnostics);
  return out;
}

inline Read read_with(std::string key, ConfigNode value) {
  return read(Tree::map({{std::move(key), std::move(value)}}));
}

}  // namespace davy::settings_for_tests
