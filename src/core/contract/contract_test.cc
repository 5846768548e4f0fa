// Proves the contract suites: each runs against a small implementation that keeps it,
// and broken implementations are caught.
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "core/contract/admin_route_contract.h"
#include "core/contract/command_contract.h"
#include "core/contract/config_section_contract.h"
#include "core/contract/control_contract.h"
#include "core/contract/event_sink_contract.h"
#include "core/contract/memory.h"
#include "core/contract/metrics_contract.h"
#include "core/contract/model_call_contract.h"
#include "core/contract/order_handler_contract.h"
#include "core/contract/redactor_contract.h"
#include "core/contract/scanner_contract.h"
#include "core/contract/snapshot_source_contract.h"
#include "core/contract/stage_contract.h"
#include "core/contract/state_store_contract.h"
#include "core/live_control.h"
#include "generated/rules.h"

namespace davy {
namespace {

constexpr std::string_view kSecret = "geheim";

template <class T>
auto maker() {
  return [] { return std::make_unique<T>(); };
}

// --- small implementations

template <class Events>
class EventsInMemory final : public EventStore {
 public:
  EventSink& sink() override { return events_; }
  const EventReader& reader() override { return events_; }

 private:
  Events events_;
};

class WordRedactor : public Redactor {
 public:
  Result<std::string> redact(std::string_view text, Scratch&) const override {
    std::string out(text);
    for (std::size_t at = out.find(kSecret); at != std::string::npos; at = out.find(kSecret, at)) {
      out.replace(at, kSecret.size(), "[x]");
    }
    return out;
  }
};

// Denies the word in a request, redacts it in an answer. Breaks as it is told to.
enum class Fault { none, no_hold, strange_rule, hold_at_end };

class WordStage final : public Stage {
 public:
  explicit WordStage(Fault fault) : fault_(fault) {}
  std::string_view name() const noexcept override { return "test.word"; }
  std::span<const RuleId> rules() const noexcept override { return kRules; }
  std::unique_ptr<StageRun> begin(const ExchangeInfo&) const override {
    return std::make_unique<Run>(fault_);
  }

 private:
  static constexpr std::array<RuleId, 1> kRules{rules::kGuardrailsSanitizePhrase};

  class Run final : public StageRun {
   public:
    explicit Run(Fault fault) : fault_(fault) {}
    Result<void> on_request(std::span<const Segment> segments, StageOutput& out,
                            Scratch&) override {
      for (const Segment& segment : segments) {
        const std::size_t at = segment.text.find(kSecret);
        if (at == std::string_view::npos) continue;
        const RuleId rule = fault_ == Fault::strange_rule ? rules::kAccessKeysModel
                                                          : rules::kGuardrailsSanitizePhrase;
        out.redact(make_finding(rule, "the word"),
                   {std::string(segment.pointer), {at, at + kSecret.size()}, "[x]"});
      }
      return {};
    }
    Result<void> on_chunk(const StreamSegment& segment, StageOutput& out, Scratch&) override {
      text_ += segment.text;
      for (std::size_t at = text_.find(kSecret, next_); at != std::string::npos;
           at = text_.find(kSecret, next_)) {
        next_ = at + kSecret.size();
        out.redact(make_finding(rules::kGuardrailsSanitizePhrase, "the word"),
                   {"", {at, next_}, "[x]"});
      }
      const std::size_t keep = std::min(kSecret.size() - 1, text_.size() - next_);
      if (fault_ == Fault::hold_at_end || (fault_ != Fault::no_hold && !segment.last)) {
        out.hold_from(text_.size() - keep);
      }
      return {};
    }

   private:
    Fault fault_;
    std::string text_;
    std::size_t next_ = 0;
  };

  Fault fault_;
};

StageUnderTest word_stage(Fault fault) {
  return {[fault] { return std::make_unique<WordStage>(fault); },
          {"keep " + std::string(kSecret) + " and geh", std::string(kSecret)}};
}

class WordScanner : public Scanner {
 public:
  std::string_view name() const noexcept override { return "word"; }
  std::string_view summary() const noexcept override { return "Finds one word."; }
  bool claims(std::string_view kind) const noexcept override { return kind == "file"; }
  Result<void> scan(const Artifact& artifact, Sink& sink, Scratch&) const override {
    std::string text(artifact.bytes);
    if (artifact.fd >= 0) {
      text.resize(artifact.size);
      if (pread(artifact.fd, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
        return unavailable("the file cannot be read");
      }
    }
    const std::size_t at = text.find(kSecret);
    if (at != std::string::npos) {
      Location location;
      location.file = artifact.name;
      location.span = {at, at + kSecret.size()};
      sink.finding(make_finding(rules::kGuardrailsSanitizePhrase, "the word", location));
    }
    sink.examined(text.size());
    return {};
  }
};

// Says "examined" whatever happened, as scanners that swallow errors do.
class BlindScanner final : public WordScanner {
  Result<void> scan(const Artifact& artifact, Sink& sink, Scratch& scratch) const override {
    if (!WordScanner::scan(artifact, sink, scratch).ok()) sink.examined(artifact.size);
    return {};
  }
};

ScannerUnderTest scanner(std::function<std::unique_ptr<const Scanner>()> make) {
  return {std::move(make), {{"file", "a geheim b"}, {"file", "clean"}}};
}

class HealthRoute final : public AdminRoute {
 public:
  std::string_view method() const noexcept override { return "GET"; }
  std::string_view path() const noexcept override { return "/healthz"; }
  AdminResponse handle(const AdminRequest&) override {
    AdminResponse response;
    response.body = "ok\n";
    return response;
  }
};

class LengthModel final : public ModelCall {
 public:
  Result<ModelOpinion> judge(const ModelQuestion& question) override {
    if (question.segments.empty()) return invalid_input("there is nothing to judge");
    return ModelOpinion{question.segments.front().text.size() > 3 ? 1.0 : 0.0, "length 1"};
  }
};

class NoteHandler final : public OrderHandler {
 public:
  std::vector<std::string_view> verbs() const override { return {"note.add", "note.remove"}; }
  Result<std::string> carry_out(const OrderRequest& request, StateStore& store, Now now) override {
    if (request.verb != "note.add" && request.verb != "note.remove") {
      return invalid_input("this verb is not known");
    }
    boost::json::error_code ec;
    const boost::json::value arguments = boost::json::parse(request.arguments, ec);
    if (ec || !arguments.is_object()) return invalid_input("the arguments are no JSON object");
    const Order order{0, now.wall, request.actor, request.verb, "note"};
    DAVY_TRY(store.apply(order, {}));
    return std::string("{}");
  }
};

class EchoCommand final : public Command {
 public:
  std::string_view path() const noexcept override { return "echo words"; }
  std::string_view summary() const noexcept override { return "Says what it was told."; }
  void define(CLI::App&) override {}
  int run(CommandContext&) override { return kExitClean; }
};

class SizeSection final : public ConfigSection {
 public:
  struct Value final : ConfigValue {
    std::uint64_t size = 0;
  };
  std::string_view path() const noexcept override { return "test.size"; }
  std::unique_ptr<const ConfigValue> read(ConfigMap& map) const override {
    auto value = std::make_unique<Value>();
    value->size = map.integer("size", 1, 9).value_or(4);
    return value;
  }
};

// Knows one key, `home: …`, a line each; `#` begins a comment.
class LineSource final : public SnapshotSource {
 public:
  std::unique_ptr<const LoadedConfig> load(const std::string& path,
                                           Diagnostics& diagnostics) override {
    auto text = read_file(path, 1 << 20);
    if (!text) {
      diagnostics.error(text.error());
      return nullptr;
    }
    auto loaded = std::make_unique<LoadedConfig>();
    std::uint32_t number = 0;
    for (const std::string_view line : split(*text, '\n')) {
      ++number;
      if (line.empty() || line.starts_with('#')) continue;
      if (!line.starts_with("home: ")) {
        diagnostics.error("unknown", Place{path, number, 1});
      } else {
        loaded->settings.home = line.substr(6);
      }
    }
    loaded->digest_input = std::move(text).value();
    if (!diagnostics.ok()) return nullptr;
    return loaded;
  }
  std::shared_ptr<const Snapshot> build(const std::string& path,
                                        Diagnostics& diagnostics) override {
    const auto loaded = load(path, diagnostics);
    if (loaded == nullptr) return nullptr;
    auto snapshot = std::make_shared<Snapshot>();
    snapshot->policy_digest = std::string(56, '0') + to_hex(digest(loaded->digest_input));
    return snapshot;
  }

 private:
  static std::string digest(const std::string& text) {
    const auto hash = static_cast<std::uint32_t>(std::hash<std::string>{}(text));
    std::string bytes;
    for (const unsigned shift : {24U, 16U, 8U, 0U}) bytes += static_cast<char>(hash >> shift);
    return bytes;
  }
};

// --- each suite runs

INSTANTIATE_TEST_SUITE_P(Live, ControlContract, ::testing::Values(maker<LiveControl>()));
INSTANTIATE_TEST_SUITE_P(Memory, StateStoreContract,
                         ::testing::Values(maker<contract::MemoryStateStore>()));
INSTANTIATE_TEST_SUITE_P(Memory, EventSinkContract,
                         ::testing::Values(maker<EventsInMemory<contract::MemoryEvents>>()));
INSTANTIATE_TEST_SUITE_P(Memory, MetricsContract,
                         ::testing::Values(maker<contract::MemoryMetrics>()));
INSTANTIATE_TEST_SUITE_P(Word, RedactorContract,
                         ::testing::Values(RedactorUnderTest{maker<WordRedactor>(),
                                                             {std::string(kSecret)}}));
INSTANTIATE_TEST_SUITE_P(Word, StageContract, ::testing::Values(word_stage(Fault::none)));
INSTANTIATE_TEST_SUITE_P(Word, ScannerContract, ::testing::Values(scanner(maker<WordScanner>())));
INSTANTIATE_TEST_SUITE_P(Health, AdminRouteContract, ::testing::Values(maker<HealthRoute>()));
INSTANTIATE_TEST_SUITE_P(Length, ModelCallContract, ::testing::Values(maker<LengthModel>()));
INSTANTIATE_TEST_SUITE_P(Note, OrderHandlerContract,
                         ::testing::Values(OrderHandlerUnderTest{
                             maker<NoteHandler>(), maker<contract::MemoryStateStore>()}));
INSTANTIATE_TEST_SUITE_P(Echo, CommandContract, ::testing::Values(maker<EchoCommand>()));
INSTANTIATE_TEST_SUITE_P(Size, ConfigSectionContract, ::testing::Values(maker<SizeSection>()));
INSTANTIATE_TEST_SUITE_P(Line, SnapshotSourceContract,
                         ::testing::Values(SnapshotSourceUnderTest{maker<LineSource>(),
                                                                   "home: x\n"}));

// --- broken implementations are caught

// Forgets that a revocation is for ever.
class ForgivingControl final : public Control {
 public:
  Result<void> revoke(std::string_view key, std::string_view why) override {
    return live_.block({SubjectKind::key, std::string(key)}, why);
  }
  Result<void> block(const Subject& subject, std::string_view why) override {
    return live_.block(subject, why);
  }
  Result<void> quarantine(std::string_view model, std::string_view why) override {
    return live_.quarantine(model, why);
  }
  Result<void> release(const Subject& subject) override { return live_.release(subject); }
  Result<void> weight(std::string_view, std::size_t, double) override { return {}; }
  Result<void> limit(const Subject&, double) override { return {}; }
  std::optional<Containment> standing(const Principal& who, std::string_view model) const override {
    return live_.standing(who, model);
  }
  std::optional<double> weight_of(std::string_view, std::size_t) const override { return 1.0; }
  std::optional<double> limit_of(const Subject&) const override { return std::nullopt; }

 private:
  LiveControl live_;
};

// Applies a change at a time, so a refused order leaves the first half behind.
class HalfStore final : public contract::MemoryStateStore {
 public:
  Result<std::uint64_t> apply(const Order& order, std::span<const Change> changes) override {
    Result<std::uint64_t> last = MemoryStateStore::apply(order, {});
    for (std::size_t i = 0; i < changes.size() && last.ok(); ++i) {
      last = MemoryStateStore::apply(order, changes.subspan(i, 1));
    }
    return last;
  }
};

// Drops every other event and says nothing.
class LossyEvents final : public contract::MemoryEvents {
 public:
  Result<void> append(const Event& event) override {
    {
      const std::lock_guard lock(mutex_);
      if (++count_ % 2 == 0) return {};
    }
    return MemoryEvents::append(event);
  }

 private:
  int count_ = 0;
};

// Finds by prefix.
class PrefixEvents final : public contract::MemoryEvents {
 public:
  Result<std::vector<Event>> find(std::string_view request_id) const override {
    const std::lock_guard lock(mutex_);
    std::vector<Event> found;
    for (const Event& event : events_) {
      if (event.text(Field::request_id).starts_with(request_id)) found.push_back(event);
    }
    return found;
  }
};

class GrowingRedactor final : public Redactor {
 public:
  Result<std::string> redact(std::string_view text, Scratch&) const override {
    return "[redacted] " + std::string(text);
  }
};

TEST(Contracts, ABrokenControlIsCaught) {
  const ControlFactory make = maker<ForgivingControl>();
  EXPECT_NE(contract::lines(contract::a_revoked_key_never_comes_back(make)), "");
  EXPECT_NE(contract::lines(contract::nobody_is_contained_at_first(make)), "");
  EXPECT_NE(contract::lines(contract::weights_and_limits_are_numbers_in_range(make)), "");
}

TEST(Contracts, ABrokenStateStoreIsCaught) {
  const StateStoreFactory make = maker<HalfStore>();
  EXPECT_NE(contract::lines(contract::an_order_is_done_whole_or_not_at_all(make)), "");
  EXPECT_NE(contract::lines(contract::orders_at_once_get_each_number_once(make)), "");
}

TEST(Contracts, ABrokenEventSinkIsCaught) {
  const EventStoreFactory lossy = maker<EventsInMemory<LossyEvents>>();
  EXPECT_NE(contract::lines(contract::events_of_many_threads_are_all_kept_and_counted(lossy)), "");
  EXPECT_NE(contract::lines(contract::rows_of_one_request_come_oldest_first(lossy)), "");
  const EventStoreFactory prefix = maker<EventsInMemory<PrefixEvents>>();
  EXPECT_NE(contract::lines(contract::rows_of_one_request_come_oldest_first(prefix)), "");
  EXPECT_NE(contract::lines(contract::nothing_found_is_no_error(prefix)), "");
}

TEST(Contracts, ABrokenStageIsCaught) {
  using contract::lines;
  EXPECT_NE(lines(contract::a_verdict_does_not_depend_on_the_split(word_stage(Fault::no_hold))),
            "");
  EXPECT_NE(lines(contract::an_exchange_may_end_after_any_call(word_stage(Fault::strange_rule))),
            "");
  EXPECT_NE(lines(contract::an_exchange_may_end_after_any_call(word_stage(Fault::hold_at_end))),
            "");
}

TEST(Contracts, AScannerThatSwallowsErrorsIsCaught) {
  const ScannerUnderTest blind = scanner(maker<BlindScanner>());
  EXPECT_NE(contract::lines(contract::what_cannot_be_read_is_not_examined(blind)), "");
}

TEST(Contracts, ARedactorThatGrowsIsCaught) {
  const RedactorUnderTest growing{maker<GrowingRedactor>(), {std::string(kSecret)}};
  EXPECT_NE(contract::lines(contract::secrets_are_taken_out_and_twice_is_once(growing)), "");
}

}  // namespace
}  // namespace davy
