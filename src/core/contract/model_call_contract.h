// What every ModelCall must do (core/model_call.h).
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <memory>

#include "core/contract/violations.h"
#include "core/model_call.h"

namespace davy {

using ModelCallFactory = std::function<std::unique_ptr<ModelCall>()>;

namespace contract {

inline void check_opinion(Check& check, const Result<ModelOpinion>& opinion) {
  if (opinion.ok()) {
    check.that(opinion->score >= 0 && opinion->score <= 1, "a score outside [0, 1]");
    check.that(!opinion->model.empty(), "nobody says which model judged");
  } else {
    check.that(!opinion.error().message.empty(), "an error without a message");
  }
}

inline Violations every_question_has_an_opinion_or_an_error(const ModelCallFactory& make) {
  const auto call = make();
  std::vector<Violations> found(3);
  on_threads(found.size(), [&](std::size_t thread) {
    Check check;
    const std::string large(100'000, 'x');
    const std::array<Segment, 3> segments{
        {{"/0", Provenance::user, TextKind::prose, "hello", {}},
         {"/1", Provenance::document, TextKind::code, large, {}},
         {"/2", Provenance::field, TextKind::structured, "", {}}}};
    for (std::size_t count = 0; count <= segments.size(); ++count) {
      ModelQuestion question;
      question.purpose = "guardrails.sanitize.phrase";
      question.segments = std::span(segments).first(count);
      check_opinion(check, call->judge(question));
      question.deadline = std::chrono::milliseconds(1);
      check_opinion(check, call->judge(question));
    }
    found[thread] = check.take();
  });
  Violations all;
  for (const Violations& of_one : found) all.insert(all.end(), of_one.begin(), of_one.end());
  return all;
}

}  // namespace contract

class ModelCallContract : public ::testing::TestWithParam<ModelCallFactory> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ModelCallContract);

TEST_P(ModelCallContract, EveryQuestionHasAnOpinionOrAnError) {
  EXPECT_EQ(contract::lines(contract::every_question_has_an_opinion_or_an_error(GetParam())), "");
}

}  // namespace davy
