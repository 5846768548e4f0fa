#include "mechanisms/store/order_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cmath>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/strings.h"

namespace davy::store {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxDepth = 16;
constexpr std::array<std::pair<ErrorKind, std::string_view>, 4> kKinds = {{
    {ErrorKind::invalid_input, "invalid_input"},
    {ErrorKind::unavailable, "unavailable"},
    {ErrorKind::limit, "limit"},
    {ErrorKind::internal, "internal"},
}};

// JSON has no word for infinity, but Boost reads 1e309 as that and writes 1e99999.
bool all_finite(const json::value& value) {
  if (const double* const number = value.if_double()) return std::isfinite(*number);
  if (const json::array* const items = value.if_array()) {
    return std::all_of(items->begin(), items->end(), all_finite);
  }
  if (const json::object* const object = value.if_object()) {
    return std::all_of(object->begin(), object->end(),
                       [](const auto& entry) { return all_finite(entry.value()); });
  }
  return true;
}

Result<json::object> parse_object(std::string_view text, std::string_view what) {
  if (text.size() >= kMaxOrderLine) {
    return limit_reached(fmt::format("{} has at most {} bytes", what, kMaxOrderLine));
  }
  json::parse_options options;
  options.max_depth = kMaxDepth;
  json::error_code code;
  json::value value = json::parse(text, code, {}, options);
  if (code) return invalid_input(fmt::format("{} is not JSON: {}", what, code.message()));
  if (!value.is_object()) return invalid_input(fmt::format("{} is not a JSON object", what));
  if (!all_finite(value)) return invalid_input(fmt::format("{} has a number too large", what));
  return std::move(value.get_object());
}

bool is_verb(std::string_view text) {
  return !text.empty() && text.size() <= kMaxVerb && text.front() >= 'a' && text.front() <= 'z' &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_.") == std::string_view::npos;
}

std::string_view text_of(const json::object& object, std::string_view key) {
  const json::value* const value = object.if_contains(key);
  const json::string* const text = value != nullptr ? value->if_string() : nullptr;
  return text != nullptr ? std::string_view(*text) : std::string_view();
}

std::string_view word_of(ErrorKind kind) {
  for (const auto& [each, word] : kKinds) {
    if (each == kind) return word;
  }
  return "internal";
}

// Text that came from elsewhere may hold bytes that are no UTF-8; JSON must not.
std::string as_utf8(const std::string& text) {
  return first_invalid_utf8(text) ? printable(text, text.size() * 4 + 16) : text;
}

}  // namespace

Result<OrderLine> parse_order_line(std::string_view line) {
  DAVY_ASSIGN(const json::object object, parse_object(line, "an order"));
  for (const auto& [key, value] : object) {
    if (key != "verb" && key != "arguments") {
      return invalid_input(
          fmt::format("an order has no '{}'", printable(std::string_view(key), 64)), {},
          R"(send {"verb":"…","arguments":{…}})");
    }
  }
  const std::string_view verb = text_of(object, "verb");
  if (!is_verb(verb)) {
    return invalid_input("an order needs a \"verb\" of a-z, '_' and '.'", {},
                         R"(send {"verb":"…","arguments":{…}})");
  }
  const json::value* const arguments = object.if_contains("arguments");
  if (arguments == nullptr || !arguments->is_object()) {
    return invalid_input("an order needs \"arguments\", a JSON object", {},
                         R"(send {"verb":"…","arguments":{…}})");
  }
  return OrderLine{std::string(verb), json::serialize(*arguments)};
}

Result<std::string> order_line(std::string_view verb, std::string_view arguments) {
  if (!is_verb(verb)) return invalid_input("a verb is of a-z, '_' and '.'");
  DAVY_ASSIGN(json::object object, parse_object(arguments, "the arguments"));
  std::string line =
      json::serialize(json::object{{"verb", verb}, {"arguments", std::move(object)}});
  line += '\n';
  if (line.size() > kMaxOrderLine) {
    return limit_reached(fmt::format("an order has at most {} bytes", kMaxOrderLine));
  }
  return line;
}

Result<std::string> parse_answer_line(std::string_view line) {
  DAVY_ASSIGN(const json::object object, parse_object(line, "the server's answer"));
  if (const json::value* const good = object.if_contains("ok")) {
    if (good->is_object()) return json::serialize(*good);
  }
  const json::value* const bad = object.if_contains("error");
  if (bad == nullptr || !bad->is_object()) {
    return internal_error("the server's answer is neither a result nor an error", {},
                          "server and command should be of the same version");
  }
  Error error;
  const std::string_view kind = text_of(bad->get_object(), "kind");
  for (const auto& [each, word] : kKinds) {
    if (word == kind) error.kind = each;
  }
  error.message = text_of(bad->get_object(), "message");
  error.place.file = text_of(bad->get_object(), "file");
  error.hint = text_of(bad->get_object(), "hint");
  return error;
}

std::string answer_line(const Result<std::string>& result) {
  if (result) {
    // A handler gives one object; that it does is checked here, since the line is ours.
    if (auto object = parse_object(*result, "the answer")) {
      return json::serialize(json::object{{"ok", std::move(object).value()}}) + '\n';
    }
    return answer_line(internal_error("the order was carried out, but its answer is no JSON"));
  }
  const Error& error = result.error();
  json::object body{{"kind", word_of(error.kind)}, {"message", as_utf8(error.message)}};
  if (!error.place.file.empty()) body["file"] = as_utf8(error.place.text());
  if (!error.hint.empty()) body["hint"] = as_utf8(error.hint);
  return json::serialize(json::object{{"error", std::move(body)}}) + '\n';
}

}  // namespace davy::store
