// Stages: one control of the pipeline each (keys, sanitise, output rules).
//
// A Stage is compiled from one configuration snapshot, immutable and thread-safe. It
// reads the original text and reports findings and edits; only the runner
// (core/exchange_run.h) merges edits, honours modes, decides and writes.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "core/experiment.h"
#include "core/finding.h"
#include "core/model.h"
#include "core/principal.h"
#include "core/scratch.h"
#include "core/segment.h"
#include "core/signals.h"

namespace davy {

struct Snapshot;

struct HeaderField {
  std::string_view name;
  std::string_view value;
};

// Views into the connection's buffer: valid during the call only.
struct RequestHead {
  std::string_view method;
  std::string_view path;   // without query
  std::string_view query;  // without '?'
  std::span<const HeaderField> fields;

  // The first field of that name, ignoring case; empty if there is none.
  [[nodiscard]] std::string_view field(std::string_view name) const noexcept;
};

struct AnswerHead {
  int status = 0;
  bool stream = false;  // server-sent events
  std::span<const HeaderField> fields;
};

// What is known of an exchange. It outlives the run; fields fill in as the pipeline goes.
struct ExchangeInfo {
  std::string request_id;
  Now started;
  std::string client_ip;
  const Snapshot* snapshot = nullptr;
  Principal principal;                     // after the access stages' on_head
  const Experiment* experiment = nullptr;  // likewise
  const Model* model = nullptr;            // before on_request
  // The caller asked for a stream (before on_request), or the answer is one (before
  // on_answer_head).
  bool stream = false;
  Signals signals;
};

// How an exchange ended, for the stages.
struct Outcome {
  enum class End : std::uint8_t { answered, denied, failed, client_gone, upstream_gone };
  End end = End::failed;
  int status = 0;
  std::uint64_t tokens_in = 0;  // as the upstream counted them; 0 = unknown
  std::uint64_t tokens_out = 0;
  Now at;
};

// What a stage says in one call. The effect is a proposal: the rule's mode decides
// whether it happens (enforce) or is only recorded (observe).
class StageOutput {
 public:
  // Worth recording; never changes the exchange.
  void note(Finding finding) { add(Effect::note, std::move(finding)); }
  // The exchange should not go on.
  void deny(Finding finding) { add(Effect::deny, std::move(finding)); }
  // The text should be replaced. In on_chunk the edit's span is in offsets of the stream.
  void redact(Finding finding, Edit edit);
  // Says who calls. Only in on_head; the first stage that knows wins.
  void identify(Principal principal, const Experiment* experiment);

  // Only in on_chunk: bytes of this stream from `offset` on are not judged yet, and
  // must not be delivered before they are. Without this call all is released.
  void hold_from(std::uint64_t offset) noexcept { hold_from_ = offset; }

 private:
  friend class ExchangeRun;
  enum class Effect : std::uint8_t { note, redact, deny };
  static constexpr std::uint64_t kNoHold = ~std::uint64_t{0};
  struct Item {
    Effect effect;
    Finding finding;
    Edit edit;
  };
  void add(Effect effect, Finding finding) { items_.push_back({effect, std::move(finding), {}}); }

  std::vector<Item> items_;
  std::uint64_t hold_from_ = kNoHold;
  bool identified_ = false;
  Principal principal_;
  const Experiment* experiment_ = nullptr;
};

// One stage's part in one exchange. Calls come in the order below, never two at once,
// but perhaps on different threads. A call that returns an error, or throws, counts as
// the stage failing: see exchange_run.h.
class StageRun {
 public:
  virtual ~StageRun() = default;

  virtual Result<void> on_head(const RequestHead&, StageOutput&, Scratch&) { return {}; }
  virtual Result<void> on_request(std::span<const Segment>, StageOutput&, Scratch&) { return {}; }
  virtual Result<void> on_answer_head(const AnswerHead&, StageOutput&, Scratch&) { return {}; }
  virtual Result<void> on_chunk(const StreamSegment&, StageOutput&, Scratch&) { return {}; }

  // Exactly once, last, however the exchange ended.
  virtual void finish(const Outcome&) noexcept {}
};

class Stage {
 public:
  virtual ~Stage() = default;

  // The folder that owns it, "guardrails.sanitize"; events name it in stage_of_denial.
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  // Every rule that it can report. If all are off, the stage is not begun.
  [[nodiscard]] virtual std::span<const RuleId> rules() const noexcept = 0;
  // Whether its verdict depends on the text of the request: bytes that no such stage
  // could read are "not examined".
  [[nodiscard]] virtual bool reads_request_text() const noexcept { return false; }
  [[nodiscard]] virtual bool reads_answer_text() const noexcept { return false; }
  // What on_request or on_chunk costs for that many bytes, roughly; the runner sends
  // work above kLoopBudget to the worker pool.
  [[nodiscard]] virtual std::chrono::nanoseconds cost(std::size_t bytes) const noexcept {
    return std::chrono::nanoseconds(bytes);
  }
  // May return null: nothing to do in this exchange.
  [[nodiscard]] virtual std::unique_ptr<StageRun> begin(const ExchangeInfo& info) const = 0;
};

}  // namespace davy
