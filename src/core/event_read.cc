#include <bitset>
#include <boost/json/basic_parser_impl.hpp>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include "core/event.h"

namespace davy {
namespace {

namespace json = boost::json;

constexpr std::int64_t kMicros = 1'000'000;
// Nanoseconds in 64 bits reach 292 years on either side of 1970; a little less.
constexpr std::int64_t kMaxSeconds = 9'000'000'000;
constexpr std::size_t kMaxDepth = 32;
constexpr std::size_t kMaxKey = 256;

std::optional<std::int64_t> digits(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Microseconds from a JSON number in seconds. Without an exponent it is exact (further
// digits are cut); a double would not hold microseconds in every year.
std::optional<std::int64_t> micros_from(std::string_view text) {
  if (text.find_first_of("eE") != std::string_view::npos) {
    double seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error != std::errc{} || !(std::abs(seconds) < static_cast<double>(kMaxSeconds))) {
      return std::nullopt;
    }
    return std::llround(seconds * static_cast<double>(kMicros));
  }
  const bool negative = !text.empty() && text.front() == '-';
  if (negative) text.remove_prefix(1);
  const std::size_t point = std::min(text.find('.'), text.size());
  const auto seconds = digits(text.substr(0, point));
  if (!seconds || *seconds >= kMaxSeconds) return std::nullopt;
  std::int64_t micros = *seconds * kMicros;
  std::int64_t unit = kMicros / 10;
  for (std::size_t i = point + 1; i < text.size() && unit > 0; ++i, unit /= 10) {
    micros += (text[i] - '0') * unit;
  }
  return negative ? -micros : micros;
}

// Builds the event while Boost.JSON parses: no tree, and numbers come as their text,
// since Boost's own conversion of a double may be off by the last bit.
class Reader {
 public:
  static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_key_size = kMaxKey;
  static constexpr std::size_t max_string_size = kMaxEventBytes;

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }

  bool on_object_begin(json::error_code& ec) { return open(ec); }
  bool on_object_end(std::size_t, json::error_code&) { return close(); }
  bool on_array_begin(json::error_code& ec) {
    if (depth_ == 0) return fail(ec, "an event must be a JSON object");
    return open(ec);
  }
  bool on_array_end(std::size_t, json::error_code&) { return close(); }

  bool on_key_part(json::string_view part, std::size_t, json::error_code&) {
    if (depth_ == 1) text_.append(part.data(), part.size());
    return true;
  }
  bool on_key(json::string_view part, std::size_t n, json::error_code& ec) {
    on_key_part(part, n, ec);
    if (depth_ != 1) return true;
    return key(std::exchange(text_, {}), ec);
  }

  bool on_string_part(json::string_view part, std::size_t, json::error_code&) {
    if (wanted()) text_.append(part.data(), part.size());
    return true;
  }
  bool on_string(json::string_view part, std::size_t n, json::error_code& ec) {
    if (depth_ == 0) return fail(ec, "an event must be a JSON object");
    on_string_part(part, n, ec);
    return !wanted() || string(std::exchange(text_, {}), ec);
  }

  bool on_number_part(json::string_view part, json::error_code&) {
    if (wanted()) text_.append(part.data(), part.size());
    return true;
  }
  bool on_int64(std::int64_t, json::string_view part, json::error_code& ec) {
    return number(part, ec);
  }
  bool on_uint64(std::uint64_t, json::string_view part, json::error_code& ec) {
    return number(part, ec);
  }
  bool on_double(double, json::string_view part, json::error_code& ec) { return number(part, ec); }

  bool on_bool(bool flag, json::error_code& ec) {
    if (depth_ == 0) return fail(ec, "an event must be a JSON object");
    if (!wanted()) return true;
    if (!field_ || info(*field_).type != FieldType::boolean) return wrong_type(ec);
    event_.set(*field_, flag);
    return true;
  }
  bool on_null(json::error_code& ec) {
    return depth_ > 0 || fail(ec, "an event must be a JSON object");
  }

  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

  // "" unless we stopped the parser ourselves.
  [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

  [[nodiscard]] Result<Event> take() && {
    if (!time_) return invalid_input("the event has no _time");
    if (!type_) return invalid_input("the event has no sourcetype");
    Event event(*type_, WallTime(std::chrono::microseconds(*time_)));
    for (const auto& [field, value] : event_.fields()) {
      std::visit([&event, f = field](const auto& v) { event.set(f, v); }, value);
    }
    return event;
  }

 private:
  // The three names that are no fields.
  enum class Head : std::uint8_t { none, time, index, sourcetype, unknown };
  static constexpr std::size_t kFields = static_cast<std::size_t>(Field::count_);

  // Whether the value that comes now is one of ours.
  [[nodiscard]] bool wanted() const noexcept { return depth_ == 1 && head_ != Head::unknown; }

  bool fail(json::error_code& ec, std::string problem) {
    problem_ = std::move(problem);
    ec = json::error::syntax;
    return false;
  }
  [[nodiscard]] std::string_view current() const noexcept {
    switch (head_) {
      case Head::time: return "_time";
      case Head::index: return "index";
      case Head::sourcetype: return "sourcetype";
      default: return field_ ? info(*field_).name : "";
    }
  }
  bool wrong_type(json::error_code& ec) {
    return fail(ec, "the value of " + std::string(current()) + " has the wrong type");
  }

  bool open(json::error_code& ec) {
    if (depth_ == 1 && head_ != Head::unknown) return wrong_type(ec);
    ++depth_;
    return true;
  }
  bool close() {
    --depth_;
    return true;
  }

  bool key(const std::string& name, json::error_code& ec) {
    field_.reset();
    head_ = Head::none;
    std::size_t at = kFields;
    if (name == "_time") {
      head_ = Head::time;
    } else if (name == "index") {
      head_ = Head::index;
      at = kFields + 1;
    } else if (name == "sourcetype") {
      head_ = Head::sourcetype;
      at = kFields + 2;
    } else if (field_ = field_from(name); field_) {
      at = static_cast<std::size_t>(*field_);
    } else {
      head_ = Head::unknown;
      return true;
    }
    if (seen_[at]) return fail(ec, std::string(current()) + " stands twice in the event");
    seen_[at] = true;
    return true;
  }

  bool string(const std::string& text, json::error_code& ec) {
    if (head_ == Head::sourcetype) {
      type_ = sourcetype_from(text);
      return type_ ? true : fail(ec, "the sourcetype is not known");
    }
    if (head_ == Head::index) return text == "main" || fail(ec, "the index is not \"main\"");
    if (!field_ || info(*field_).type != FieldType::text) return wrong_type(ec);
    event_.set(*field_, text);
    return true;
  }

  bool number(json::string_view part, json::error_code& ec) {
    if (depth_ == 0) return fail(ec, "an event must be a JSON object");
    if (!wanted()) return true;
    text_.append(part.data(), part.size());
    const std::string text = std::exchange(text_, {});
    if (head_ == Head::time) {
      time_ = micros_from(text);
      return time_ ? true : fail(ec, "_time is not a time between the years 1685 and 2255");
    }
    if (field_ && info(*field_).type == FieldType::integer) {
      const auto value = digits(text);
      if (!value) return fail(ec, std::string(current()) + " is not an integer of 64 bits");
      event_.set(*field_, *value);
      return true;
    }
    if (!field_ || info(*field_).type != FieldType::real) return wrong_type(ec);
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{}) return fail(ec, std::string(current()) + " is out of range");
    event_.set(*field_, value);
    return true;
  }

  std::size_t depth_ = 0;
  std::string text_;
  Head head_ = Head::none;
  std::optional<Field> field_;
  std::bitset<kFields + 3> seen_;
  std::optional<std::int64_t> time_;
  std::optional<Sourcetype> type_;
  Event event_{Sourcetype::admin, WallTime{}};  // collects the fields
  std::string problem_;
};

}  // namespace

Result<Event> event_from_json(std::string_view line) {
  if (line.size() > kMaxEventBytes) return limit_reached("the event is longer than 16 MiB");
  json::parse_options options;
  options.max_depth = kMaxDepth;
  json::basic_parser<Reader> parser(options);
  json::error_code ec;
  const std::size_t read = parser.write_some(false, line.data(), line.size(), ec);
  if (!parser.handler().problem().empty()) return invalid_input(parser.handler().problem());
  if (!ec && read < line.size()) ec = json::error::extra_data;
  if (ec) {
    return invalid_input("byte " + std::to_string(read + 1) +
                         " of the event is not as JSON wants it: " + ec.message());
  }
  return std::move(parser.handler()).take();
}

}  // namespace davy
