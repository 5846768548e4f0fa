// Events: what happened. One row an exchange; findings, file events, gate and admin
// acts are rows of their own source type.
//
// The table in event.cc is the schema: name, type and class of each field. Classes:
// plain is kept, personal and content can be erased (DESIGN section 3), so both go
// into the evidence log as salted commitments beside an erasable value. Personal is what
// names a person or a machine, or what a caller or an operator chose freely (a path, a
// subject); content is text of prompts and answers.
#pragma once

#include <array>
#include <cstddef>
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

// clang-format off
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
// clang-format on

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

// Text is a view into its event: it lives until the event changes.
using FieldValue = std::variant<std::string_view, std::int64_t, double, bool>;

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

  // A row without fields that uses the memory of this one.
  void reset(Sourcetype type, WallTime time) noexcept;

  [[nodiscard]] Sourcetype sourcetype() const noexcept { return type_; }
  [[nodiscard]] WallTime time() const noexcept { return time_; }
  [[nodiscard]] std::optional<FieldValue> find(Field field) const noexcept;
  [[nodiscard]] std::string_view text(Field field) const noexcept;  // "" if absent or no text
  // In the order in which they were first set.
  [[nodiscard]] std::vector<std::pair<Field, FieldValue>> fields() const;
  // Bytes of all its texts.
  [[nodiscard]] std::size_t text_size() const noexcept { return text_size_; }

 private:
  friend void append_json(std::string& out, const Event& event);

  // Its type is the field's.
  struct Slot {
    Field field{};
    bool plain = false;  // text that JSON holds as it is
    bool flag = false;
    std::size_t begin = 0;  // of text in texts_
    union {
      std::size_t size = 0;  // of text
      std::int64_t integer;
      double real;
    };
  };
  [[nodiscard]] Slot& slot(Field field);
  [[nodiscard]] FieldValue value(const Slot& slot) const noexcept;

  Sourcetype type_;
  WallTime time_;
  std::vector<Slot> slots_;
  std::string texts_;  // replaced ones too
  std::size_t text_size_ = 0;
  // Where each field's slot is, from 1; 0 = absent.
  std::array<std::uint8_t, static_cast<std::size_t>(Field::count_)> places_{};
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
