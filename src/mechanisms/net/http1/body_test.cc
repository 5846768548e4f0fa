#include "mechanisms/net/http1/body.h"

#include <gtest/gtest.h>

#include <string>

namespace davy::http1 {
namespace {

TEST(BodyDecoder, WithoutABodyIsDoneAndConsumesNothing) {
  BodyDecoder decoder;
  const BodyStep step = decoder.decode("GET / HTTP/1.1\r\n");
  EXPECT_EQ(step.state, BodyState::done);
  EXPECT_EQ(step.consumed, 0U);
  EXPECT_EQ(decoder.at_end(), BodyState::done);
}

TEST(BodyDecoder, GivesViewsIntoTheInputAndStopsAtTheBodysEnd) {
  const std::string input = "helloGET /";
  BodyDecoder decoder(Framing{.body = BodyKind::length, .content_length = 5}, {});
  const BodyStep step = decoder.decode(input);
  EXPECT_EQ(step.state, BodyState::data);
  EXPECT_EQ(step.data.data(), input.data());
  EXPECT_EQ(step.data, "hello");
  EXPECT_EQ(step.consumed, 5U);
  EXPECT_TRUE(decoder.done());
  EXPECT_EQ(decoder.decode("GET /").consumed, 0U);
  EXPECT_EQ(decoder.received(), 5U);
}

TEST(BodyDecoder, AsksForMoreOnlyWhenAllIsConsumed) {
  const std::string input = "5;x\r\nhel";
  BodyDecoder decoder(Framing{.body = BodyKind::chunked}, {});
  const BodyStep data = decoder.decode(input);
  EXPECT_EQ(data.data.data(), input.data() + 5);
  EXPECT_EQ(data.consumed, input.size());
  EXPECT_EQ(decoder.decode("").state, BodyState::need_more);
  EXPECT_EQ(decoder.decode("lo\r").data, "lo");
  const BodyStep more = decoder.decode("\r");
  EXPECT_EQ(more.state, BodyState::need_more);
  EXPECT_EQ(more.consumed, 1U);
  const BodyStep last = decoder.decode("\n0\r\n\r\nNEXT");
  EXPECT_EQ(last.state, BodyState::done);
  EXPECT_EQ(last.consumed, 6U);
}

TEST(BodyDecoder, RefusesALengthOverTheLimitBeforeAnyByte) {
  BodyDecoder decoder(Framing{.body = BodyKind::length, .content_length = 5}, {.body_bytes = 4});
  EXPECT_EQ(decoder.decode("").state, BodyState::refused);
  EXPECT_EQ(decoder.problem().refusal, Refusal::body_too_large);
  EXPECT_EQ(decoder.decode("hello").consumed, 0U);
}

TEST(BodyDecoder, TellsWhenTheConnectionEndsTooEarly) {
  BodyDecoder length(Framing{.body = BodyKind::length, .content_length = 5}, {});
  EXPECT_EQ(length.decode("he").data, "he");
  EXPECT_EQ(length.at_end(), BodyState::refused);
  EXPECT_EQ(length.problem(), (Problem{Refusal::body_truncated, 2}));

  BodyDecoder open(Framing{.body = BodyKind::until_close}, {});
  EXPECT_EQ(open.decode("he").data, "he");
  EXPECT_EQ(open.at_end(), BodyState::done);
}

TEST(BodyDecoder, TakesTheLargestChunkSizeWithoutOverflow) {
  BodyDecoder decoder(Framing{.body = BodyKind::chunked}, {});
  EXPECT_EQ(decoder.decode("1\r\nx\r\nfffffffffffffff\r\n").data, "x");
  EXPECT_EQ(decoder.decode("\r\nfffffffffffffff\r\n").state, BodyState::need_more);
  EXPECT_EQ(decoder.decode("abc").data, "abc");
  BodyDecoder limited(Framing{.body = BodyKind::chunked}, {.body_bytes = 100});
  EXPECT_EQ(limited.decode("fffffffffffffff\r\n").state, BodyState::refused);
  EXPECT_EQ(limited.problem(), (Problem{Refusal::body_too_large, 15}));
}

}  // namespace
}  // namespace davy::http1
