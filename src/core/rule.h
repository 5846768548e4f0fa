// Rules: what can fire, how serious it is, and whether it only watches or acts.
//
// A rule's id is `pillar.folder.name` and is stable: scripts, configurations and
// events depend on it. The catalogue (rules/*.yaml) is embedded in the binary; the
// generated header `generated/rules.h` has one RuleId constant a rule.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace davy {

enum class Severity : std::uint8_t { info, low, medium, high, critical };
[[nodiscard]] std::string_view name(Severity severity) noexcept;
[[nodiscard]] std::optional<Severity> severity_from(std::string_view text) noexcept;

// off: not evaluated. observe: recorded, changes nothing. enforce: acts.
// Ordered: a later one is stricter.
enum class Mode : std::uint8_t { off, observe, enforce };
[[nodiscard]] std::string_view name(Mode mode) noexcept;
[[nodiscard]] std::optional<Mode> mode_from(std::string_view text) noexcept;

// A handle to a rule of the embedded catalogue; an index, so that the look-up of a
// mode costs one load. Only `generated/rules.h` and `find_rule` make them.
struct RuleId {
  std::uint16_t index = 0;
  bool operator==(const RuleId&) const = default;
};

struct Reference {
  std::string_view framework;  // "OWASP LLM"
  std::string_view edition;    // "2025"
  std::string_view id;         // "LLM01"
};

// One entry of the catalogue. All text lives as long as the program.
struct RuleInfo {
  std::string_view id;
  std::string_view title;
  std::string_view pillar;
  Severity severity = Severity::medium;
  Mode default_mode = Mode::observe;
  std::string_view since;  // the rules edition that brought it, "2026.11"
  std::string_view why;
  std::string_view fix;
  std::span<const Reference> references;
};

// All rules, sorted by id. Position = RuleId::index.
[[nodiscard]] std::span<const RuleInfo> catalogue() noexcept;

// The digest (SHA-256, hex) of the catalogue's sources, for reports and statements.
[[nodiscard]] std::string_view catalogue_digest() noexcept;

[[nodiscard]] const RuleInfo& info(RuleId rule) noexcept;
[[nodiscard]] inline std::string_view name(RuleId rule) noexcept { return info(rule).id; }
[[nodiscard]] std::optional<RuleId> find_rule(std::string_view id) noexcept;

}  // namespace davy
