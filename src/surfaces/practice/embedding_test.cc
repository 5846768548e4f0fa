#include "surfaces/practice/embedding.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <numeric>
#include <string>

#include "surfaces/practice/api.h"

namespace davy::practice {
namespace {

constexpr std::uint32_t kDimensions = 256;

float alike(std::string_view a, std::string_view b) {
  const auto x = embedding(a, kDimensions);
  const auto y = embedding(b, kDimensions);
  return std::inner_product(x.begin(), x.end(), y.begin(), 0.0F);
}

TEST(Embedding, TextsOfTheSameWordsPointTheSameWay) {
  EXPECT_NEAR(alike("The cat sleeps.", "the CAT, sleeps"), 1, 1e-5);
  EXPECT_GT(alike("the cat sleeps on the sofa", "a cat sleeping on a sofa"), 0.35);
  EXPECT_LT(alike("the cat sleeps on the sofa", "quarterly revenue grew 12 percent"), 0.3);
  for (const char* text : {"", "...", "word", "\xc3\xa9t\xc3\xa9"}) {
    EXPECT_NEAR(alike(text, text), 1, 1e-5) << text;
  }
}

TEST(Embedding, IsToldInBothForms) {
  const auto body = [](std::string_view request) {
    const auto read = read_embedding(request);
    return boost::json::parse(embedding_body(std::get<EmbeddingRequest>(read)));
  };
  const auto numbers = body(R"({"model":"m","input":["a b","c"],"dimensions":3})");
  ASSERT_EQ(numbers.at("data").as_array().size(), 2U);
  EXPECT_EQ(numbers.at("data").at(1).at("embedding").as_array().size(), 3U);
  EXPECT_EQ(numbers.at("usage").at("prompt_tokens"), 2);
  const auto packed = body(R"({"model":"m","input":"","dimensions":2,"encoding_format":"base64"})");
  // 1.0 and 0.0 as little-endian floats.
  EXPECT_EQ(packed.at("data").at(0).at("embedding"), "AACAPwAAAAA=");
}

TEST(Embedding, SaysWhatIsWrong) {
  for (const char* body :
       {"[]", R"({"input":"a"})", R"({"model":"m"})", R"({"model":"m","input":[]})",
        R"({"model":"m","input":[1,2]})", R"({"model":"m","input":"a","dimensions":0})"}) {
    EXPECT_TRUE(std::holds_alternative<ApiError>(read_embedding(body))) << body;
  }
}

}  // namespace
}  // namespace davy::practice
