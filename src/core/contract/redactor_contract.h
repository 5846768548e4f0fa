// What every Redactor must do (core/redactor.h).
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "base/bytes.h"
#include "core/contract/violations.h"
#include "core/redactor.h"

namespace davy {

struct RedactorUnderTest {
  std::function<std::unique_ptr<const Redactor>()> make;
  std::vector<std::string> secrets;  // must not be in what it gives; at least one
};

namespace contract {

inline std::vector<std::string> texts_around(const RedactorUnderTest& under_test) {
  std::vector<std::string> texts{"", "nothing to hide", "é \U0001F600\n"};
  for (const std::string& secret : under_test.secrets) {
    texts.push_back(secret);
    texts.push_back("before " + secret + " between " + secret + "\nafter é");
  }
  return texts;
}

inline Violations secrets_are_taken_out_and_twice_is_once(const RedactorUnderTest& under_test) {
  Check check;
  const auto redactor = under_test.make();
  Scratch scratch;
  check.that(!under_test.secrets.empty(), "nothing to redact was given");
  for (const std::string& text : texts_around(under_test)) {
    const auto once = redactor->redact(text, scratch);
    if (!once.ok()) continue;  // the text is not kept at all
    for (const std::string& secret : under_test.secrets) {
      check.that(once->find(secret) == std::string::npos, "a secret is still there");
    }
    check.that(!first_invalid_utf8(*once), "the result is not UTF-8");
    const auto twice = redactor->redact(*once, scratch);
    check.that(twice.ok() && *twice == *once, "redacting twice differs from once");
  }
  const auto plain = redactor->redact("nothing to hide", scratch);
  check.that(plain.ok() && *plain == "nothing to hide", "harmless text was changed");
  return check.take();
}

inline Violations threads_share_a_redactor(const RedactorUnderTest& under_test) {
  const auto redactor = under_test.make();
  const auto all = [&] {
    Scratch scratch;
    std::string out;
    for (const std::string& text : texts_around(under_test)) {
      const auto redacted = redactor->redact(text, scratch);
      out += redacted.ok() ? *redacted : redacted.error().text();
    }
    return out;
  };
  const std::string wanted = all();
  std::vector<std::string> seen(4);
  on_threads(seen.size(), [&](std::size_t thread) { seen[thread] = all(); });
  Check check;
  for (const std::string& one : seen) check.that(one == wanted, "a thread got something else");
  return check.take();
}

}  // namespace contract

class RedactorContract : public ::testing::TestWithParam<RedactorUnderTest> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(RedactorContract);

TEST_P(RedactorContract, SecretsAreTakenOutAndTwiceIsOnce) {
  EXPECT_EQ(contract::lines(contract::secrets_are_taken_out_and_twice_is_once(GetParam())), "");
}
TEST_P(RedactorContract, ThreadsShareARedactor) {
  EXPECT_EQ(contract::lines(contract::threads_share_a_redactor(GetParam())), "");
}

}  // namespace davy
