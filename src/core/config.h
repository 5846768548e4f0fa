// Configuration: a tree with places, and readers that leave no key unread.
//
// mechanisms/formats/yaml makes the tree; each folder owns the section of its name and
// turns it into a typed ConfigValue. Every mistake names file, line, column, what was
// expected and, for an unknown key, the nearest one that exists.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace davy {

struct ConfigEntry;

struct ConfigNode {
  enum class Kind : std::uint8_t { null, scalar, list, map };
  Kind kind = Kind::null;
  std::string scalar;
  bool quoted = false;  // "5" and 5 differ: a quoted scalar is text only
  std::vector<ConfigNode> items;
  std::vector<ConfigEntry> entries;  // in file order
  Place place;

  [[nodiscard]] const ConfigNode* find(std::string_view key) const noexcept;
};

struct ConfigEntry {
  ConfigNode key;  // a scalar
  ConfigNode value;
};

struct Diagnostic {
  bool error = true;  // else a warning
  std::string message;
  Place place;
  std::string hint;
  [[nodiscard]] std::string text() const;
};

// Collects all mistakes instead of stopping at the first.
class Diagnostics {
 public:
  void error(std::string message, Place place = {}, std::string hint = {});
  void error(const Error& error);
  void warning(std::string message, Place place = {}, std::string hint = {});
  [[nodiscard]] bool ok() const noexcept { return errors_ == 0; }
  [[nodiscard]] const std::vector<Diagnostic>& all() const noexcept { return all_; }

 private:
  std::vector<Diagnostic> all_;
  std::size_t errors_ = 0;
};

// Reads one map. Each key that is asked for counts as known; `finish` reports the others.
// A wrong type is reported, and the call returns as if the key were absent.
class ConfigMap {
 public:
  // `node` may be null (an absent section). `path` is the dotted name for messages.
  ConfigMap(const ConfigNode* node, std::string path, Diagnostics& diagnostics);

  [[nodiscard]] bool present() const noexcept { return node_ != nullptr; }
  [[nodiscard]] bool has(std::string_view key) const noexcept;
  [[nodiscard]] Place place() const;
  [[nodiscard]] Place place(std::string_view key) const;      // of the value, or of the map
  [[nodiscard]] Place key_place(std::string_view key) const;  // of the key, or of the map
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] Diagnostics& diagnostics() noexcept { return *diagnostics_; }

  [[nodiscard]] std::optional<std::string> text(std::string_view key);
  [[nodiscard]] std::string required_text(std::string_view key);  // "" after a report
  [[nodiscard]] std::optional<bool> boolean(std::string_view key);
  [[nodiscard]] std::optional<std::uint64_t> integer(std::string_view key, std::uint64_t min,
                                                     std::uint64_t max);
  [[nodiscard]] std::optional<double> number(std::string_view key, double min, double max);
  // "500ms", "10s", "5m" or "1h"; a number without its unit is refused.
  [[nodiscard]] std::optional<std::chrono::milliseconds> duration(std::string_view key,
                                                                  std::chrono::milliseconds min,
                                                                  std::chrono::milliseconds max);
  // "16MiB", "64KiB", "1GiB", "10MB", or plain bytes.
  [[nodiscard]] std::optional<std::uint64_t> bytes(std::string_view key, std::uint64_t min,
                                                   std::uint64_t max);
  // The position in `choices`; they are listed in the message.
  [[nodiscard]] std::optional<std::size_t> choice(std::string_view key,
                                                  const std::vector<std::string>& choices);
  // A list of scalars, or one scalar.
  [[nodiscard]] std::vector<std::pair<std::string, Place>> texts(std::string_view key);
  [[nodiscard]] ConfigMap map(std::string_view key);
  [[nodiscard]] std::vector<ConfigMap> maps(std::string_view key);
  // Any shape, for a section that reads it by itself; null if absent.
  [[nodiscard]] const ConfigNode* node(std::string_view key);
  // All scalar entries, for maps whose keys are free (`rules:`); marks them known.
  struct Entry {
    std::string key;
    std::string value;
    Place key_place;
    Place value_place;
  };
  [[nodiscard]] std::vector<Entry> entries();

  // Reports the keys that nobody asked for, with the nearest known one. Call it once, last.
  void finish();

 private:
  [[nodiscard]] const ConfigNode* ask(std::string_view key);
  void wrong_type(const ConfigNode& node, std::string_view key, std::string_view expected);

  const ConfigNode* node_;
  Place here_;  // of the map, or of what stands around one that is absent
  std::string path_;
  Diagnostics* diagnostics_;
  std::vector<std::string> known_;
};

// "16 MiB", in the largest binary unit that says it exactly.
[[nodiscard]] std::string shown_bytes(std::uint64_t bytes);

// What a section became. Immutable once read.
struct ConfigValue {
  virtual ~ConfigValue() = default;
};

// A folder's part of the configuration, "guardrails.sanitize". Also called when the
// section is absent, to give the defaults. Stateless.
class ConfigSection {
 public:
  virtual ~ConfigSection() = default;
  [[nodiscard]] virtual std::string_view path() const noexcept = 0;
  // Reports every mistake to map.diagnostics(); may return a half-filled value then.
  // The caller calls map.finish().
  [[nodiscard]] virtual std::unique_ptr<const ConfigValue> read(ConfigMap& map) const = 0;
};

// All sections that were read.
class Config {
 public:
  void put(std::string_view path, std::unique_ptr<const ConfigValue> value);
  // The section's value, which must be of that type: the folder that owns the section
  // is the only one that asks for it. Null if nobody read it.
  template <class T>
  [[nodiscard]] const T* section(std::string_view path) const {
    const auto found = values_.find(path);
    return found == values_.end() ? nullptr : dynamic_cast<const T*>(found->second.get());
  }

 private:
  std::map<std::string, std::unique_ptr<const ConfigValue>, std::less<>> values_;
};

}  // namespace davy
