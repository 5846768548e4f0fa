#include "core/exchange_run.h"

#include <algorithm>
#include <exception>
#include <iterator>
#include <typeinfo>
#include <utility>

#include "core/request_edits.h"
#include "generated/rules.h"

namespace davy {
namespace {

constexpr std::string_view kControlName = "access.control";

// Only the exception's type: its text may hold what a caller sent.
Error thrown(std::string_view stage, const std::exception* exception) {
  std::string message(stage);
  message += " threw ";
  message += exception != nullptr ? typeid(*exception).name() : "an unknown exception";
  return internal_error(std::move(message));
}

template <class Call>
Result<void> guarded(std::string_view stage, Call&& call) {
  try {
    return call();
  } catch (const std::exception& exception) {
    return thrown(stage, &exception);
  } catch (...) {
    return thrown(stage, nullptr);
  }
}

Error misplaced(const Stage& stage, std::string_view what) {
  return internal_error(std::string(stage.name()) + ": " + std::string(what));
}

Finding finding_of(const Containment& containment) {
  const bool revoked = containment.kind == Containment::Kind::revoked;
  const RuleId rule = revoked ? rules::kAccessKeysRevoked : rules::kAccessControlContained;
  // Without the operator's reason: it may say what the caller should not learn.
  std::string message = "the ";
  message += name(containment.subject.kind);
  message += " was ";
  message += name(containment.kind);
  return make_finding(rule, std::move(message));
}

}  // namespace

ExchangeRun::ExchangeRun(ExchangeInfo& info, const Control* control)
    : info_(info), control_(control) {
  if (info_.principal.client_ip.empty()) info_.principal.client_ip = info_.client_ip;
  if (info_.snapshot == nullptr) {
    stopped_ = internal_error("an exchange has no configuration snapshot");
    return;
  }
  parts_.reserve(info_.snapshot->stages.size());
  for (const auto& stage : info_.snapshot->stages) {
    begin(*stage);
    if (stopped_) return;
  }
}

ExchangeRun::~ExchangeRun() {
  Outcome outcome;
  outcome.at = info_.started;
  finish(outcome);
}

void ExchangeRun::begin(const Stage& stage) {
  Mode strictest = Mode::off;
  for (const RuleId rule : stage.rules()) {
    strictest = std::max(strictest, info_.snapshot->modes.mode(rule));
  }
  if (strictest == Mode::off) return;
  Part part;
  part.stage = &stage;
  part.enforcing = strictest == Mode::enforce;
  auto begun = guarded(stage.name(), [&]() -> Result<void> {
    part.run = stage.begin(info_);
    return {};
  });
  if (!begun) {
    if (fails_closed(part, std::move(begun).error())) return;
  } else if (part.run != nullptr) {
    parts_.push_back(std::move(part));
  }
}

bool ExchangeRun::fails_closed(Part& part, Error error) {
  part.failed = true;
  errors_.push_back({part.stage->name(), error});
  if (!part.enforcing) return false;
  stage_of_denial_ = part.stage->name();
  stopped_ = std::move(error);
  return true;
}

bool ExchangeRun::contained() {
  if (control_ == nullptr) return false;
  const std::string_view model =
      info_.model != nullptr ? std::string_view(info_.model->name) : std::string_view{};
  const auto containment = control_->standing(info_.principal, model);
  if (!containment) return false;
  findings_.push_back(finding_of(*containment));
  findings_.back().location.file = side_;
  stage_of_denial_ = kControlName;
  stopped_ = Decision::deny(findings_.back());
  return true;
}

bool ExchangeRun::acts(const StageOutput::Item& item) const noexcept {
  return item.effect != StageOutput::Effect::note &&
         info_.snapshot->modes.mode(item.finding.rule) == Mode::enforce;
}

void ExchangeRun::identify(StageOutput& out) {
  if (info_.principal.known()) return;
  std::string client_ip = std::move(info_.principal.client_ip);
  info_.principal = std::move(out.principal_);
  info_.principal.client_ip = std::move(client_ip);
  info_.experiment = out.experiment_;
}

std::optional<std::size_t> ExchangeRun::absorb(StageOutput& out, bool only_record,
                                               std::size_t& enforced_edits) {
  std::optional<std::size_t> denial;
  for (StageOutput::Item& item : out.items_) {
    if (info_.snapshot->modes.mode(item.finding.rule) == Mode::off) continue;
    if (!only_record && acts(item)) {
      if (item.effect == StageOutput::Effect::redact) ++enforced_edits;
      if (item.effect == StageOutput::Effect::deny && !denial) denial = findings_.size();
    }
    if (item.finding.location.file.empty()) item.finding.location.file = side_;
    findings_.push_back(std::move(item.finding));
  }
  return denial;
}

template <class Call, class Check>
Result<Decision> ExchangeRun::over_stages(bool may_identify, Call&& call, Check&& check) {
  if (contained()) return *stopped_;
  const std::size_t first = findings_.size();
  std::size_t enforced_edits = 0;
  StageOutput out;  // one for all: most stages say nothing
  for (Part& part : parts_) {
    if (part.failed) continue;
    out.items_.clear();
    out.hold_from_ = StageOutput::kNoHold;
    out.identified_ = false;
    auto said = guarded(part.stage->name(), [&] { return call(*part.run, out); });
    if (said && out.identified_ && !may_identify) {
      said = misplaced(*part.stage, "named a principal after the head");
    }
    if (said) said = check(part, out);
    const auto denial = absorb(out, !said.ok(), enforced_edits);
    if (!said) {
      if (fails_closed(part, std::move(said).error())) return *stopped_;
      continue;
    }
    if (out.identified_) identify(out);
    if (denial) {
      Finding reason = findings_[*denial];
      std::vector<Finding> others;
      for (std::size_t i = first; i < findings_.size(); ++i) {
        if (i != *denial) others.push_back(findings_[i]);
      }
      stage_of_denial_ = part.stage->name();
      stopped_ = Decision::deny(std::move(reason), std::move(others));
      return *stopped_;
    }
    // Before the next stage: a contained caller must not use up anybody's limits.
    if (out.identified_ && contained()) return *stopped_;
  }
  std::vector<Finding> found(findings_.begin() + static_cast<std::ptrdiff_t>(first),
                             findings_.end());
  if (enforced_edits > 0) return Decision::redact(std::move(found));
  return Decision::allow(std::move(found));
}

Result<void> ExchangeRun::no_edits(const Part& part, const StageOutput& out) const {
  for (const auto& item : out.items_) {
    if (item.effect == StageOutput::Effect::redact && acts(item)) {
      return misplaced(*part.stage, "has an edit, but a head has no text to edit");
    }
  }
  return {};
}

Result<Decision> ExchangeRun::on_head(const RequestHead& head, Scratch& scratch) {
  if (stopped_) return *stopped_;
  return over_stages(
      true, [&](StageRun& run, StageOutput& out) { return run.on_head(head, out, scratch); },
      [this](const Part& part, const StageOutput& out) { return no_edits(part, out); });
}

Result<Decision> ExchangeRun::on_request(std::span<const Segment> segments, Scratch& scratch) {
  request_edits_.clear();
  if (stopped_) return *stopped_;
  RequestEdits edits(segments);
  auto decision = over_stages(
      false,
      [&](StageRun& run, StageOutput& out) { return run.on_request(segments, out, scratch); },
      [&](const Part& part, StageOutput& out) -> Result<void> {
        for (auto& item : out.items_) {
          if (item.effect != StageOutput::Effect::redact || !acts(item)) continue;
          if (!edits.add(std::move(item.edit))) {
            return misplaced(*part.stage, "edits what is no text of the request");
          }
        }
        return {};
      });
  if (!stopped_) request_edits_ = std::move(edits).merged();
  return decision;
}

Result<Decision> ExchangeRun::on_answer_head(const AnswerHead& head, Scratch& scratch) {
  side_ = "answer";
  if (stopped_) return *stopped_;
  return over_stages(
      false,
      [&](StageRun& run, StageOutput& out) { return run.on_answer_head(head, out, scratch); },
      [this](const Part& part, const StageOutput& out) { return no_edits(part, out); });
}

Result<Decision> ExchangeRun::check_control() {
  if (stopped_ || contained()) return *stopped_;
  return Decision::allow();
}

ExchangeRun::Stream* ExchangeRun::find(const StreamKey& key) noexcept {
  // The last is the likeliest: streams come one after another.
  for (auto stream = streams_.rbegin(); stream != streams_.rend(); ++stream) {
    if (stream->key == key) return &*stream;
  }
  return nullptr;
}

void ExchangeRun::forget(Stream& stream) noexcept {
  if (&stream != &streams_.back()) stream = std::move(streams_.back());
  streams_.pop_back();
}

Result<ExchangeRun::Stream*> ExchangeRun::accept(const StreamSegment& segment) {
  Stream* stream = find(segment.key);
  if (stream == nullptr) {
    if (streams_.size() >= kMaxStreams) {
      return limit_reached("the answer has more than 4096 streams");
    }
    streams_.push_back({segment.key, 0, 0, {}});
    stream = &streams_.back();
  }
  if (segment.offset != stream->seen) {
    return internal_error("a stream of the answer has a gap");
  }
  return stream;
}

Result<ChunkVerdict> ExchangeRun::on_chunk(const StreamSegment& segment, Scratch& scratch) {
  const auto stop = [&]() -> Result<ChunkVerdict> {
    if (!stopped_->ok()) return stopped_->error();
    const Stream* known = find(segment.key);
    return ChunkVerdict{stopped_->value(), known == nullptr ? 0 : known->released, {}};
  };
  side_ = "answer";
  if (stopped_) return stop();
  auto accepted = accept(segment);
  if (!accepted) {
    stopped_ = std::move(accepted).error();
    return stop();
  }
  Stream& stream = *accepted.value();
  const std::uint64_t end = segment.offset + segment.text.size();
  std::uint64_t released_to = end;
  std::vector<Edit> edits;
  auto decision = over_stages(
      false, [&](StageRun& run, StageOutput& out) { return run.on_chunk(segment, out, scratch); },
      [&](const Part& part, StageOutput& out) -> Result<void> {
        if (segment.last && out.hold_from_ < end) {
          return misplaced(*part.stage, "holds text back at the end of a stream");
        }
        if (part.enforcing) released_to = std::min(released_to, out.hold_from_);
        for (auto& item : out.items_) {
          if (item.effect != StageOutput::Effect::redact || !acts(item)) continue;
          const Span span = item.edit.span;
          if (span.begin > span.end || span.end > end) {
            return misplaced(*part.stage, "edits bytes of the answer that have not come");
          }
          if (span.begin < stream.released) {
            return misplaced(*part.stage, "edits bytes of the answer that were delivered");
          }
          edits.push_back(std::move(item.edit));
        }
        return {};
      });
  if (stopped_) return stop();
  stream.seen = end;
  if (!edits.empty()) {
    std::move(edits.begin(), edits.end(), std::back_inserter(stream.edits));
    stream.edits = merge_edits(std::move(stream.edits));
  }

  released_to = std::max(released_to, stream.released);
  auto ready = stream.edits.begin();
  for (; ready != stream.edits.end(); ++ready) {
    // An insertion waits for the byte it stands before, unless none comes: what is found
    // next may begin at the same place.
    if (ready->span.end <= released_to &&
        (segment.last || !ready->span.empty() || ready->span.end < released_to)) {
      continue;
    }
    released_to = std::min<std::uint64_t>(released_to, ready->span.begin);
    break;
  }
  stream.released = released_to;
  ChunkVerdict verdict{std::move(decision).value(), released_to, {}};
  if (ready != stream.edits.begin()) {
    verdict.edits.assign(std::move_iterator(stream.edits.begin()), std::move_iterator(ready));
    stream.edits.erase(stream.edits.begin(), ready);
  }
  if (segment.last) forget(stream);
  return verdict;
}

void ExchangeRun::finish(const Outcome& outcome) noexcept {
  if (finished_) return;
  finished_ = true;
  for (Part& part : parts_) part.run->finish(outcome);
  if (!stopped_) stopped_ = internal_error("the exchange has ended");
}

Placement ExchangeRun::placement(std::size_t bytes) const noexcept {
  std::chrono::nanoseconds sum{0};
  for (const Part& part : parts_) {
    if (part.failed) continue;
    const auto cost = part.stage->cost(bytes);
    if (cost > kLoopBudget - sum) return Placement::pool;
    sum += cost;
  }
  return Placement::loop;
}

bool ExchangeRun::must_examine_request() const noexcept {
  return std::any_of(parts_.begin(), parts_.end(), [](const Part& part) {
    return part.enforcing && part.stage->reads_request_text();
  });
}

bool ExchangeRun::must_examine_answer() const noexcept {
  return std::any_of(parts_.begin(), parts_.end(), [](const Part& part) {
    return part.enforcing && part.stage->reads_answer_text();
  });
}

bool ExchangeRun::wants_request_text() const noexcept {
  return std::any_of(parts_.begin(), parts_.end(), [](const Part& part) {
    return !part.failed && part.stage->reads_request_text();
  });
}

bool ExchangeRun::wants_answer_text() const noexcept {
  return std::any_of(parts_.begin(), parts_.end(), [](const Part& part) {
    return !part.failed && part.stage->reads_answer_text();
  });
}

}  // namespace davy
