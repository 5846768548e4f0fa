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

// `,"name":`, in memory of one size, so that copying it needs no call.
struct Key {
  static constexpr std::size_t kSize = 32;
  std::array<char, kSize> text{};
  std::size_t size = 0;
};
constexpr std::array<Key, kFields> kKeys = [] {
  std::array<Key, kFields> keys{};
  for (std::size_t i = 0; i < kFields; ++i) {
    Key& key = keys[i];
    const auto add = [&key](char c) { key.text[key.size++] = c; };
    add(',');
    add('"');
    for (const char c : kTable[i].name) add(c);
    add('"');
    add(':');
  }
  return keys;
}();

// Writes into memory that must be large enough.
class Writer {
 public:
  explicit Writer(char* at) noexcept : at_(at) {}
  [[nodiscard]] char* at() const noexcept { return at_; }

  void put(char c) noexcept { *at_++ = c; }
  void put(std::string_view text) noexcept {
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }
  void put(const Key& key) noexcept {
    std::memcpy(at_, key.text.data(), Key::kSize);
    at_ += key.size;
  }

  void integer(std::int64_t number) noexcept { at_ = std::to_chars(at_, at_ + 24, number).ptr; }

  // The shortest text that reads back as this number.
  void real(double number) noexcept {
    // Times in milliseconds are whole microseconds: dividing integers is faster than
    // the search for the shortest text, and gives the same.
    constexpr double kThousand = 1000;
    constexpr double kMost = 1e12;
    const double scaled = number * kThousand;
    if (scaled >= 1 && scaled < kMost) {
      const auto whole = static_cast<std::int64_t>(scaled + 0.5);
      if (static_cast<double>(whole) / kThousand == number) return thousandths(whole);
    }
    at_ = std::to_chars(at_, at_ + 32, number).ptr;
  }

  void time(WallTime time) noexcept {
    constexpr std::int64_t kMicros = 1'000'000;
    const std::int64_t micros =
        std::chrono::floor<std::chrono::microseconds>(time.time_since_epoch()).count();
    if (micros < 0) put('-');
    const std::int64_t size = micros < 0 ? -micros : micros;
    integer(size / kMicros);
    put('.');
    digits(size % kMicros, 6);
  }

  void string(std::string_view text) noexcept {
    put('"');
    for (const char c : text) escaped(c);
    put('"');
  }

 private:
  void digits(std::int64_t number, std::size_t count) noexcept {
    for (std::size_t i = count; i-- > 0; number /= 10) {
      at_[i] = static_cast<char>('0' + number % 10);
    }
    at_ += count;
  }

  void thousandths(std::int64_t number) noexcept {
    integer(number / 1000);
    std::int64_t rest = number % 1000;
    if (rest == 0) return;
    put('.');
    std::size_t places = 3;
    for (; rest % 10 == 0; rest /= 10) --places;
    digits(rest, places);
  }

  void escaped(char c) noexcept {
    constexpr std::string_view kHex = "0123456789abcdef";
    switch (c) {
      case '"': return put("\\\"");
      case '\\': return put("\\\\");
      case '\n': return put("\\n");
      case '\r': return put("\\r");
      case '\t': return put("\\t");
      default: break;
    }
    if (static_cast<unsigned char>(c) >= 0x20) return put(c);
    put("\\u00");
    put(kHex[static_cast<unsigned char>(c) >> 4]);
    put(kHex[static_cast<unsigned char>(c) & 0xFU]);
  }

  char* at_;
};

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
  Slot& to = slot(field);
  to.plain = is_plain_text(words);
  to.begin = texts_.size();
  if (to.plain || !first_invalid_utf8(words)) {
    texts_ += words;
  } else {
    texts_ += valid_utf8(words);
  }
  text_size_ -= to.size;
  to.size = texts_.size() - to.begin;
  text_size_ += to.size;
  return *this;
}

Event& Event::set(Field field, std::int64_t number) {
  assert(info(field).type == FieldType::integer);
  slot(field).integer = number;
  return *this;
}

Event& Event::set(Field field, double number) {
  assert(info(field).type == FieldType::real);
  if (std::isfinite(number)) slot(field).real = number;
  return *this;
}

Event& Event::set(Field field, bool flag) {
  assert(info(field).type == FieldType::boolean);
  slot(field).flag = flag;
  return *this;
}

Event::Slot& Event::slot(Field field) {
  std::uint8_t& place = places_[static_cast<std::size_t>(field)];
  if (place != 0) return slots_[place - 1U];
  if (slots_.empty()) slots_.reserve(32);  // a row of an exchange has about 30
  Slot& made = slots_.emplace_back();
  made.field = field;
  place = static_cast<std::uint8_t>(slots_.size());
  return made;
}

void Event::reset(Sourcetype type, WallTime time) noexcept {
  type_ = type;
  time_ = time;
  slots_.clear();
  texts_.clear();
  text_size_ = 0;
  places_.fill(0);
}

FieldValue Event::value(const Slot& slot) const noexcept {
  switch (info(slot.field).type) {
    case FieldType::text: return std::string_view(texts_).substr(slot.begin, slot.size);
    case FieldType::integer: return slot.integer;
    case FieldType::real: return slot.real;
    case FieldType::boolean: return slot.flag;
  }
  return false;
}

std::optional<FieldValue> Event::find(Field field) const noexcept {
  const std::uint8_t place = places_[static_cast<std::size_t>(field)];
  if (place == 0) return std::nullopt;
  return value(slots_[place - 1U]);
}

std::string_view Event::text(Field field) const noexcept {
  const auto found = find(field);
  const auto* const words = found ? std::get_if<std::string_view>(&*found) : nullptr;
  return words == nullptr ? std::string_view{} : *words;
}

std::vector<std::pair<Field, FieldValue>> Event::fields() const {
  std::vector<std::pair<Field, FieldValue>> out;
  out.reserve(slots_.size());
  for (const Slot& slot : slots_) out.emplace_back(slot.field, value(slot));
  return out;
}

void append_json(std::string& out, const Event& event) {
  constexpr std::string_view kHead = "{\"_time\":";
  constexpr std::string_view kMain = ",\"index\":\"main\",\"sourcetype\":\"";
  // The most that can be written: a control character takes six bytes, a number 32.
  constexpr std::size_t kEnds = 128;
  std::size_t room = kEnds;
  for (const Event::Slot& slot : event.slots_) {
    room += Key::kSize + 32;
    if (info(slot.field).type == FieldType::text) room += slot.plain ? slot.size : 6 * slot.size;
  }
  const std::size_t before = out.size();
  out.resize(before + room);
  Writer writer(out.data() + before);
  writer.put(kHead);
  writer.time(event.time());
  writer.put(kMain);
  writer.put(name(event.sourcetype()));
  writer.put('"');
  for (const Event::Slot& slot : event.slots_) {
    writer.put(kKeys[static_cast<std::size_t>(slot.field)]);
    switch (info(slot.field).type) {
      case FieldType::text: {
        const std::string_view words = std::string_view(event.texts_).substr(slot.begin, slot.size);
        if (!slot.plain) {
          writer.string(words);
          break;
        }
        writer.put('"');
        writer.put(words);
        writer.put('"');
        break;
      }
      case FieldType::integer: writer.integer(slot.integer); break;
      case FieldType::real: writer.real(slot.real); break;
      case FieldType::boolean: writer.put(slot.flag ? "true" : "false"); break;
    }
  }
  writer.put('}');
  out.resize(static_cast<std::size_t>(writer.at() - out.data()));
}

}  // namespace davy
