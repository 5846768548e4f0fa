#include "core/event.h"

#include <array>
#include <cassert>
#include <charconv>
#include <cmath>
#include <cstring>

#include "base/bytes.h"

namespace davy {
namespace {

using enum FieldType;
using enum FieldClass;

constexpr std::size_t kFields = static_cast<std::size_t>(Field::count_);

// The schema. Append only.
constexpr std::array<FieldInfo, kFields> kTable{{
    {Field::request_id, "request_id", text, plain},
    {Field::client_ip, "client_ip", text, personal},
    {Field::user_agent, "user_agent", text, personal},
    {Field::key_id, "key_id", text, plain},
    {Field::experiment, "experiment", text, plain},
    {Field::owner, "owner", text, personal},
    {Field::model, "model", text, plain},
    {Field::dialect, "dialect", text, plain},
    {Field::route, "route", text, plain},
    {Field::method, "method", text, plain},
    // The caller chooses it, so it may name somebody; `route` is what statistics need.
    {Field::path, "path", text, personal},
    {Field::status, "status", integer, plain},
    {Field::decision, "decision", text, plain},
    {Field::rules, "rules", text, plain},
    {Field::stage_of_denial, "stage_of_denial", text, plain},
    {Field::tokens_in, "tokens_in", integer, plain},
    {Field::tokens_out, "tokens_out", integer, plain},
    {Field::cost_usd, "cost_usd", real, plain},
    {Field::bytes_in, "bytes_in", integer, plain},
    {Field::bytes_out, "bytes_out", integer, plain},
    {Field::bytes_not_examined, "bytes_not_examined", integer, plain},
    {Field::latency_ms, "latency_ms", real, plain},
    {Field::upstream_ms, "upstream_ms", real, plain},
    {Field::first_byte_ms, "first_byte_ms", real, plain},
    {Field::stream, "stream", boolean, plain},
    {Field::finish_reason, "finish_reason", text, plain},
    {Field::policy, "policy", text, plain},
    {Field::anomaly_score, "anomaly_score", real, plain},
    {Field::injection_score, "injection_score", real, plain},
    {Field::topic, "topic", text, plain},
    {Field::rule, "rule", text, plain},
    {Field::severity, "severity", text, plain},
    {Field::mode, "mode", text, plain},
    {Field::message, "message", text, plain},
    // A JSON pointer has names that the caller chose; a file's path may name its owner.
    {Field::location, "location", text, personal},
    {Field::evidence, "evidence", text, content},
    {Field::provenance, "provenance", text, plain},
    {Field::confidence, "confidence", real, plain},
    {Field::action, "action", text, plain},
    {Field::actor, "actor", text, personal},
    {Field::subject, "subject", text, personal},  // perhaps an address
    {Field::detail, "detail", text, personal},
    {Field::outcome, "outcome", text, plain},
    {Field::error, "error", text, plain},
}};

constexpr bool in_order() {
  for (std::size_t i = 0; i < kFields; ++i) {
    if (static_cast<std::size_t>(kTable[i].field) != i || kTable[i].name.empty()) return false;
  }
  return true;
}
static_assert(in_order());

std::string valid_utf8(std::string_view text) {
  std::string out;
  std::string_view rest = text;
  for (auto bad = first_invalid_utf8(rest); bad; bad = first_invalid_utf8(rest)) {
    out += rest.substr(0, *bad);
    append_utf8(out, 0xFFFD);
    rest.remove_prefix(*bad + 1);
  }
  out += rest;
  return out;
}

template <class Number>
void append_number(std::string& out, Number number) {
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

void append_time(std::string& out, WallTime time) {
  constexpr std::int64_t kMicros = 1'000'000;
  const std::int64_t micros =
      std::chrono::floor<std::chrono::microseconds>(time.time_since_epoch()).count();
  if (micros < 0) out += '-';
  const std::int64_t size = micros < 0 ? -micros : micros;
  append_number(out, size / kMicros);
  std::array<char, 7> fraction{'.', '0', '0', '0', '0', '0', '0'};
  std::int64_t rest = size % kMicros;
  for (std::size_t i = fraction.size() - 1; i > 0; --i, rest /= 10) {
    fraction[i] = static_cast<char>('0' + rest % 10);
  }
  out.append(fraction.data(), fraction.size());
}

bool needs_escape(char c) noexcept {
  return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\';
}

void append_escape(std::string& out, char c) {
  constexpr std::string_view kHex = "0123456789abcdef";
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
  }
  out += "\\u00";
  out += kHex[static_cast<unsigned char>(c) >> 4];
  out += kHex[static_cast<unsigned char>(c) & 0xFU];
}

void append_string(std::string& out, std::string_view text) {
  out += '"';
  std::size_t copied = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!needs_escape(text[i])) continue;
    out.append(text, copied, i - copied);
    append_escape(out, text[i]);
    copied = i + 1;
  }
  out.append(text, copied);
  out += '"';
}

void append_value(std::string& out, const FieldValue& value) {
  if (const auto* words = std::get_if<std::string>(&value)) {
    append_string(out, *words);
  } else if (const auto* number = std::get_if<std::int64_t>(&value)) {
    append_number(out, *number);
  } else if (const auto* fraction = std::get_if<double>(&value)) {
    append_number(out, *fraction);  // the shortest text that reads back as this number
  } else {
    out += std::get<bool>(value) ? "true" : "false";
  }
}

}  // namespace

std::string_view name(Sourcetype type) noexcept {
  switch (type) {
    case Sourcetype::model_api_logs: return "model_api_logs";
    case Sourcetype::findings: return "findings";
    case Sourcetype::file_integrity: return "file_integrity";
    case Sourcetype::gate: return "gate";
    case Sourcetype::admin: return "admin";
  }
  return "admin";
}

std::optional<Sourcetype> sourcetype_from(std::string_view text) noexcept {
  for (const Sourcetype type : {Sourcetype::model_api_logs, Sourcetype::findings,
                                Sourcetype::file_integrity, Sourcetype::gate, Sourcetype::admin}) {
    if (text == name(type)) return type;
  }
  return std::nullopt;
}

std::span<const FieldInfo> event_fields() noexcept { return kTable; }

const FieldInfo& info(Field field) noexcept { return kTable[static_cast<std::size_t>(field)]; }

std::optional<Field> field_from(std::string_view name) noexcept {
  for (const FieldInfo& entry : kTable) {
    if (entry.name == name) return entry.field;
  }
  return std::nullopt;
}

Event& Event::set(Field field, std::string_view words) {
  assert(info(field).type == FieldType::text);
  if (first_invalid_utf8(words)) return put(field, valid_utf8(words));
  return put(field, std::string(words));
}

Event& Event::set(Field field, std::int64_t number) {
  assert(info(field).type == FieldType::integer);
  return put(field, number);
}

Event& Event::set(Field field, double number) {
  assert(info(field).type == FieldType::real);
  if (!std::isfinite(number)) return *this;
  return put(field, number);
}

Event& Event::set(Field field, bool flag) {
  assert(info(field).type == FieldType::boolean);
  return put(field, flag);
}

Event& Event::put(Field field, FieldValue value) {
  for (auto& [known, old] : fields_) {
    if (known == field) {
      old = std::move(value);
      return *this;
    }
  }
  if (fields_.empty()) fields_.reserve(32);  // a row of an exchange has about 30
  fields_.emplace_back(field, std::move(value));
  return *this;
}

const FieldValue* Event::find(Field field) const noexcept {
  for (const auto& [known, value] : fields_) {
    if (known == field) return &value;
  }
  return nullptr;
}

std::string_view Event::text(Field field) const noexcept {
  const FieldValue* value = find(field);
  const auto* words = value == nullptr ? nullptr : std::get_if<std::string>(value);
  return words == nullptr ? std::string_view{} : std::string_view(*words);
}

void append_json(std::string& out, const Event& event) {
  out += "{\"_time\":";
  append_time(out, event.time());
  out += ",\"index\":\"main\",\"sourcetype\":\"";
  out += name(event.sourcetype());
  out += '"';
  for (const auto& [field, value] : event.fields()) {
    out += ",\"";
    out += info(field).name;
    out += "\":";
    append_value(out, value);
  }
  out += '}';
}

}  // namespace davy
