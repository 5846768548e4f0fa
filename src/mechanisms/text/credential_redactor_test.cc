#include "mechanisms/text/credential_redactor.h"

#include <gtest/gtest.h>

#include "core/contract/redactor_contract.h"
#include "mechanisms/text/credential_samples.h"

namespace davy::text {
namespace {

std::string redact(std::string_view text) {
  static const Result<CredentialRedactor> redactor = CredentialRedactor::create();
  Scratch scratch;
  auto out = redactor->redact(text, scratch);
  EXPECT_TRUE(out);
  return out ? *out : "";
}

TEST(CredentialRedactor, ReplacesEachFormatByItsNameAndKeepsTheRest) {
  CredentialSamples samples(21);
  for (const CredentialFormat& format : credential_formats()) {
    SCOPED_TRACE(format.id);
    const CredentialSample sample = samples.make(format.id);
    const std::string expected = "a " + sample.text.substr(0, sample.secret.begin) +
                                 "[redacted:" + std::string(format.id) + "]" +
                                 sample.text.substr(sample.secret.end) + " b";
    EXPECT_EQ(redact("a " + sample.text + " b"), expected);
    EXPECT_EQ(redact(expected), expected);
  }
}

TEST(CredentialRedactor, LeavesOtherTextAsItIs) {
  EXPECT_EQ(redact(""), "");
  const std::string text = "no key here: ghp_, sk-, eyJ.\xFF\0";
  EXPECT_EQ(redact(text), text);
}

TEST(CredentialRedactor, TwoFormatsOfTheSameBytesGiveOneReplacement) {
  CredentialSamples samples(22);
  const std::string inner = samples.make("github_token").text;
  EXPECT_EQ(redact("mysql://u:" + inner + "@h/x"), "mysql://u:[redacted:github_token]@h/x");
}

TEST(CredentialRedactor, ATextAboveTheLimitIsAnError) {
  const auto redactor = CredentialRedactor::create();
  Scratch scratch;
  const auto out = redactor->redact(std::string(kMaxRedacted + 1, 'a'), scratch);
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().kind, ErrorKind::limit);
}

}  // namespace
}  // namespace davy::text

namespace davy {

INSTANTIATE_TEST_SUITE_P(Credentials, RedactorContract,
                         ::testing::Values(RedactorUnderTest{
                             [] {
                               return std::make_unique<const text::CredentialRedactor>(
                                   text::CredentialRedactor::create().value());
                             },
                             {text::CredentialSamples(23).make("github_token").text,
                              text::CredentialSamples(23).make("openai_key").text,
                              text::CredentialSamples(23).make("private_key").text}}));

}  // namespace davy
