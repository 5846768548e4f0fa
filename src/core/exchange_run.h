// The runner: takes one exchange through the stages of its snapshot.
//
// - Modes: a rule that is off is dropped; observe is recorded; enforce acts.
// - Order: stages in the order of the pipeline; the first enforced denial ends the call
//   and later stages do not see it.
// - Fails closed: an error (or exception) of a stage of which a rule is enforced comes
//   back as an Error, and the caller must refuse the exchange with 503. An observing
//   stage that fails is left out of the rest of the exchange, which goes on. Both are in
//   `stage_errors()`. What a stage said in the call that failed is recorded, not done.
// - What stopped an exchange stops it for good: every later call gives the same denial
//   or error, and no stage sees it.
// - Edits that point outside the text or at bytes already delivered, a hold past the
//   end of a stream and a principal after on_head are errors of the stage. Pieces of a
//   stream that leave a gap are an error of the caller and end the exchange.
// - finish reaches every begun stage exactly once, also if nobody calls it: the
//   destructor does, as `failed`.
// - Containment (core/control.h) is looked at in every call, also per chunk. It is a
//   person's order, so it acts whatever the mode of its rule.
//
// Belongs to one exchange. Not thread-safe, but may move between threads; each call
// takes the Scratch of the thread it runs on.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/control.h"
#include "core/decision.h"
#include "core/snapshot.h"
#include "core/stage.h"

namespace davy {

// DESIGN section 4: detection on the loop up to about 200 µs, larger work in a pool.
inline constexpr std::chrono::nanoseconds kLoopBudget = std::chrono::microseconds(200);

// Streams of one answer that have not ended; more is an error of kind limit. Enough for
// 128 choices with text and 31 tool calls each.
inline constexpr std::size_t kMaxStreams = 4096;

enum class Placement : std::uint8_t { loop, pool };

// What may be delivered of one stream after a chunk.
struct ChunkVerdict {
  Decision decision;
  // Bytes of the stream before this offset may go out, with `edits` applied.
  std::uint64_t released_to = 0;
  // Disjoint, ordered; offsets of the stream. Each lies whole before `released_to`
  // and after the `released_to` of the call before, and is reported once.
  std::vector<Edit> edits;
};

struct StageError {
  std::string_view stage;
  Error error;
};

class ExchangeRun {
 public:
  // `info` and its snapshot, which must be set, must outlive the run. `control` may be null.
  ExchangeRun(ExchangeInfo& info, const Control* control);
  ~ExchangeRun();
  ExchangeRun(const ExchangeRun&) = delete;
  ExchangeRun& operator=(const ExchangeRun&) = delete;

  [[nodiscard]] Result<Decision> on_head(const RequestHead& head, Scratch& scratch);
  [[nodiscard]] Result<Decision> on_request(std::span<const Segment> segments, Scratch& scratch);
  // Of the request, after on_request: merged, ordered by segment and place.
  [[nodiscard]] std::span<const Edit> request_edits() const noexcept { return request_edits_; }
  [[nodiscard]] Result<Decision> on_answer_head(const AnswerHead& head, Scratch& scratch);
  [[nodiscard]] Result<ChunkVerdict> on_chunk(const StreamSegment& segment, Scratch& scratch);
  // Only the live look at containment, for bytes that pass and no stage reads.
  [[nodiscard]] Result<Decision> check_control();
  void finish(const Outcome& outcome) noexcept;

  // Where a call over that many bytes of text belongs.
  [[nodiscard]] Placement placement(std::size_t bytes) const noexcept;
  // Whether an enforced rule reads text of the request (or answer), so that bytes which
  // cannot be read may not pass unseen.
  [[nodiscard]] bool must_examine_request() const noexcept;
  [[nodiscard]] bool must_examine_answer() const noexcept;
  // Whether any stage, observing ones included, reads the text of the request (answer).
  [[nodiscard]] bool wants_request_text() const noexcept;
  [[nodiscard]] bool wants_answer_text() const noexcept;

  // All findings so far, of observing rules too, in order.
  [[nodiscard]] const std::vector<Finding>& findings() const noexcept { return findings_; }
  // The stage that denied or failed closed; empty if none did. "access.control" for
  // containment.
  [[nodiscard]] std::string_view stage_of_denial() const noexcept { return stage_of_denial_; }
  [[nodiscard]] const std::vector<StageError>& stage_errors() const noexcept { return errors_; }

 private:
  struct Part {
    const Stage* stage = nullptr;
    bool enforcing = false;
    bool failed = false;
    std::unique_ptr<StageRun> run;
  };
  struct Stream {
    StreamKey key;
    std::uint64_t seen = 0;      // bytes that the stages saw
    std::uint64_t released = 0;  // bytes that may have been delivered
    std::vector<Edit> edits;     // merged, not yet released
  };
  using Stop = Result<Decision>;

  void begin(const Stage& stage);
  [[nodiscard]] bool acts(const StageOutput::Item& item) const noexcept;
  // `call(run, out)` asks one stage, `check(part, out)` judges what it said; an error of
  // either is the stage's. Errors of observing stages do not end the walk.
  template <class Call, class Check>
  [[nodiscard]] Result<Decision> over_stages(bool may_identify, Call&& call, Check&& check);
  void identify(StageOutput& out);
  [[nodiscard]] Result<void> no_edits(const Part& part, const StageOutput& out) const;
  // Takes over what a stage said. The finding that denies, if one is enforced.
  [[nodiscard]] std::optional<std::size_t> absorb(StageOutput& out, bool only_record,
                                                  std::size_t& enforced_edits);
  // Sets stopped_ if somebody stands against this exchange.
  [[nodiscard]] bool contained();
  [[nodiscard]] bool fails_closed(Part& part, Error error);
  [[nodiscard]] Result<Stream*> accept(const StreamSegment& segment);
  [[nodiscard]] Stream* find(const StreamKey& key) noexcept;
  void forget(Stream& stream) noexcept;

  ExchangeInfo& info_;
  const Control* control_;
  std::vector<Part> parts_;
  std::vector<Finding> findings_;
  std::vector<StageError> errors_;
  std::vector<Edit> request_edits_;
  std::vector<Stream> streams_;
  std::string_view stage_of_denial_;
  std::string_view side_ =
      "request";                 // of the exchange; where a finding is if its stage says nothing
  std::optional<Stop> stopped_;  // what every further call gives
  bool finished_ = false;
};

}  // namespace davy
