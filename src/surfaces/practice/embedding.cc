#include "surfaces/practice/embedding.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <cmath>
#include <cstring>
#include <string>

#include "base/bytes.h"
#include "base/strings.h"
#include "surfaces/practice/api.h"

namespace davy::practice {
namespace {

constexpr std::size_t kGram = 3;

std::uint64_t hash(std::string_view text) noexcept {
  std::uint64_t value = 0xCBF29CE484222325;  // FNV-1a, 64 bits
  for (const char c : text) value = (value ^ static_cast<std::uint8_t>(c)) * 0x100000001B3;
  return value ^ (value >> 29);
}

bool in_word(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (static_cast<std::uint8_t>(c) & 0x80);
}

}  // namespace

std::vector<float> embedding(std::string_view text, std::uint32_t dimensions) {
  std::vector<float> out(dimensions, 0.0F);
  const auto add = [&](std::string_view feature, float weight) {
    const std::uint64_t value = hash(feature);
    out[value % dimensions] += (value >> 63) != 0 ? weight : -weight;
  };
  const std::string low = lower(text);
  for (std::size_t at = 0; at < low.size();) {
    std::size_t end = at;
    while (end < low.size() && in_word(low[end])) ++end;
    const std::string_view word = std::string_view(low).substr(at, end - at);
    if (!word.empty()) add(word, 1.0F);
    for (std::size_t i = 0; i + kGram <= word.size(); ++i) add(word.substr(i, kGram), 0.3F);
    at = end + 1;
  }
  float square = 0;
  for (const float value : out) square += value * value;
  if (square == 0) {
    out.front() = 1.0F;
    return out;
  }
  const float length = std::sqrt(square);
  for (float& value : out) value /= length;
  return out;
}

std::string embedding_body(const EmbeddingRequest& request) {
  std::string data;
  std::uint64_t tokens = 0;
  for (std::size_t i = 0; i < request.texts.size(); ++i) {
    tokens += count_tokens(request.texts[i]);
    const std::vector<float> vector = embedding(request.texts[i], request.dimensions);
    std::string value;
    if (request.base64) {
      std::string bytes(vector.size() * sizeof(float), '\0');
      std::memcpy(bytes.data(), vector.data(), bytes.size());
      value = "\"" + to_base64(bytes) + "\"";
    } else {
      value = fmt::format("[{}]", fmt::join(vector, ","));
    }
    data += fmt::format(R"({}{{"object":"embedding","index":{},"embedding":{}}})",
                        i == 0 ? "" : ",", i, value);
  }
  return fmt::format(
      R"({{"object":"list","data":[{}],"model":{},"usage":{{"prompt_tokens":{},"total_tokens":{}}}}})",
      data, boost::json::serialize(boost::json::string(request.model)), tokens, tokens);
}

}  // namespace davy::practice
