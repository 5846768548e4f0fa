#include "pillars/guardrails/sanitize/sanitize.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "base/strings.h"
#include "generated/rules.h"
#include "mechanisms/text/literals.h"
#include "mechanisms/text/normal_form.h"

namespace davy::sanitize {
namespace {

// Findings of one request; more than these tell an operator nothing new.
constexpr std::size_t kMaxFindings = 16;

// sanitize_prompt() of the article, its list as it stands there.
constexpr std::array<std::string_view, 3> kArticle = {"ignore previous instructions",
                                                      "system prompt", ""};

std::string quoted(std::string_view phrase) { return '"' + printable(phrase, 80) + '"'; }

// Why a phrase cannot be used, or nothing.
std::optional<std::string> objection(std::string_view phrase) {
  if (phrase.size() > kMaxPhraseBytes) {
    return "the phrase is longer than " + std::to_string(kMaxPhraseBytes) + " bytes";
  }
  const std::string normal = text::normal_phrase(phrase);
  if (normal.empty()) {
    return "the phrase " + quoted(phrase) +
           " is empty after normalisation: it would match every text";
  }
  if (code_points_before(normal, normal.size()) < kMinPhrase) {
    return "the phrase " + quoted(phrase) + " has fewer than " + std::to_string(kMinPhrase) +
           " characters after normalisation: it would match harmless texts";
  }
  return std::nullopt;
}

class Section final : public ConfigSection {
 public:
  [[nodiscard]] std::string_view path() const noexcept override { return kName; }

  [[nodiscard]] std::unique_ptr<const ConfigValue> read(ConfigMap& map) const override {
    auto config = std::make_unique<SanitizeConfig>();
    config->present = map.present();
    if (!config->present) return config;
    const bool any = map.has("phrases") || map.has("builtin");
    if (!any) {
      map.diagnostics().error(
          "guardrails.sanitize names no phrases", map.place(),
          "add `phrases: [...]` or `builtin: article`, or leave the section out");
    }
    read_phrases(map, *config);
    if (map.choice("builtin", {"article"})) add_article(map, *config);
    drop_repeats(map, *config);
    return config;
  }

 private:
  static void read_phrases(ConfigMap& map, SanitizeConfig& config) {
    const auto phrases = map.texts("phrases");
    if (phrases.size() > kMaxPhrases) {
      map.diagnostics().error("more than " + std::to_string(kMaxPhrases) + " phrases",
                              map.place("phrases"));
      return;
    }
    for (std::size_t i = 0; i < phrases.size(); ++i) {
      const auto& [phrase, place] = phrases[i];
      if (auto why = objection(phrase)) {
        map.diagnostics().error("guardrails.sanitize.phrases[" + std::to_string(i) + "]: " + *why,
                                place,
                                "take it out, or write at least " + std::to_string(kMinPhrase) +
                                    " characters that stand only in what you want to stop");
      } else {
        config.phrases.push_back(phrase);
      }
    }
  }

  static void add_article(ConfigMap& map, SanitizeConfig& config) {
    for (const std::string_view phrase : kArticle) {
      if (auto why = objection(phrase)) {
        map.diagnostics().warning("the article's list: " + *why + "; it is left out",
                                  map.place("builtin"), "nothing to do");
      } else {
        config.phrases.emplace_back(phrase);
      }
    }
  }

  static void drop_repeats(ConfigMap& map, SanitizeConfig& config) {
    std::vector<std::string> seen;
    std::vector<std::string> kept;
    for (std::string& phrase : config.phrases) {
      std::string normal = text::normal_phrase(phrase);
      const auto place = std::lower_bound(seen.begin(), seen.end(), normal);
      if (place != seen.end() && *place == normal) {
        map.diagnostics().warning("the phrase " + quoted(phrase) + " stands in the list twice",
                                  map.place("phrases"), "remove one");
        continue;
      }
      seen.insert(place, std::move(normal));
      kept.push_back(std::move(phrase));
    }
    config.phrases = std::move(kept);
  }
};

class SanitizeStage final : public Stage {
 public:
  SanitizeStage(text::Phrases phrases, std::vector<std::string> names)
      : phrases_(std::move(phrases)), names_(std::move(names)) {}

  [[nodiscard]] std::string_view name() const noexcept override { return kName; }
  [[nodiscard]] std::span<const RuleId> rules() const noexcept override {
    static constexpr RuleId kRules[] = {rules::kGuardrailsSanitizePhrase};
    return kRules;
  }
  [[nodiscard]] bool reads_request_text() const noexcept override { return true; }
  // Measured (normal_form_bench.cc): 1 ns a byte of ASCII, up to 20 of decomposed text.
  [[nodiscard]] std::chrono::nanoseconds cost(std::size_t bytes) const noexcept override {
    return std::chrono::nanoseconds(4 * bytes);
  }
  [[nodiscard]] std::unique_ptr<StageRun> begin(const ExchangeInfo&) const override {
    return std::make_unique<Run>(*this);
  }

 private:
  class Run final : public StageRun {
   public:
    explicit Run(const SanitizeStage& stage) : stage_(stage) {}

    Result<void> on_request(std::span<const Segment> segments, StageOutput& out,
                            Scratch& scratch) override {
      std::size_t left = kMaxFindings;
      for (const Segment& segment : segments) {
        if (left == 0) break;
        if (!judged(segment.provenance) || segment.text.empty()) continue;
        DAVY_TRY(stage_.judge(segment, out, scratch, left));
      }
      return {};
    }

   private:
    const SanitizeStage& stage_;
  };

  // What comes from outside. System text is the operator's, assistant text and tool calls
  // are the model's.
  static bool judged(Provenance provenance) noexcept {
    switch (provenance) {
      case Provenance::user:
      case Provenance::tool_result:
      case Provenance::document:
      case Provenance::field: return true;
      case Provenance::system:
      case Provenance::assistant:
      case Provenance::tool_call: return false;
    }
    return true;
  }

  Result<void> judge(const Segment& segment, StageOutput& out, Scratch& scratch,
                     std::size_t& left) const {
    auto& form = scratch.get<text::NormalForm>();
    const std::string_view normal = form.assign(segment.text);
    DAVY_ASSIGN(const auto matches, phrases_.find(normal, scratch, kMaxFindings));
    for (auto match = matches.begin(); match != matches.end() && left > 0; ++match) {
      const bool again = std::any_of(matches.begin(), match, [&](const text::PhraseMatch& other) {
        return other.phrase == match->phrase;
      });
      if (again) continue;
      out.deny(finding(segment, match->phrase, form.original(match->span)));
      --left;
    }
    return {};
  }

  // Names the operator's phrase, never the caller's text.
  [[nodiscard]] Finding finding(const Segment& segment, std::size_t phrase, Span span) const {
    const bool disguised = !is_ascii(slice(segment.text, span)) && is_ascii(names_[phrase]);
    Location location;
    location.file = "request";
    location.pointer = std::string(segment.pointer);
    location.span = span;
    Finding made =
        make_finding(rules::kGuardrailsSanitizePhrase,
                     "the " + std::string(davy::name(segment.provenance)) +
                         " text contains the forbidden phrase " + quoted(names_[phrase]) +
                         (disguised ? ", written with other characters" : ""),
                     std::move(location));
    made.provenance = segment.provenance;
    made.evidence = printable(names_[phrase], 100);
    return made;
  }

  static bool is_ascii(std::string_view text) noexcept {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  }

  text::Phrases phrases_;
  std::vector<std::string> names_;
};

}  // namespace

std::unique_ptr<ConfigSection> config_section() { return std::make_unique<Section>(); }

Result<std::unique_ptr<const Stage>> make_stage(const Config& config) {
  const auto* section = config.section<SanitizeConfig>(kName);
  if (section == nullptr || section->phrases.empty()) return std::unique_ptr<const Stage>();
  DAVY_ASSIGN(text::Phrases phrases, text::Phrases::compile(section->phrases));
  return std::unique_ptr<const Stage>(
      std::make_unique<SanitizeStage>(std::move(phrases), section->phrases));
}

ModuleInfo module_info() noexcept {
  return {"pillars/guardrails/sanitize",
          "Does a prompt, tool result or document hold a phrase "
          "from the operator's list?",
          Maturity::usable, Posture::untrusted_input};
}

}  // namespace davy::sanitize
