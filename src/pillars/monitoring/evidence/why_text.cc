#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/strings.h"
#include "pillars/monitoring/evidence/story.h"
#include "pillars/monitoring/evidence/why.h"

namespace davy::evidence {
namespace {

constexpr std::size_t kMaxValue = 500;  // of one value in a sentence

std::string text(const Event& event, Field field) {
  return printable(event.text(field), kMaxValue);
}

std::optional<std::int64_t> integer(const Event& event, Field field) {
  const auto value = event.find(field);
  const auto* const number = value ? std::get_if<std::int64_t>(&*value) : nullptr;
  return number != nullptr ? std::optional(*number) : std::nullopt;
}

std::optional<double> real(const Event& event, Field field) {
  const auto value = event.find(field);
  const auto* const number = value ? std::get_if<double>(&*value) : nullptr;
  return number != nullptr ? std::optional(*number) : std::nullopt;
}

bool flag(const Event& event, Field field) {
  const auto value = event.find(field);
  const bool* const set = value ? std::get_if<bool>(&*value) : nullptr;
  return set != nullptr && *set;
}

std::string head(const Story& story) {
  const Event& e = *story.exchange;
  const std::string id = text(e, Field::request_id);
  const std::string when = rfc3339(e.time());
  if (!story.complete) {
    return fmt::format(
        "{} began at {}, and its end was not recorded: it is still in flight, or davy stopped "
        "before it was over.\n",
        id, when);
  }
  std::string done = "was allowed";
  if (story.denied) done = "was denied";
  if (e.text(Field::decision) == "redact") done = "was allowed with text taken out";
  const auto status = integer(e, Field::status);
  const std::string with = status && *status != 0 ? fmt::format(" with status {}", *status) : "";
  // A failure is not a verdict.
  if (!story.denied && status && *status >= 500) {
    return fmt::format("{} failed{}, at {}.\n", id, with, when);
  }
  return fmt::format("{} {}{}{}, at {}.\n", id, done, story.denied ? "" : ", and answered", with,
                     when);
}

std::string who(const Event& e) {
  std::string out = "Who: ";
  const std::string key = text(e, Field::key_id);
  const std::string experiment = text(e, Field::experiment);
  out += key.empty() ? "a caller without a known key" : "key " + key;
  if (!experiment.empty()) out += " of experiment " + experiment;
  if (const auto owner = text(e, Field::owner); !owner.empty()) out += " (owner " + owner + ")";
  if (const auto from = text(e, Field::client_ip); !from.empty()) out += ", from " + from;
  out += ".\nWhat: ";
  out += text(e, Field::method) + " " + text(e, Field::path);
  const std::string model = text(e, Field::model);
  out += model.empty() ? ", no model was known yet" : ", model " + model;
  if (flag(e, Field::stream)) out += ", as a stream";
  return out + ".\n";
}

// "in the request at /messages/1/content, bytes 12 to 27, text of the user"
std::string where(const StoryFinding& finding) {
  if (!finding.location) return {};
  const Location& at = *finding.location;
  std::string out = at.file == "request" || at.file == "answer"
                        ? "in the " + at.file
                        : "in " + printable(at.file, kMaxValue);
  if (!at.pointer.empty()) out += " at " + printable(at.pointer, kMaxValue);
  if (!at.span.empty()) out += fmt::format(", bytes {} to {}", at.span.begin, at.span.end);
  const std::string_view by = finding.row->text(Field::provenance);
  // `field` is also what a finding about no text at all has.
  if (by == "tool_call") return out + ", text of a tool call";
  if (by == "tool_result") return out + ", text of a tool result";
  if (by == "document") return out + ", text of a document";
  if (!by.empty() && by != "field") return out + ", text of the " + printable(by, kMaxValue);
  return out;
}

std::string verb(std::string_view mode) {
  if (mode == "enforce") return "enforced";
  if (mode == "observe") return "only observed";
  return printable(mode, kMaxValue);
}

std::string named(std::string_view id, const RuleInfo* rule) {
  std::string out = printable(id, kMaxValue);
  if (rule != nullptr) out += fmt::format(" (\"{}\")", rule->title);
  return out;
}

// What one finding says, without its rule's name.
std::string details(const StoryFinding& finding, std::string_view indent) {
  std::string out;
  if (const auto place = where(finding); !place.empty()) {
    out += fmt::format("{}Where: {}.\n", indent, place);
  }
  if (const auto evidence = text(*finding.row, Field::evidence); !evidence.empty()) {
    out += fmt::format("{}Evidence, redacted: {}\n", indent, evidence);
  }
  return out;
}

std::string denial(const Story& story) {
  const Event& e = *story.exchange;
  std::string out;
  const StoryFinding* decided = nullptr;
  for (const StoryFinding& finding : story.findings) {
    if (finding.decided) decided = &finding;
  }
  const std::string stage = text(e, Field::stage_of_denial);
  if (!story.rule_id.empty()) {
    out += "Why: rule " + named(story.rule_id, story.rule);
    if (decided != nullptr) {
      out += fmt::format(", severity {}, enforced", text(*decided->row, Field::severity));
    }
    if (!stage.empty()) out += ", in stage " + stage;
    if (decided != nullptr) out += ": " + text(*decided->row, Field::message);
    out += ".\n";
  } else if (!stage.empty()) {
    out += "Why: stage " + stage + " could not do its work, and what it enforces fails closed.\n";
  }
  if (decided != nullptr) out += details(*decided, "");
  if (!story.next_step.empty()) out += fmt::format("Next step: {}\n", story.next_step);
  return out;
}

std::string costs(const Event& e) {
  std::string out;
  const auto upstream = real(e, Field::upstream_ms);
  out += upstream ? "The upstream was called.\n" : "The upstream was not called.\n";
  const auto unseen = integer(e, Field::bytes_not_examined);
  if (unseen && *unseen != 0) {
    out += fmt::format("Not examined: {} bytes passed that no rule could read.\n", *unseen);
  } else if (unseen) {
    out += "No byte passed unexamined.\n";
  }
  const auto in = integer(e, Field::tokens_in);
  const auto produced = integer(e, Field::tokens_out);
  if (in || produced) {
    out += fmt::format("Tokens: {} in, {} out", in.value_or(0), produced.value_or(0));
    if (const auto cost = real(e, Field::cost_usd))
      out += fmt::format(", {:.6f} US dollars", *cost);
    out += ".\n";
  } else if (upstream) {
    out += "Tokens: the upstream did not say.\n";
  }
  if (const auto total = real(e, Field::latency_ms)) {
    out += fmt::format("Time: {:.3f} ms", *total);
    if (upstream) out += fmt::format(", of which the upstream {:.3f} ms", *upstream);
    if (const auto first = real(e, Field::first_byte_ms)) {
      out += fmt::format("; first byte after {:.3f} ms", *first);
    }
    out += ".\n";
  }
  if (const auto policy = text(e, Field::policy); !policy.empty())
    out += "Policy: " + policy + "\n";
  return out;
}

}  // namespace

std::string why_text(std::span<const Event> events) {
  const Story story = tell(events);
  std::string out;
  if (story.exchange == nullptr) {
    out += "Only findings are recorded; the exchange itself is not.\n";
  } else {
    const Event& e = *story.exchange;
    out += head(story) + who(e);
    if (story.denied) out += denial(story);
    if (const auto error = text(e, Field::error); !error.empty()) {
      out += "What went wrong: " + error + "\n";
    }
    if (story.complete) out += costs(e);
  }
  bool first = true;
  for (const StoryFinding& finding : story.findings) {
    if (finding.decided) continue;
    if (first) out += "Also seen:\n";
    first = false;
    const Event& row = *finding.row;
    out += fmt::format("- rule {}, severity {}, {}: {}.\n",
                       named(row.text(Field::rule), finding.rule), text(row, Field::severity),
                       verb(row.text(Field::mode)), text(row, Field::message));
    out += details(finding, "  ");
  }
  return out;
}

}  // namespace davy::evidence
