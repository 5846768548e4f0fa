#include "core/exchange_run.h"

#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <map>
#include <stdexcept>
#include <thread>

#include "core/live_control.h"
#include "generated/rules.h"

namespace davy {
namespace {

constexpr RuleId kRule = rules::kGuardrailsSanitizePhrase;
constexpr RuleId kOtherRule = rules::kAccessKeysModel;

// What a fake stage does, and what became of it. A missing function does nothing.
struct Script {
  std::function<Result<void>(const RequestHead&, StageOutput&)> head;
  std::function<Result<void>(std::span<const Segment>, StageOutput&)> request;
  std::function<Result<void>(const AnswerHead&, StageOutput&)> answer_head;
  std::function<Result<void>(const StreamSegment&, StageOutput&)> chunk;
  bool begins = true;
  bool begin_throws = false;
  bool reads_request = false;
  bool reads_answer = false;
  std::chrono::nanoseconds per_byte{1};

  int begun = 0;
  int calls = 0;
  std::vector<Outcome::End> finished;
};

class FakeRun final : public StageRun {
 public:
  explicit FakeRun(Script& script) : script_(script) {}
  Result<void> on_head(const RequestHead& head, StageOutput& out, Scratch&) override {
    ++script_.calls;
    return script_.head ? script_.head(head, out) : Result<void>{};
  }
  Result<void> on_request(std::span<const Segment> segments, StageOutput& out, Scratch&) override {
    ++script_.calls;
    return script_.request ? script_.request(segments, out) : Result<void>{};
  }
  Result<void> on_answer_head(const AnswerHead& head, StageOutput& out, Scratch&) override {
    ++script_.calls;
    return script_.answer_head ? script_.answer_head(head, out) : Result<void>{};
  }
  Result<void> on_chunk(const StreamSegment& segment, StageOutput& out, Scratch&) override {
    ++script_.calls;
    return script_.chunk ? script_.chunk(segment, out) : Result<void>{};
  }
  void finish(const Outcome& outcome) noexcept override { script_.finished.push_back(outcome.end); }

 private:
  Script& script_;
};

class FakeStage final : public Stage {
 public:
  FakeStage(std::string name, std::vector<RuleId> rules, Script& script)
      : name_(std::move(name)), rules_(std::move(rules)), script_(script) {}
  std::string_view name() const noexcept override { return name_; }
  std::span<const RuleId> rules() const noexcept override { return rules_; }
  bool reads_request_text() const noexcept override { return script_.reads_request; }
  bool reads_answer_text() const noexcept override { return script_.reads_answer; }
  std::chrono::nanoseconds cost(std::size_t bytes) const noexcept override {
    return script_.per_byte * bytes;
  }
  std::unique_ptr<StageRun> begin(const ExchangeInfo&) const override {
    ++script_.begun;
    if (script_.begin_throws) throw std::runtime_error("the secret of the test");
    if (!script_.begins) return nullptr;
    return std::make_unique<FakeRun>(script_);
  }

 private:
  std::string name_;
  std::vector<RuleId> rules_;
  Script& script_;
};

class ExchangeRunTest : public ::testing::Test {
 protected:
  ExchangeRunTest() {
    snapshot_.modes = RuleModes::all(Mode::enforce);
    info_.snapshot = &snapshot_;
    info_.client_ip = "192.0.2.7";
  }
  Script& add(std::vector<RuleId> rules = {kRule}) {
    const std::string name = "stage." + std::to_string(scripts_.size());
    scripts_.push_back(std::make_unique<Script>());
    snapshot_.stages.push_back(
        std::make_unique<FakeStage>(name, std::move(rules), *scripts_.back()));
    return *scripts_.back();
  }
  void mode(Mode mode, RuleId rule = kRule) { snapshot_.modes.set(rule, mode); }
  ExchangeRun& start() {
    run_.emplace(info_, &control_);
    return *run_;
  }
  Result<Decision> head() {
    return run_->on_head(RequestHead{"POST", "/v1/chat", "", {}}, scratch_);
  }
  Result<Decision> request(std::initializer_list<std::string_view> texts) {
    pointers_.clear();
    for (std::size_t i = 0; i < texts.size(); ++i) pointers_.push_back("/" + std::to_string(i));
    std::vector<Segment> segments;
    for (const std::string_view text : texts) {
      segments.push_back({pointers_[segments.size()], Provenance::user, TextKind::prose, text, {}});
    }
    return run_->on_request(segments, scratch_);
  }
  Result<ChunkVerdict> chunk(std::string_view text, bool last = false, std::uint32_t choice = 0) {
    const StreamSegment segment{{choice, 0}, sent_[choice], text, last};
    sent_[choice] += text.size();
    return run_->on_chunk(segment, scratch_);
  }

  Snapshot snapshot_;
  ExchangeInfo info_;
  LiveControl control_;
  std::vector<std::unique_ptr<Script>> scripts_;
  std::optional<ExchangeRun> run_;
  Scratch scratch_;
  std::vector<std::string> pointers_;
  std::map<std::uint32_t, std::uint64_t> sent_;
};

Finding saw(RuleId rule = kRule, std::string message = "saw it") {
  return make_finding(rule, std::move(message));
}

Outcome ended(Outcome::End end) {
  Outcome outcome;
  outcome.end = end;
  return outcome;
}

auto deny_in_head(RuleId rule = kRule) {
  return [rule](const RequestHead&, StageOutput& out) -> Result<void> {
    out.deny(saw(rule));
    return {};
  };
}

auto redact_segment(std::string pointer, Span span, std::string replacement) {
  return [=](std::span<const Segment>, StageOutput& out) -> Result<void> {
    out.redact(saw(), {pointer, span, replacement});
    return {};
  };
}

// --- modes and order

TEST_F(ExchangeRunTest, AnEnforcedDenialEndsTheCallAndLaterStagesDoNotSeeIt) {
  add().head = deny_in_head();
  Script& later = add();
  start();
  const auto decision = head();
  ASSERT_TRUE(decision.ok());
  EXPECT_EQ(decision->kind(), Decision::Kind::deny);
  EXPECT_EQ(decision->reason().rule, kRule);
  EXPECT_EQ(run_->stage_of_denial(), "stage.0");
  EXPECT_EQ(later.calls, 0);
}

TEST_F(ExchangeRunTest, AfterADenialEveryCallGivesTheSameAndNoStageIsAsked) {
  Script& denier = add();
  denier.head = deny_in_head();
  start();
  ASSERT_EQ(head()->kind(), Decision::Kind::deny);
  const int calls = denier.calls;
  EXPECT_EQ(request({"text"})->kind(), Decision::Kind::deny);
  EXPECT_EQ(run_->on_answer_head({}, scratch_)->kind(), Decision::Kind::deny);
  const auto verdict = chunk("text");
  ASSERT_TRUE(verdict.ok());
  EXPECT_EQ(verdict->decision.reason().rule, kRule);
  EXPECT_EQ(verdict->released_to, 0U);
  EXPECT_EQ(denier.calls, calls);
}

TEST_F(ExchangeRunTest, AnObservedDenialIsRecordedAndChangesNothing) {
  mode(Mode::observe);
  add().head = deny_in_head();
  Script& later = add();
  start();
  const auto decision = head();
  EXPECT_EQ(decision->kind(), Decision::Kind::allow);
  ASSERT_EQ(decision->findings().size(), 1U);
  EXPECT_EQ(run_->findings().size(), 1U);
  EXPECT_EQ(later.calls, 1);
  EXPECT_EQ(run_->stage_of_denial(), "");
}

TEST_F(ExchangeRunTest, AFindingOfARuleThatIsOffIsDropped) {
  mode(Mode::off);
  Script& script = add({kRule, kOtherRule});
  script.head = deny_in_head(kRule);
  start();
  EXPECT_EQ(head()->kind(), Decision::Kind::allow);
  EXPECT_TRUE(run_->findings().empty());
  EXPECT_EQ(script.calls, 1);
}

TEST_F(ExchangeRunTest, AStageWhoseRulesAreAllOffIsNotBegun) {
  mode(Mode::off);
  Script& script = add({kRule});
  start();
  EXPECT_EQ(script.begun, 0);
  EXPECT_TRUE(head()->allowed());
}

TEST_F(ExchangeRunTest, AStageMayHaveNothingToDo) {
  Script& script = add();
  script.begins = false;
  script.reads_request = script.reads_answer = true;
  start();
  EXPECT_TRUE(head()->allowed());
  EXPECT_EQ(script.calls, 0);
  EXPECT_FALSE(run_->must_examine_request());
  EXPECT_FALSE(run_->wants_answer_text());
}

TEST_F(ExchangeRunTest, ANoteNeverDenies) {
  add().head = [](const RequestHead&, StageOutput& out) -> Result<void> {
    out.note(saw());
    return {};
  };
  start();
  const auto decision = head();
  EXPECT_EQ(decision->kind(), Decision::Kind::allow);
  EXPECT_EQ(decision->findings().size(), 1U);
}

TEST_F(ExchangeRunTest, ADenialCarriesWhatElseWasFoundInTheCall) {
  mode(Mode::observe, kOtherRule);
  add({kOtherRule}).head = deny_in_head(kOtherRule);
  add().head = deny_in_head();
  start();
  const auto decision = head();
  ASSERT_EQ(decision->findings().size(), 2U);
  EXPECT_EQ(decision->reason().rule, kRule);
  EXPECT_EQ(decision->findings()[1].rule, kOtherRule);
}

// --- failing

TEST_F(ExchangeRunTest, AnErrorOfAnEnforcingStageFailsClosedForGood) {
  Script& broken = add();
  broken.head = [](const RequestHead&, StageOutput&) -> Result<void> {
    return unavailable("the database is gone");
  };
  Script& later = add();
  start();
  const auto first = head();
  ASSERT_FALSE(first.ok());
  EXPECT_EQ(first.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(run_->stage_of_denial(), "stage.0");
  EXPECT_EQ(later.calls, 0);
  EXPECT_FALSE(request({"x"}).ok());
  EXPECT_FALSE(chunk("x").ok());
  EXPECT_EQ(broken.calls, 1);
}

TEST_F(ExchangeRunTest, AnObservingStageThatFailsIsLeftOutAndKept) {
  mode(Mode::observe);
  Script& broken = add();
  broken.head = [](const RequestHead&, StageOutput&) -> Result<void> {
    return unavailable("the database is gone");
  };
  Script& later = add({kOtherRule});
  start();
  EXPECT_TRUE(head().ok());
  EXPECT_TRUE(request({"x"}).ok());
  ASSERT_EQ(run_->stage_errors().size(), 1U);
  EXPECT_EQ(run_->stage_errors()[0].stage, "stage.0");
  EXPECT_EQ(broken.calls, 1);
  EXPECT_EQ(later.calls, 2);
  run_.reset();
  EXPECT_EQ(broken.finished.size(), 1U);
}

TEST_F(ExchangeRunTest, OneEnforcedRuleMakesTheWholeStageFailClosed) {
  mode(Mode::observe, kRule);
  add({kRule, kOtherRule}).head = [](const RequestHead&, StageOutput&) -> Result<void> {
    return internal_error("broken");
  };
  start();
  EXPECT_FALSE(head().ok());
}

TEST_F(ExchangeRunTest, AnExceptionCountsAsAnErrorAndItsTextIsNotRepeated) {
  add().head = [](const RequestHead&, StageOutput&) -> Result<void> {
    throw std::runtime_error("the secret of the test");
  };
  start();
  const auto result = head();
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().kind, ErrorKind::internal);
  EXPECT_EQ(result.error().text().find("secret"), std::string::npos);
}

TEST_F(ExchangeRunTest, WhatIsThrownNeedNotBeAnException) {
  add().request = [](std::span<const Segment>, StageOutput&) -> Result<void> { throw 7; };
  start();
  ASSERT_TRUE(head().ok());
  EXPECT_FALSE(request({"x"}).ok());
}

TEST_F(ExchangeRunTest, ThrowingInBeginFailsClosed) {
  add().begin_throws = true;
  Script& later = add();
  start();
  EXPECT_FALSE(head().ok());
  EXPECT_EQ(run_->stage_of_denial(), "stage.0");
  EXPECT_EQ(later.calls, 0);
}

TEST_F(ExchangeRunTest, ThrowingInBeginOfAnObservingStageIsKept) {
  mode(Mode::observe);
  add().begin_throws = true;
  Script& later = add();
  start();
  EXPECT_TRUE(head().ok());
  EXPECT_EQ(run_->stage_errors().size(), 1U);
  EXPECT_EQ(later.calls, 1);
}

TEST_F(ExchangeRunTest, WhatAFailingStageSaidIsRecordedAndNotDone) {
  add().request = [](std::span<const Segment>, StageOutput& out) -> Result<void> {
    out.redact(saw(), {"/0", {0, 1}, "x"});
    return internal_error("then it broke");
  };
  start();
  EXPECT_FALSE(request({"abc"}).ok());
  EXPECT_EQ(run_->findings().size(), 1U);
  EXPECT_TRUE(run_->request_edits().empty());
}

TEST_F(ExchangeRunTest, WithoutASnapshotNothingPasses) {
  info_.snapshot = nullptr;
  start();
  EXPECT_FALSE(head().ok());
}

// --- finish

TEST_F(ExchangeRunTest, FinishReachesEveryBegunStageExactlyOnce) {
  Script& denier = add();
  denier.head = deny_in_head();
  Script& later = add();
  start();
  (void)head();
  run_->finish(ended(Outcome::End::denied));
  run_->finish(ended(Outcome::End::answered));
  run_.reset();
  EXPECT_EQ(denier.finished, std::vector{Outcome::End::denied});
  EXPECT_EQ(later.finished, std::vector{Outcome::End::denied});
}

TEST_F(ExchangeRunTest, FinishComesAsFailedIfNobodyCallsIt) {
  Script& script = add();
  start();
  (void)head();
  run_.reset();
  EXPECT_EQ(script.finished, std::vector{Outcome::End::failed});
}

TEST_F(ExchangeRunTest, AStageBegunBeforeAnotherFailedIsFinished) {
  Script& first = add();
  add().begin_throws = true;
  start();
  run_.reset();
  EXPECT_EQ(first.finished.size(), 1U);
}

TEST_F(ExchangeRunTest, AfterFinishNoStageIsCalled) {
  Script& script = add();
  start();
  run_->finish({});
  EXPECT_FALSE(head().ok());
  EXPECT_EQ(script.calls, 0);
}

// --- who calls

TEST_F(ExchangeRunTest, TheFirstStageThatKnowsTheCallerWinsAndTheAddressStays) {
  const Experiment experiment;
  add().head = [&](const RequestHead&, StageOutput& out) -> Result<void> {
    out.identify({"k1", "bot", "team", "key", "203.0.113.9"}, &experiment);
    return {};
  };
  add().head = [](const RequestHead&, StageOutput& out) -> Result<void> {
    out.identify({"k2", "other", "team", "token", ""}, nullptr);
    return {};
  };
  start();
  ASSERT_TRUE(head().ok());
  EXPECT_EQ(info_.principal.key_id, "k1");
  EXPECT_EQ(info_.principal.client_ip, "192.0.2.7");
  EXPECT_EQ(info_.experiment, &experiment);
}

TEST_F(ExchangeRunTest, ACallerIsKnownEvenWhenTheSameStageDenies) {
  add().head = [](const RequestHead&, StageOutput& out) -> Result<void> {
    out.identify({"k1", "bot", "team", "key", ""}, nullptr);
    out.deny(saw());
    return {};
  };
  start();
  EXPECT_FALSE(head()->allowed());
  EXPECT_EQ(info_.principal.key_id, "k1");
}

TEST_F(ExchangeRunTest, APrincipalAfterTheHeadIsAnErrorOfTheStage) {
  add().request = [](std::span<const Segment>, StageOutput& out) -> Result<void> {
    out.identify({"k1", "", "", "key", ""}, nullptr);
    return {};
  };
  start();
  EXPECT_FALSE(request({"x"}).ok());
  EXPECT_FALSE(info_.principal.known());
}

// --- containment

TEST_F(ExchangeRunTest, ABlockedAddressIsRefusedBeforeAnyStage) {
  Script& script = add();
  start();
  ASSERT_TRUE(control_.block({SubjectKind::address, "192.0.2.7"}, "a private reason").ok());
  const auto decision = head();
  ASSERT_FALSE(decision->allowed());
  EXPECT_EQ(decision->reason().rule, rules::kAccessControlContained);
  EXPECT_EQ(decision->reason().message.find("private"), std::string::npos);
  EXPECT_EQ(run_->stage_of_denial(), "access.control");
  EXPECT_EQ(script.calls, 0);
}

TEST_F(ExchangeRunTest, ARevokedKeyIsRefusedBeforeTheStageAfterItWasKnown) {
  add().head = [](const RequestHead&, StageOutput& out) -> Result<void> {
    out.identify({"k1", "bot", "team", "key", ""}, nullptr);
    return {};
  };
  Script& later = add();
  start();
  ASSERT_TRUE(control_.revoke("k1", "leaked").ok());
  const auto decision = head();
  ASSERT_FALSE(decision->allowed());
  EXPECT_EQ(decision->reason().rule, rules::kAccessKeysRevoked);
  EXPECT_EQ(later.calls, 0);
}

TEST_F(ExchangeRunTest, ContainmentIsSeenInEveryCallOfARunningExchange) {
  const auto contained = [](const auto& decision) { return !decision.allowed(); };
  for (const int call : {0, 1, 2}) {
    run_.reset();
    info_.principal = {"k" + std::to_string(call), "bot", "team", "key", "192.0.2.7"};
    start();
    sent_.clear();
    ASSERT_TRUE(head()->allowed());
    if (call > 0) {
      ASSERT_TRUE(request({"x"})->allowed());
    }
    if (call > 1) {
      ASSERT_EQ(chunk("some")->released_to, 4U);
    }
    ASSERT_TRUE(control_.revoke(info_.principal.key_id, "").ok());
    if (call == 0) {
      EXPECT_TRUE(contained(*request({"x"})));
    } else if (call == 1) {
      EXPECT_TRUE(contained(*run_->on_answer_head({}, scratch_)));
    } else {
      const auto verdict = chunk("more");
      EXPECT_TRUE(contained(verdict->decision));
      EXPECT_EQ(verdict->released_to, 4U);
    }
  }
}

TEST_F(ExchangeRunTest, AQuarantinedModelIsRefusedOnceTheModelIsKnown) {
  start();
  ASSERT_TRUE(control_.quarantine("chat", "").ok());
  EXPECT_TRUE(head()->allowed());
  Model model;
  model.name = "chat";
  info_.model = &model;
  EXPECT_FALSE(request({"x"})->allowed());
}

TEST_F(ExchangeRunTest, ContainmentActsWhateverTheModeOfItsRule) {
  snapshot_.modes = RuleModes::all(Mode::off);
  start();
  ASSERT_TRUE(control_.block({SubjectKind::address, "192.0.2.7"}, "").ok());
  EXPECT_FALSE(head()->allowed());
}

TEST_F(ExchangeRunTest, WorksWithoutAControl) {
  add();
  ExchangeRun run(info_, nullptr);
  EXPECT_TRUE(run.on_head({}, scratch_)->allowed());
}

// --- edits of the request

TEST_F(ExchangeRunTest, EditsOfAllStagesAreMergedInTheOrderOfTheSegments) {
  add().request = redact_segment("/1", {2, 5}, "A");
  add().request = [](std::span<const Segment>, StageOutput& out) -> Result<void> {
    out.redact(saw(), {"/1", {4, 6}, "B"});
    out.redact(saw(), {"/0", {0, 1}, "C"});
    return {};
  };
  start();
  const auto decision = request({"first", "second"});
  EXPECT_EQ(decision->kind(), Decision::Kind::redact);
  EXPECT_EQ(decision->findings().size(), 3U);
  const std::vector<Edit> expected{{"/0", {0, 1}, "C"}, {"/1", {2, 6}, "A"}};
  EXPECT_TRUE(std::ranges::equal(run_->request_edits(), expected));
}

TEST_F(ExchangeRunTest, AnObservedEditIsRecordedAndNotMade) {
  mode(Mode::observe);
  add().request = redact_segment("/0", {0, 1}, "x");
  start();
  EXPECT_EQ(request({"text"})->kind(), Decision::Kind::allow);
  EXPECT_EQ(run_->findings().size(), 1U);
  EXPECT_TRUE(run_->request_edits().empty());
}

TEST_F(ExchangeRunTest, ADenialDropsTheEditsOfStagesBefore) {
  add().request = redact_segment("/0", {0, 1}, "x");
  add().request = [](std::span<const Segment>, StageOutput& out) -> Result<void> {
    out.deny(saw());
    return {};
  };
  start();
  EXPECT_FALSE(request({"text"})->allowed());
  EXPECT_TRUE(run_->request_edits().empty());
}

TEST_F(ExchangeRunTest, AnEditOutsideTheTextFailsClosed) {
  struct Case {
    std::string pointer;
    Span span;
  };
  for (const Case& bad : {Case{"/7", {0, 1}}, Case{"/0", {0, 6}}, Case{"/0", {3, 2}},
                          Case{"/0", {1, 5}}, Case{"/0", {0, 1}}}) {
    run_.reset();
    snapshot_.stages.clear();
    add().request = redact_segment(bad.pointer, bad.span, "x");
    start();
    // One letter of two bytes, then three of one.
    EXPECT_EQ(request({"éabc"}).ok(), false) << bad.pointer << " " << bad.span.begin;
  }
}

TEST_F(ExchangeRunTest, AnEditOfAHeadFailsClosed) {
  add().head = [](const RequestHead&, StageOutput& out) -> Result<void> {
    out.redact(saw(), {"/0", {0, 1}, "x"});
    return {};
  };
  start();
  EXPECT_FALSE(head().ok());
}

// --- streams

auto hold(std::uint64_t from) {
  return [from](const StreamSegment& segment, StageOutput& out) -> Result<void> {
    if (!segment.last) out.hold_from(from);
    return {};
  };
}

TEST_F(ExchangeRunTest, AChunkThatNobodyHoldsIsReleasedWhole) {
  add();
  start();
  EXPECT_EQ(chunk("hello ")->released_to, 6U);
  EXPECT_EQ(chunk("world", true)->released_to, 11U);
}

TEST_F(ExchangeRunTest, TheStrictestHoldOfTheEnforcingStagesCounts) {
  mode(Mode::observe, kOtherRule);
  add().chunk = hold(8);
  add().chunk = hold(3);
  add({kOtherRule}).chunk = hold(0);
  start();
  EXPECT_EQ(chunk("0123456789")->released_to, 3U);
  EXPECT_EQ(chunk("", true)->released_to, 10U);
}

TEST_F(ExchangeRunTest, AHoldIsOfTheStageThatSaidItOnly) {
  mode(Mode::observe, kOtherRule);
  add({kOtherRule}).chunk = hold(0);
  add();
  start();
  EXPECT_EQ(chunk("0123456789")->released_to, 10U);
}

TEST_F(ExchangeRunTest, AReleaseNeverGoesBack) {
  Script& script = add();
  start();
  EXPECT_EQ(chunk("0123456789")->released_to, 10U);
  script.chunk = hold(4);
  EXPECT_EQ(chunk("abc")->released_to, 10U);
}

TEST_F(ExchangeRunTest, HoldingBackAtTheEndOfAStreamFailsClosed) {
  add().chunk = [](const StreamSegment&, StageOutput& out) -> Result<void> {
    out.hold_from(2);
    return {};
  };
  start();
  EXPECT_FALSE(chunk("0123", true).ok());
}

TEST_F(ExchangeRunTest, AnObserverThatHoldsAtTheEndDelaysNothing) {
  mode(Mode::observe);
  add().chunk = [](const StreamSegment&, StageOutput& out) -> Result<void> {
    out.hold_from(2);
    return {};
  };
  start();
  EXPECT_EQ(chunk("0123")->released_to, 4U);
  EXPECT_EQ(chunk("45", true)->released_to, 6U);
  EXPECT_EQ(run_->stage_errors().size(), 1U);
}

TEST_F(ExchangeRunTest, StreamsAreHeldEachForItself) {
  add().chunk = [](const StreamSegment& segment, StageOutput& out) -> Result<void> {
    if (segment.key.choice == 1 && !segment.last) out.hold_from(1);
    return {};
  };
  start();
  EXPECT_EQ(chunk("0123", false, 0)->released_to, 4U);
  EXPECT_EQ(chunk("0123", false, 1)->released_to, 1U);
  EXPECT_EQ(chunk("45", false, 0)->released_to, 6U);
  EXPECT_EQ(chunk("45", true, 1)->released_to, 6U);
}

TEST_F(ExchangeRunTest, AnEditIsReportedOnceWithTheReleaseThatCoversIt) {
  Script& editor = add();
  editor.chunk = [](const StreamSegment&, StageOutput& out) -> Result<void> {
    out.redact(saw(), {"", {2, 5}, "*"});
    return {};
  };
  add().chunk = hold(4);
  start();
  const auto first = chunk("0123456789");
  EXPECT_EQ(first->decision.kind(), Decision::Kind::redact);
  EXPECT_EQ(first->released_to, 2U) << "an edit across the release point pulls it back";
  EXPECT_TRUE(first->edits.empty());
  editor.chunk = nullptr;
  const auto second = chunk("", true);
  EXPECT_EQ(second->decision.kind(), Decision::Kind::allow);
  EXPECT_EQ(second->released_to, 10U);
  EXPECT_EQ(second->edits, (std::vector<Edit>{{"", {2, 5}, "*"}}));
}

TEST_F(ExchangeRunTest, EditsOfSeveralChunksAndStagesAreMerged) {
  const auto script = [](Span early, Span late, std::string with) {
    return [=](const StreamSegment& segment, StageOutput& out) -> Result<void> {
      if (segment.offset == 0) out.hold_from(0);
      out.redact(saw(), {"", segment.offset == 0 ? early : late, with});
      return {};
    };
  };
  add().chunk = script({1, 3}, {8, 9}, "A");
  add().chunk = script({5, 6}, {2, 5}, "B");
  start();
  EXPECT_EQ(chunk("012345")->released_to, 0U);
  const auto verdict = chunk("6789");
  EXPECT_EQ(verdict->released_to, 10U);
  EXPECT_EQ(verdict->edits,
            (std::vector<Edit>{{"", {1, 5}, "A"}, {"", {5, 6}, "B"}, {"", {8, 9}, "A"}}));
}

TEST_F(ExchangeRunTest, AnInsertionGoesOutWithTheByteItStandsBeforeOrWithTheEnd) {
  Script& script = add();
  script.chunk = [](const StreamSegment& segment, StageOutput& out) -> Result<void> {
    const std::uint64_t end = segment.offset + segment.text.size();
    out.redact(saw(), {"", {end, end}, "+"});
    return {};
  };
  start();
  EXPECT_TRUE(chunk("abc")->edits.empty());
  const auto verdict = chunk("de", true);
  EXPECT_EQ(verdict->edits, (std::vector<Edit>{{"", {3, 3}, "+"}, {"", {5, 5}, "+"}}));
}

TEST_F(ExchangeRunTest, AnEditOfDeliveredBytesFailsClosed) {
  Script& script = add();
  start();
  ASSERT_EQ(chunk("0123")->released_to, 4U);
  script.chunk = [](const StreamSegment&, StageOutput& out) -> Result<void> {
    out.redact(saw(), {"", {3, 6}, "*"});
    return {};
  };
  EXPECT_FALSE(chunk("4567").ok());
  EXPECT_EQ(run_->stage_of_denial(), "stage.0");
}

TEST_F(ExchangeRunTest, AnEditOfBytesThatHaveNotComeFailsClosed) {
  add().chunk = [](const StreamSegment&, StageOutput& out) -> Result<void> {
    out.redact(saw(), {"", {3, 6}, "*"});
    return {};
  };
  start();
  EXPECT_FALSE(chunk("0123").ok());
}

TEST_F(ExchangeRunTest, ObservedEditsAndHoldsNeverTouchTheStream) {
  mode(Mode::observe);
  add().chunk = [](const StreamSegment&, StageOutput& out) -> Result<void> {
    out.hold_from(0);
    out.redact(saw(), {"", {900, 901}, "*"});
    return {};
  };
  start();
  const auto verdict = chunk("0123");
  EXPECT_EQ(verdict->released_to, 4U);
  EXPECT_TRUE(verdict->edits.empty());
  EXPECT_EQ(verdict->decision.findings().size(), 1U);
}

TEST_F(ExchangeRunTest, ADenialInAStreamReleasesNothingMore) {
  Script& script = add();
  start();
  ASSERT_EQ(chunk("0123")->released_to, 4U);
  script.chunk = [](const StreamSegment&, StageOutput& out) -> Result<void> {
    out.redact(saw(), {"", {4, 5}, "*"});
    out.deny(saw());
    return {};
  };
  const auto verdict = chunk("4567");
  EXPECT_FALSE(verdict->decision.allowed());
  EXPECT_EQ(verdict->released_to, 4U);
  EXPECT_TRUE(verdict->edits.empty());
}

TEST_F(ExchangeRunTest, AGapARepeatOrAPieceAfterTheEndStopsTheExchange) {
  for (const std::uint64_t offset : {std::uint64_t{3}, std::uint64_t{5}, std::uint64_t{0}}) {
    run_.reset();
    start();
    ASSERT_TRUE(run_->on_chunk({{}, 0, "0123", false}, scratch_).ok());
    EXPECT_FALSE(run_->on_chunk({{}, offset, "4", false}, scratch_).ok()) << offset;
    EXPECT_FALSE(run_->on_chunk({{}, 4, "4", false}, scratch_).ok()) << "stopped for good";
  }
  run_.reset();
  start();
  ASSERT_TRUE(run_->on_chunk({{}, 0, "0123", true}, scratch_).ok());
  EXPECT_FALSE(run_->on_chunk({{}, 4, "4", false}, scratch_).ok());
}

TEST_F(ExchangeRunTest, MoreStreamsThanTheBoundIsAnError) {
  start();
  for (std::uint32_t i = 0; i < kMaxStreams; ++i) ASSERT_TRUE(chunk("x", false, i).ok());
  const auto result = chunk("x", false, kMaxStreams);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().kind, ErrorKind::limit);
}

TEST_F(ExchangeRunTest, StreamsThatEndedTakeNoRoom) {
  start();
  ASSERT_TRUE(chunk("goes on ", false, 0).ok());
  for (std::uint32_t i = 1; i <= 2 * kMaxStreams; ++i) {
    const auto verdict = chunk("whole", true, i);
    ASSERT_TRUE(verdict.ok()) << i;
    EXPECT_EQ(verdict->released_to, 5U);
  }
  const auto verdict = chunk("and on", false, 0);
  ASSERT_TRUE(verdict.ok());
  EXPECT_EQ(verdict->released_to, 14U);
}

TEST_F(ExchangeRunTest, AKeyMayBeginANewStreamAfterTheEndOfTheOldOne) {
  Script& script = add();
  script.chunk = [](const StreamSegment& segment, StageOutput& out) -> Result<void> {
    out.redact(saw(), {"", {segment.offset, segment.offset + 1}, "-"});
    return {};
  };
  start();
  for (int i = 0; i < 3; ++i) {
    const auto verdict = run_->on_chunk({{}, 0, "xy", true}, scratch_);
    ASSERT_TRUE(verdict.ok());
    EXPECT_EQ(verdict->released_to, 2U);
    ASSERT_EQ(verdict->edits.size(), 1U);
    EXPECT_EQ(verdict->edits[0].span, (Span{0, 1}));
  }
}

// Any split of a text gives the same delivered text, as the gateway would put it together.
TEST_F(ExchangeRunTest, TheDeliveredTextDoesNotDependOnTheSplit) {
  const std::string text = "keep secret keep secre keep secret";
  const auto redact_secret = [](std::string& seen) {
    return [&seen](const StreamSegment& segment, StageOutput& out) -> Result<void> {
      seen += segment.text;
      constexpr std::string_view kWord = "secret";
      std::size_t from = seen.size() - segment.text.size();
      from -= std::min(from, kWord.size() - 1);
      for (std::size_t at = seen.find(kWord, from); at != std::string::npos;
           at = seen.find(kWord, at + 1)) {
        out.redact(saw(), {"", {at, at + kWord.size()}, "[x]"});
      }
      if (segment.last) return {};
      // The longest end of the text that could become the word.
      for (std::size_t n = std::min(seen.size(), kWord.size() - 1); n > 0; --n) {
        if (seen.ends_with(kWord.substr(0, n))) {
          out.hold_from(seen.size() - n);
          break;
        }
      }
      return {};
    };
  };
  for (std::size_t step = 1; step <= text.size(); ++step) {
    run_.reset();
    snapshot_.stages.clear();
    sent_.clear();
    std::string seen;
    add().chunk = redact_secret(seen);
    start();
    std::string delivered;
    std::uint64_t done = 0;
    for (std::size_t at = 0; at < text.size(); at += step) {
      const auto verdict = chunk(std::string_view(text).substr(at, step), at + step >= text.size());
      ASSERT_TRUE(verdict.ok());
      for (const Edit& edit : verdict->edits) {
        ASSERT_GE(edit.span.begin, done);
        delivered += text.substr(done, edit.span.begin - done) + edit.replacement;
        done = edit.span.end;
      }
      ASSERT_GE(verdict->released_to, done);
      delivered += text.substr(done, verdict->released_to - done);
      done = verdict->released_to;
    }
    EXPECT_EQ(delivered, "keep [x] keep secre keep [x]") << "pieces of " << step;
  }
}

// --- what the gateway asks

TEST_F(ExchangeRunTest, SaysWhoseTextMustBeRead) {
  Script& script = add();
  script.reads_request = true;
  script.reads_answer = true;
  start();
  EXPECT_TRUE(run_->must_examine_request());
  EXPECT_TRUE(run_->must_examine_answer());
  EXPECT_TRUE(run_->wants_answer_text());
  run_.reset();
  mode(Mode::observe);
  start();
  EXPECT_FALSE(run_->must_examine_request());
  EXPECT_FALSE(run_->must_examine_answer());
  EXPECT_TRUE(run_->wants_answer_text());
}

TEST_F(ExchangeRunTest, LargeWorkBelongsInThePool) {
  add().per_byte = std::chrono::nanoseconds(15);
  add().per_byte = std::chrono::nanoseconds(5);
  start();
  EXPECT_EQ(run_->placement(10'000), Placement::loop);
  EXPECT_EQ(run_->placement(10'001), Placement::pool);
}

TEST_F(ExchangeRunTest, MayMoveBetweenThreads) {
  Script& script = add();
  script.request = redact_segment("/0", {0, 1}, "x");
  start();
  ASSERT_TRUE(head().ok());
  std::thread([&] { EXPECT_TRUE(request({"abc"}).ok()); }).join();
  EXPECT_EQ(run_->request_edits().size(), 1U);
}

}  // namespace
}  // namespace davy
