// What every OrderHandler must do (core/orders.h).
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <set>

#include "core/contract/violations.h"
#include "core/orders.h"

namespace davy {

struct OrderHandlerUnderTest {
  std::function<std::unique_ptr<OrderHandler>()> make;
  std::function<std::unique_ptr<StateStore>()> make_store;  // an empty one
};

namespace contract {

inline Violations verbs_are_unique_and_dotted(const OrderHandlerUnderTest& under_test) {
  Check check;
  const auto handler = under_test.make();
  std::set<std::string> seen;
  check.that(!handler->verbs().empty(), "no verb");
  for (const std::string_view verb : handler->verbs()) {
    check.that(is_words(verb, '.') && verb.find('.') != std::string_view::npos,
               "a verb is not FOLDER.ACT: " + std::string(verb));
    check.that(seen.emplace(verb).second, "a verb comes twice: " + std::string(verb));
  }
  return check.take();
}

inline Violations what_is_malformed_is_refused_and_changes_nothing(
    const OrderHandlerUnderTest& under_test) {
  Check check;
  const auto handler = under_test.make();
  const auto store = under_test.make_store();
  const auto refused = [&](std::string verb, std::string arguments) {
    const std::string what = verb + " " + arguments.substr(0, 20);
    const auto answer =
        handler->carry_out({std::move(verb), std::move(arguments), "cli uid 7"}, *store, Now{});
    check.that(!answer.ok(), "carried out: " + what);
    if (answer.ok()) return;
    check.that(answer.error().kind == ErrorKind::invalid_input, "not called invalid: " + what);
    check.that(!answer.error().message.empty(), "an error without a message: " + what);
    const auto last = store->last_order();
    check.that(last.ok() && *last == 0, "a refused order changed the store: " + what);
  };
  refused("no_such.verb", "{}");
  refused("", "{}");
  for (const std::string_view verb : handler->verbs()) {
    for (const std::string_view bad :
         {"", "{", "[]", "null", "\"text\"", "{} {}", "{\"a\":1,}", "{\"a\":\"\xff\"}", "\xff"}) {
      refused(std::string(verb), std::string(bad));
    }
    refused(std::string(verb), std::string(100'000, '['));
  }
  return check.take();
}

}  // namespace contract

class OrderHandlerContract : public ::testing::TestWithParam<OrderHandlerUnderTest> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(OrderHandlerContract);

TEST_P(OrderHandlerContract, VerbsAreUniqueAndDotted) {
  EXPECT_EQ(contract::lines(contract::verbs_are_unique_and_dotted(GetParam())), "");
}
TEST_P(OrderHandlerContract, WhatIsMalformedIsRefusedAndChangesNothing) {
  EXPECT_EQ(contract::lines(contract::what_is_malformed_is_refused_and_changes_nothing(GetParam())),
            "");
}

}  // namespace davy
