// Events: what happened. One row an exchange; findings, file events, gate and admin
// acts are rows of their own source type.
//
// The table in event.cc is the schema: name, type and class of each field. Classes:
// plain is kept, personal and content can be erased (DESIGN section 3), so both go
// into the evidence log as salted commitments beside an erasable value. Personal is what
// names a person or a machine, or what a caller or an operator chose freely (a path, a
// subject); content is text of prompts and answers.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace davy {

enum class Sourcetype : std::uint8_t { model_api_logs, findings, file_integrity, gate, admin };
[[nodiscard]] std::string_view name(Sourcetype type) noexcept;
[[nodiscard]] std::optional<Sourcetype> sourcetype_from(std::string_view text) noexcept;

enum class FieldClass : std::uint8_t { plain, personal, content };
enum class FieldType : std::uint8_t { text, integer, real, boolean };

// Append only: positions are stored.
enum class Field : std::uint16_t {
  request_id, client_ip, user_agent, key_id, experiment, owner, model, dialect, route, method,
  path, status, decision, rules, stage_of_denial, tokens_in, tokens_out, cost_usd, bytes_in,
  bytes_out, bytes_not_examined, latency_ms, upstream_ms, first_byte_ms, stream, finish_reason,
  policy, anomaly_score, injection_score, topic,
  // findings
  rule, severity, mode, message, location, evidence, provenance, confidence,
  // admin, gate, file_integrity
  action, actor, subject, detail, outcome, error,
  count_
};

struct FieldInfo {
  Field field;
  std::string_view name;
  FieldType type;
  FieldClass field_class;
};

// All fields, in the order of the enum.
[[nodiscard]] std::span<const FieldInfo> event_fields() noexcept;
[[nodiscard]] const FieldInfo& info(Field field) noexcept;
[[nodiscard]] std::optional<Field> field_from(std::string_view name) noexcept;

using FieldValue = std::variant<std::string, std::int64_t, double, bool>;

// A row. A field that is not set is absent, which differs from empty.
class Event {
 public:
  Event(Sourcetype type, WallTime time) : type_(type), time_(time) {}

  // The value's type must be the field's (asserted); a second set replaces the first.
  // Text that is not UTF-8 is stored with U+FFFD for each wrong byte; a number that is
  // not finite is not stored.
  Event& set(Field field, std::string_view text);
  Event& set(Field field, const char* text) { return set(field, std::string_view(text)); }
  Event& set(Field field, std::int64_t number);
  Event& set(Field field, double number);
  Event& set(Field field, bool flag);

  [[nodiscard]] Sourcetype sourcetype() const noexcept { return type_; }
  [[nodiscard]] WallTime time() const noexcept { return time_; }
  [[nodiscard]] const FieldValue* find(Field field) const noexcept;
  [[nodiscard]] std::string_view text(Field field) const noexcept;  // "" if absent or no text
  [[nodiscard]] const std::vector<std::pair<Field, FieldValue>>& fields() const noexcept {
    return fields_;
  }

 private:
  Event& put(Field field, FieldValue value);

  Sourcetype type_;
  WallTime time_;
  std::vector<std::pair<Field, FieldValue>> fields_;
};

// One JSON object without a line end: `_time` (seconds since 1970 with microseconds, the
// rest cut off), `index` ("main"), `sourcetype`, then the fields by name as they were set.
void append_json(std::string& out, const Event& event);

inline constexpr std::size_t kMaxEventBytes = std::size_t{16} << 20;

// Reads what append_json wrote, exactly. `_time` and `sourcetype` must be there; names
// that this version does not know are ignored, whatever their value, so that an older
// davy reads a newer log; null counts as absent. An error (invalid_input, or limit above
// kMaxEventBytes) for what is no JSON object in UTF-8, a name that comes twice, a value
// of the wrong type, a time outside the years 1685 to 2255. It names the field or the
// byte (from 1), never the content.
[[nodiscard]] Result<Event> event_from_json(std::string_view line);

}  // namespace davy
