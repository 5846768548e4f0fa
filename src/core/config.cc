#include "core/config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/strings.h"

namespace davy {
namespace {

using std::chrono::milliseconds;

std::string_view describe(const ConfigNode& node) noexcept {
  switch (node.kind) {
    case ConfigNode::Kind::null: return "nothing";
    case ConfigNode::Kind::scalar: return node.quoted ? "quoted text" : "text";
    case ConfigNode::Kind::list: return "a list";
    case ConfigNode::Kind::map: return "a map";
  }
  return "?";
}

std::string in_quotes(std::string_view text) { return "\"" + printable(text, 100) + "\""; }

// Shortest decimal form, for the bounds of a message.
std::string shown(double number) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, number).ptr;
  return std::string(buffer, end);
}

constexpr std::array<std::pair<std::string_view, std::int64_t>, 4> kUnits{
    {{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}}};

std::optional<milliseconds> parse_duration(std::string_view text) noexcept {
  constexpr std::uint64_t kMost = 1'000'000'000;  // so that no unit overflows
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = to_number(text.substr(0, digits));
  if (!number || *number > kMost) return std::nullopt;
  for (const auto& [unit, factor] : kUnits) {
    if (text.substr(digits) == unit) {
      return milliseconds(static_cast<std::int64_t>(*number) * factor);
    }
  }
  return std::nullopt;
}

constexpr std::array<std::pair<std::string_view, std::uint64_t>, 7> kSizes{{{"", 1},
                                                                            {"KB", 1'000},
                                                                            {"MB", 1'000'000},
                                                                            {"GB", 1'000'000'000},
                                                                            {"KiB", 1 << 10},
                                                                            {"MiB", 1 << 20},
                                                                            {"GiB", 1 << 30}}};

std::optional<std::uint64_t> parse_bytes(std::string_view text) noexcept {
  constexpr std::uint64_t kMost = 1'000'000'000;  // so that no unit overflows
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = to_number(text.substr(0, digits));
  if (!number || *number > kMost) return std::nullopt;
  for (const auto& [unit, factor] : kSizes) {
    if (text.substr(digits) == unit) return *number * factor;
  }
  return std::nullopt;
}

// In the largest unit that says it exactly.
std::string shown(milliseconds time) {
  for (auto unit = kUnits.rbegin(); unit != kUnits.rend(); ++unit) {
    if (time.count() % unit->second != 0) continue;
    return std::to_string(time.count() / unit->second) + std::string(unit->first);
  }
  return "";
}

}  // namespace

std::string shown_bytes(std::uint64_t bytes) {
  constexpr std::array<std::pair<std::string_view, std::uint64_t>, 3> kShown{
      {{" GiB", 1 << 30}, {" MiB", 1 << 20}, {" KiB", 1 << 10}}};
  for (const auto& [unit, factor] : kShown) {
    if (bytes != 0 && bytes % factor == 0) {
      return std::to_string(bytes / factor) + std::string(unit);
    }
  }
  return std::to_string(bytes) + " bytes";
}

const ConfigNode* ConfigNode::find(std::string_view key) const noexcept {
  for (const auto& [name, value] : entries) {
    if (name.scalar == key) return &value;
  }
  return nullptr;
}

std::string Diagnostic::text() const {
  std::string out = place.text();
  if (!out.empty()) out += ": ";
  out += error ? "error: " : "warning: ";
  out += message;
  if (!hint.empty()) out += " (" + hint + ")";
  return out;
}

void Diagnostics::error(std::string message, Place place, std::string hint) {
  all_.push_back({true, std::move(message), std::move(place), std::move(hint)});
  ++errors_;
}

void Diagnostics::error(const Error& error) { this->error(error.message, error.place, error.hint); }

void Diagnostics::warning(std::string message, Place place, std::string hint) {
  all_.push_back({false, std::move(message), std::move(place), std::move(hint)});
}

ConfigMap::ConfigMap(const ConfigNode* node, std::string path, Diagnostics& diagnostics)
    : node_(node), path_(std::move(path)), diagnostics_(&diagnostics) {
  if (node_ == nullptr) return;
  here_ = node_->place;
  // `guardrails:` with everything below it commented out says nothing, and is no mistake.
  if (node_->kind == ConfigNode::Kind::null) {
    node_ = nullptr;
  } else if (node_->kind != ConfigNode::Kind::map) {
    wrong_type(*node_, {}, "a map (`key: value` lines)");
    node_ = nullptr;
  }
}

bool ConfigMap::has(std::string_view key) const noexcept {
  return node_ != nullptr && node_->find(key) != nullptr;
}

Place ConfigMap::place() const { return here_; }

Place ConfigMap::place(std::string_view key) const {
  const ConfigNode* value = node_ == nullptr ? nullptr : node_->find(key);
  return value == nullptr ? here_ : value->place;
}

Place ConfigMap::key_place(std::string_view key) const {
  if (node_ == nullptr) return here_;
  for (const auto& entry : node_->entries) {
    if (entry.key.scalar == key) return entry.key.place;
  }
  return here_;
}

const ConfigNode* ConfigMap::ask(std::string_view key) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.emplace_back(key);
  return node_ == nullptr ? nullptr : node_->find(key);
}

// Says what was found by kind only: the value may be a secret in the wrong place.
void ConfigMap::wrong_type(const ConfigNode& node, std::string_view key,
                           std::string_view expected) {
  std::string where = path_;
  if (!key.empty()) where += (where.empty() ? "" : ".") + std::string(key);
  std::string message = where.empty() ? "" : where + ": ";
  message += "expected " + std::string(expected) + ", found " + std::string(describe(node));
  diagnostics_->error(
      std::move(message), node.place,
      node.kind == ConfigNode::Kind::null ? "leave the key out for its default" : "");
}

std::optional<std::string> ConfigMap::text(std::string_view key) {
  const ConfigNode* value = ask(key);
  if (value == nullptr) return std::nullopt;
  if (value->kind != ConfigNode::Kind::scalar) {
    wrong_type(*value, key, "text");
    return std::nullopt;
  }
  return value->scalar;
}

std::string ConfigMap::required_text(std::string_view key) {
  const std::size_t before = diagnostics_->all().size();
  auto value = text(key);
  if (value && !value->empty()) return *std::move(value);
  if (diagnostics_->all().size() == before) {
    const std::string where = path_.empty() ? "" : path_ + ": ";
    diagnostics_->error(where + "\"" + std::string(key) + "\" is " + (value ? "empty" : "missing"),
                        place(key), "it is required");
  }
  return {};
}

std::optional<bool> ConfigMap::boolean(std::string_view key) {
  const ConfigNode* value = ask(key);
  if (value == nullptr) return std::nullopt;
  if (value->kind == ConfigNode::Kind::scalar && !value->quoted) {
    if (value->scalar == "true") return true;
    if (value->scalar == "false") return false;
  }
  wrong_type(*value, key, "true or false");
  return std::nullopt;
}

std::optional<std::uint64_t> ConfigMap::integer(std::string_view key, std::uint64_t min,
                                                std::uint64_t max) {
  const ConfigNode* value = ask(key);
  if (value == nullptr) return std::nullopt;
  if (value->kind == ConfigNode::Kind::scalar && !value->quoted) {
    const auto number = to_number(value->scalar);
    if (number && *number >= min && *number <= max) return number;
  }
  wrong_type(*value, key,
             "a whole number from " + std::to_string(min) + " to " + std::to_string(max));
  return std::nullopt;
}

std::optional<double> ConfigMap::number(std::string_view key, double min, double max) {
  const ConfigNode* value = ask(key);
  if (value == nullptr) return std::nullopt;
  if (value->kind == ConfigNode::Kind::scalar && !value->quoted) {
    const char* end = value->scalar.data() + value->scalar.size();
    double number = 0;
    const auto [rest, fault] = std::from_chars(value->scalar.data(), end, number);
    if (fault == std::errc() && rest == end && std::isfinite(number) && number >= min &&
        number <= max) {
      return number;
    }
  }
  wrong_type(*value, key, "a number from " + shown(min) + " to " + shown(max));
  return std::nullopt;
}

std::optional<milliseconds> ConfigMap::duration(std::string_view key, milliseconds min,
                                                milliseconds max) {
  const ConfigNode* value = ask(key);
  if (value == nullptr) return std::nullopt;
  if (value->kind == ConfigNode::Kind::scalar) {
    const auto time = parse_duration(value->scalar);
    if (time && *time >= min && *time <= max) return time;
  }
  wrong_type(*value, key, "a time from " + shown(min) + " to " + shown(max));
  return std::nullopt;
}

std::optional<std::uint64_t> ConfigMap::bytes(std::string_view key, std::uint64_t min,
                                              std::uint64_t max) {
  const ConfigNode* value = ask(key);
  if (value == nullptr) return std::nullopt;
  if (value->kind == ConfigNode::Kind::scalar) {
    const auto size = parse_bytes(value->scalar);
    if (size && *size >= min && *size <= max) return size;
  }
  wrong_type(*value, key, "a size from " + shown_bytes(min) + " to " + shown_bytes(max));
  return std::nullopt;
}

std::optional<std::size_t> ConfigMap::choice(std::string_view key,
                                             const std::vector<std::string>& choices) {
  const ConfigNode* value = ask(key);
  if (value == nullptr) return std::nullopt;
  const std::string expected = "one of " + join(choices, ", ");
  if (value->kind != ConfigNode::Kind::scalar) {
    wrong_type(*value, key, expected);
    return std::nullopt;
  }
  const auto found = std::find(choices.begin(), choices.end(), value->scalar);
  if (found != choices.end()) return static_cast<std::size_t>(found - choices.begin());
  const auto near = nearest(value->scalar, choices);
  diagnostics_->error((path_.empty() ? "" : path_ + ".") + std::string(key) + ": expected " +
                          expected + ", found another word",
                      value->place, near ? "did you mean " + *near + "?" : "");
  return std::nullopt;
}

std::vector<std::pair<std::string, Place>> ConfigMap::texts(std::string_view key) {
  std::vector<std::pair<std::string, Place>> out;
  const ConfigNode* value = ask(key);
  if (value == nullptr) return out;
  if (value->kind == ConfigNode::Kind::scalar) {
    out.emplace_back(value->scalar, value->place);
  } else if (value->kind == ConfigNode::Kind::list) {
    for (const ConfigNode& item : value->items) {
      if (item.kind == ConfigNode::Kind::scalar) {
        out.emplace_back(item.scalar, item.place);
      } else {
        wrong_type(item, std::string(key) + "[" + std::to_string(&item - value->items.data()) + "]",
                   "text");
      }
    }
  } else {
    wrong_type(*value, key, "text or a list of texts");
  }
  return out;
}

ConfigMap ConfigMap::map(std::string_view key) {
  const ConfigNode* value = ask(key);
  ConfigMap made(value, (path_.empty() ? "" : path_ + ".") + std::string(key), *diagnostics_);
  if (value == nullptr) made.here_ = here_;
  return made;
}

std::vector<ConfigMap> ConfigMap::maps(std::string_view key) {
  std::vector<ConfigMap> out;
  const ConfigNode* value = ask(key);
  if (value == nullptr) return out;
  if (value->kind != ConfigNode::Kind::list) {
    wrong_type(*value, key, "a list of maps (each begins with `- `)");
    return out;
  }
  const std::string base = (path_.empty() ? "" : path_ + ".") + std::string(key);
  for (std::size_t i = 0; i < value->items.size(); ++i) {
    const std::string element = std::string(key) + "[" + std::to_string(i) + "]";
    if (value->items[i].kind != ConfigNode::Kind::map) {
      wrong_type(value->items[i], element, "a map");
    } else {
      out.emplace_back(&value->items[i], base + "[" + std::to_string(i) + "]", *diagnostics_);
    }
  }
  return out;
}

const ConfigNode* ConfigMap::node(std::string_view key) { return ask(key); }

std::vector<ConfigMap::Entry> ConfigMap::entries() {
  std::vector<Entry> out;
  if (node_ == nullptr) return out;
  for (const auto& [key, value] : node_->entries) {
    if (std::find(known_.begin(), known_.end(), key.scalar) == known_.end()) {
      known_.push_back(key.scalar);
    }
    if (value.kind == ConfigNode::Kind::scalar) {
      out.push_back({key.scalar, value.scalar, key.place, value.place});
    } else {
      wrong_type(value, printable(key.scalar, 100), "text");
    }
  }
  return out;
}

void ConfigMap::finish() {
  if (node_ == nullptr) return;
  for (const auto& entry : node_->entries) {
    const ConfigNode& key = entry.key;
    if (std::find(known_.begin(), known_.end(), key.scalar) != known_.end()) continue;
    std::string message = "unknown key " + in_quotes(key.scalar);
    if (!path_.empty()) message += " in " + path_;
    const auto near = nearest(key.scalar, known_);
    diagnostics_->error(
        std::move(message), key.place,
        near ? "did you mean \"" + *near + "\"?" : "known here: " + join(known_, ", "));
  }
}

void Config::put(std::string_view path, std::unique_ptr<const ConfigValue> value) {
  values_.insert_or_assign(std::string(path), std::move(value));
}

}  // namespace davy
