// What every Stage must do (core/stage.h), seen through the runner, which alone can see
// what a stage says.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <memory>
#include <set>

#include "base/bytes.h"
#include "core/contract/violations.h"
#include "core/exchange_run.h"

namespace davy {

struct StageUnderTest {
  std::function<std::unique_ptr<const Stage>()> make;
  std::vector<std::string> texts;  // some that it fires on and some that it does not
};

namespace contract {

// One exchange of a stage: what happened, in words that two runs can be compared by.
struct Exchange {
  std::string told;       // decisions and edits of the request, rules that fired
  std::string delivered;  // of the answer; only if it was not denied
  bool denied = false;
  Violations violations;
};

class StageBench {
 public:
  StageBench(const StageUnderTest& under_test, Mode mode) : texts_(under_test.texts) {
    texts_.emplace_back();
    texts_.emplace_back("plain text, é and \U0001F600\n");
    model_.name = "chat";
    experiment_.name = "bot";
    snapshot_.modes = RuleModes::all(mode);
    snapshot_.stages.push_back(under_test.make());
  }
  [[nodiscard]] const Stage& stage() const { return *snapshot_.stages.front(); }
  [[nodiscard]] const std::vector<std::string>& texts() const { return texts_; }

  // All texts as segments of the request, then `answer` in pieces of about `step` bytes.
  // Stops after `calls` calls; `ends` says whether finish is called by hand.
  [[nodiscard]] Exchange exchange(std::string_view answer, std::size_t step,
                                  std::size_t calls = kAll, bool ends = true) const {
    Exchange seen;
    Check check;
    ExchangeInfo info;
    info.request_id = "req_contract";
    info.client_ip = "192.0.2.7";
    info.snapshot = &snapshot_;
    info.model = &model_;
    info.experiment = &experiment_;
    Scratch scratch;
    {
      ExchangeRun run(info, nullptr);
      const auto told = [&](const Result<Decision>& decision) {
        check.that(decision.ok(), decision.ok() ? "" : "failed: " + decision.error().text());
        if (!decision.ok()) return;
        seen.told += std::string(name(decision->kind())) + " ";
        seen.denied = seen.denied || !decision->allowed();
      };
      if (calls > 0) told(run.on_head({"POST", "/v1/chat/completions", "", {}}, scratch));
      if (calls > 1) request(run, scratch, told, seen);
      if (calls > 2) told(run.on_answer_head({200, true, {}}, scratch));
      if (calls > 3) stream(run, answer, step, scratch, check, seen);
      if (ends) run.finish({});
      for (const StageError& error : run.stage_errors()) {
        check.that(false, "a stage error: " + error.error.text());
      }
      const auto rules = stage().rules();
      for (const Finding& finding : run.findings()) {
        check.that(std::find(rules.begin(), rules.end(), finding.rule) != rules.end(),
                   "a rule that rules() does not list: " + std::string(name(finding.rule)));
        check.that(!finding.message.empty(), "a finding without a message");
        check.that(finding.confidence >= 0 && finding.confidence <= 1, "a strange confidence");
        check.that(finding.evidence.size() <= 200, "evidence of more than 200 bytes");
      }
    }
    seen.violations = check.take();
    return seen;
  }

  static constexpr std::size_t kAll = 4;

 private:
  template <class Told>
  void request(ExchangeRun& run, Scratch& scratch, Told&& told, Exchange& seen) const {
    std::vector<std::string> pointers;
    for (std::size_t i = 0; i < texts_.size(); ++i) {
      pointers.push_back("/messages/" + std::to_string(i) + "/content");
    }
    std::vector<Segment> segments;
    for (std::size_t i = 0; i < texts_.size(); ++i) {
      segments.push_back({pointers[i], Provenance::user, TextKind::prose, texts_[i], {}});
    }
    told(run.on_request(segments, scratch));
    for (const Edit& edit : run.request_edits()) {
      seen.told += edit.pointer + "=" + edit.replacement + " ";
    }
  }

  static void stream(ExchangeRun& run, std::string_view answer, std::size_t step, Scratch& scratch,
                     Check& check, Exchange& seen) {
    std::uint64_t done = 0;
    for (std::size_t at = 0;;) {
      std::size_t end = std::min(answer.size(), at + std::max<std::size_t>(step, 1));
      while (end < answer.size() && (static_cast<unsigned char>(answer[end]) & 0xC0U) == 0x80U) {
        ++end;  // a dialect never splits a code point
      }
      const bool last = end == answer.size();
      const auto verdict = run.on_chunk({{}, at, answer.substr(at, end - at), last}, scratch);
      check.that(verdict.ok(), verdict.ok() ? "" : "failed: " + verdict.error().text());
      if (!verdict.ok()) return;
      if (!verdict->decision.allowed()) {
        seen.denied = true;
        return;
      }
      for (const Edit& edit : verdict->edits) {
        seen.delivered += answer.substr(done, edit.span.begin - done);
        seen.delivered += edit.replacement;
        done = edit.span.end;
      }
      seen.delivered += answer.substr(done, verdict->released_to - done);
      done = verdict->released_to;
      at = end;
      if (last) return;
    }
  }

  std::vector<std::string> texts_;
  Model model_;
  Experiment experiment_;
  Snapshot snapshot_;
};

inline Violations a_stage_names_itself_and_its_rules(const StageUnderTest& under_test) {
  Check check;
  const StageBench bench(under_test, Mode::enforce);
  check.that(is_words(bench.stage().name(), '.'), "the name is not words with dots");
  check.that(!bench.stage().rules().empty(), "no rule: the stage would never begin");
  std::set<std::uint16_t> seen;
  for (const RuleId rule : bench.stage().rules()) {
    check.that(rule.index < catalogue().size(), "a rule that is not in the catalogue");
    check.that(seen.insert(rule.index).second, "a rule comes twice");
  }
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1000}, std::size_t{1} << 26}) {
    check.that(bench.stage().cost(bytes) >= std::chrono::nanoseconds(0), "a negative cost");
  }
  return check.take();
}

inline Violations an_exchange_may_end_after_any_call(const StageUnderTest& under_test) {
  Violations all;
  for (const Mode mode : {Mode::enforce, Mode::observe}) {
    const StageBench bench(under_test, mode);
    for (const std::string& text : bench.texts()) {
      for (std::size_t calls = 0; calls <= StageBench::kAll; ++calls) {
        for (const bool ends : {true, false}) {
          const Violations found = bench.exchange(text, text.size(), calls, ends).violations;
          all.insert(all.end(), found.begin(), found.end());
        }
      }
    }
  }
  return all;
}

inline Violations a_verdict_does_not_depend_on_the_split(const StageUnderTest& under_test) {
  Check check;
  const StageBench bench(under_test, Mode::enforce);
  for (const std::string& text : bench.texts()) {
    const Exchange whole = bench.exchange(text, text.size());
    for (const std::size_t step : std::array<std::size_t, 5>{1, 2, 3, 5, 8}) {
      const Exchange split = bench.exchange(text, step);
      const std::string where = " in pieces of " + std::to_string(step);
      check.that(lines(split.violations).empty(), lines(split.violations) + where);
      check.that(split.denied == whole.denied, "another decision" + where);
      check.that(whole.denied || split.delivered == whole.delivered, "another text" + where);
    }
  }
  return check.take();
}

inline Violations threads_share_a_stage(const StageUnderTest& under_test) {
  const StageBench bench(under_test, Mode::enforce);
  const auto all = [&] {
    std::string out;
    for (const std::string& text : bench.texts()) {
      const Exchange seen = bench.exchange(text, 3);
      out += seen.told + seen.delivered + (seen.denied ? " denied\n" : "\n");
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

class StageContract : public ::testing::TestWithParam<StageUnderTest> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(StageContract);

TEST_P(StageContract, AStageNamesItselfAndItsRules) {
  EXPECT_EQ(contract::lines(contract::a_stage_names_itself_and_its_rules(GetParam())), "");
}
TEST_P(StageContract, AnExchangeMayEndAfterAnyCall) {
  EXPECT_EQ(contract::lines(contract::an_exchange_may_end_after_any_call(GetParam())), "");
}
TEST_P(StageContract, AVerdictDoesNotDependOnTheSplit) {
  EXPECT_EQ(contract::lines(contract::a_verdict_does_not_depend_on_the_split(GetParam())), "");
}
TEST_P(StageContract, ThreadsShareAStage) {
  EXPECT_EQ(contract::lines(contract::threads_share_a_stage(GetParam())), "");
}

}  // namespace davy
