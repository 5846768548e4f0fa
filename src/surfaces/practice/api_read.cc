#include <fmt/format.h>

#include <boost/json.hpp>
#include <cmath>
#include <optional>

#include "surfaces/practice/api.h"

namespace davy::practice {
namespace {

namespace json = boost::json;

ApiError wrong(std::string message, std::string param, std::string code = "invalid_value") {
  return {400, std::move(message), std::move(code), std::move(param)};
}

std::variant<json::object, ApiError> read_object(std::string_view body) {
  json::stream_parser parser;
  boost::system::error_code error;
  const std::size_t read = parser.write(body.data(), body.size(), error);
  if (!error) parser.finish(error);
  if (error) {
    return ApiError{400,
                    fmt::format("We could not parse the JSON body of your request: {} at byte {}.",
                                error.message(), read),
                    "", ""};
  }
  json::value value = parser.release();
  if (!value.is_object()) {
    return ApiError{400, "The body of your request is JSON but no object.", "", ""};
  }
  return std::move(value.as_object());
}

// A message's content: a text, null, or a list of parts.
bool read_content(const json::value& content, Message& message) {
  if (content.is_null()) return true;
  if (const auto* text = content.if_string()) {
    message.text.assign(text->data(), text->size());
    return true;
  }
  const auto* parts = content.if_array();
  if (parts == nullptr) return false;
  for (const json::value& part : *parts) {
    const auto* object = part.if_object();
    if (object == nullptr) return false;
    const auto* text = object->if_contains("text");
    if (text == nullptr) {
      ++message.pictures;
    } else if (text->is_string()) {
      message.text.append(text->get_string().data(), text->get_string().size());
    } else {
      return false;
    }
  }
  return true;
}

std::optional<ApiError> read_model(const json::object& object, std::string& out) {
  const auto* model = object.if_contains("model");
  if (model == nullptr || !model->is_string()) {
    return wrong("Missing required parameter: 'model'.", "model", "missing_required_parameter");
  }
  out = std::string(model->get_string());
  return std::nullopt;
}

std::optional<ApiError> read_messages(const json::object& object, std::vector<Message>& out) {
  const auto* messages = object.if_contains("messages");
  if (messages == nullptr) {
    return wrong("Missing required parameter: 'messages'.", "messages",
                 "missing_required_parameter");
  }
  const auto* list = messages->if_array();
  if (list == nullptr || list->empty()) {
    return wrong("'messages' must be a list with at least one message.", "messages");
  }
  for (std::size_t i = 0; i < list->size(); ++i) {
    const auto* entry = (*list)[i].if_object();
    const auto* role = entry == nullptr ? nullptr : entry->if_contains("role");
    if (role == nullptr || !role->is_string()) {
      return wrong(fmt::format("'messages[{}]' must be an object with a role.", i),
                   fmt::format("messages[{}].role", i));
    }
    Message message{std::string(role->get_string()), {}, 0};
    const auto* content = entry->if_contains("content");
    if (content != nullptr && !read_content(*content, message)) {
      return wrong(fmt::format("'messages[{}].content' must be a text or a list of parts.", i),
                   fmt::format("messages[{}].content", i));
    }
    out.push_back(std::move(message));
  }
  return std::nullopt;
}

// A whole number from 1 to `most`, where the member is there and not null.
template <class Number>
std::optional<ApiError> read_count(const json::object& object, std::string_view name, Number most,
                                   Number& out) {
  const auto* member = object.if_contains(name);
  if (member == nullptr || member->is_null()) return std::nullopt;
  boost::system::error_code error;
  const auto number = member->to_number<Number>(error);
  if (error || number < 1 || number > most) {
    return wrong(fmt::format("'{}' must be a whole number from 1 to {}.", name, most),
                 std::string(name));
  }
  out = number;
  return std::nullopt;
}

bool is_true(const json::value* value) {
  return value != nullptr && value->is_bool() && value->get_bool();
}

}  // namespace

std::variant<ChatRequest, ApiError> read_chat(std::string_view body) {
  auto read = read_object(body);
  if (auto* error = std::get_if<ApiError>(&read)) return std::move(*error);
  const auto& object = std::get<json::object>(read);
  ChatRequest request;
  if (auto error = read_model(object, request.model)) return std::move(*error);
  if (auto error = read_messages(object, request.messages)) return std::move(*error);
  constexpr std::uint64_t kMostTokens = 1'000'000;
  for (const std::string_view name : {"max_tokens", "max_completion_tokens"}) {
    if (auto error = read_count(object, name, kMostTokens, request.max_tokens)) {
      return std::move(*error);
    }
  }
  if (auto error = read_count(object, "n", kMaxChoices, request.choices)) return std::move(*error);
  request.stream = is_true(object.if_contains("stream"));
  if (const auto* options = object.if_contains("stream_options"); options && options->is_object()) {
    request.include_usage = is_true(options->get_object().if_contains("include_usage"));
  }
  return request;
}

namespace {

// An item of `input`; calls and what is not known are no message.
bool read_item(const json::value& value, std::vector<Message>& out) {
  const auto* item = value.if_object();
  if (item == nullptr) return false;
  const auto* type = item->if_contains("type");
  const bool tool =
      type != nullptr && type->is_string() && type->get_string().ends_with("_call_output");
  const auto* role = item->if_contains("role");
  if (!tool && (role == nullptr || !role->is_string())) return true;
  const auto* content = item->if_contains(tool ? "output" : "content");
  Message message{tool ? "tool" : std::string(role->get_string()), {}, 0};
  if (content == nullptr || !read_content(*content, message)) return false;
  out.push_back(std::move(message));
  return true;
}

}  // namespace

std::variant<ChatRequest, ApiError> read_response(std::string_view body) {
  auto read = read_object(body);
  if (auto* error = std::get_if<ApiError>(&read)) return std::move(*error);
  const auto& object = std::get<json::object>(read);
  ChatRequest request;
  if (auto error = read_model(object, request.model)) return std::move(*error);
  const auto* instructions = object.if_contains("instructions");
  if (instructions != nullptr && instructions->is_string()) {
    request.messages.push_back({"system", std::string(instructions->get_string()), 0});
  }
  const auto* input = object.if_contains("input");
  if (input != nullptr && input->is_string()) {
    request.messages.push_back({"user", std::string(input->get_string()), 0});
  } else if (input != nullptr && input->is_array()) {
    for (std::size_t i = 0; i < input->get_array().size(); ++i) {
      if (read_item(input->get_array()[i], request.messages)) continue;
      return wrong(fmt::format("'input[{}]' must be a message or the output of a call.", i),
                   fmt::format("input[{}]", i));
    }
  } else {
    return wrong("'input' must be a text or a list of items.", "input");
  }
  constexpr std::uint64_t kMostTokens = 1'000'000;
  if (auto error = read_count(object, "max_output_tokens", kMostTokens, request.max_tokens)) {
    return std::move(*error);
  }
  request.stream = is_true(object.if_contains("stream"));
  return request;
}

std::variant<EmbeddingRequest, ApiError> read_embedding(std::string_view body) {
  auto read = read_object(body);
  if (auto* error = std::get_if<ApiError>(&read)) return std::move(*error);
  const auto& object = std::get<json::object>(read);
  EmbeddingRequest request;
  if (auto error = read_model(object, request.model)) return std::move(*error);
  const auto* input = object.if_contains("input");
  if (input != nullptr && input->is_string()) {
    request.texts.emplace_back(input->get_string());
  } else if (input != nullptr && input->is_array()) {
    for (const json::value& text : input->get_array()) {
      if (!text.is_string()) return wrong("'input' must hold texts; tokens are not read.", "input");
      request.texts.emplace_back(text.get_string());
    }
  }
  if (request.texts.empty()) return wrong("'input' must be a text or a list of them.", "input");
  if (auto error = read_count(object, "dimensions", kMaxDimensions, request.dimensions)) {
    return std::move(*error);
  }
  const auto* format = object.if_contains("encoding_format");
  request.base64 = format != nullptr && *format == "base64";
  return request;
}

std::variant<FraudFeatures, ApiError> read_features(std::string_view body) {
  auto read = read_object(body);
  if (auto* error = std::get_if<ApiError>(&read)) return std::move(*error);
  const json::object* object = &std::get<json::object>(read);
  if (const auto* inner = object->if_contains("features")) {
    if (!inner->is_object()) return wrong("'features' must be an object.", "features");
    object = &inner->get_object();
  }
  FraudFeatures features;
  struct Number {
    std::string_view name;
    double* to;
    double below;
  };
  for (const Number& number :
       {Number{"amount", &features.amount, 1e12}, Number{"hour", &features.hour, 24},
        Number{"attempts", &features.attempts, 1e6}}) {
    const auto* member = object->if_contains(number.name);
    if (member == nullptr) continue;
    boost::system::error_code error;
    const double value = member->to_number<double>(error);
    if (error || !(value >= 0 && value < number.below)) {
      return wrong(
          fmt::format("'{}' must be a number from 0 to below {}.", number.name, number.below),
          std::string(number.name));
    }
    *number.to = value;
  }
  for (auto& [name, to] : {std::pair{"country", &features.country},
                           std::pair{"home_country", &features.home_country}}) {
    const auto* member = object->if_contains(name);
    if (member == nullptr) continue;
    if (!member->is_string()) return wrong(fmt::format("'{}' must be a text.", name), name);
    *to = std::string(member->get_string());
  }
  return features;
}

}  // namespace davy::practice
