// Oracles: a text and its normal form get the same findings, and each finding's span lies
// in the text and gives the phrase again.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "core/exchange_run.h"
#include "mechanisms/text/literals.h"
#include "mechanisms/text/normal_form.h"
#include "pillars/guardrails/sanitize/sanitize.h"

namespace {

using namespace davy;

void require(bool holds) {
  if (!holds) std::abort();
}

const Snapshot& snapshot() {
  static const Snapshot* const made = [] {
    auto config = std::make_unique<sanitize::SanitizeConfig>();
    config->present = true;
    config->phrases = {"ignore previous instructions", "system prompt", "系统提示"};
    auto built = std::make_unique<Snapshot>();
    built->config.put(sanitize::kName, std::move(config));
    auto stage = sanitize::make_stage(built->config);
    require(stage.ok());
    built->stages.push_back(std::move(stage).value());
    return built.release();
  }();
  return *made;
}

std::vector<Finding> judge(std::string_view text) {
  ExchangeInfo info;
  info.snapshot = &snapshot();
  Segment segment;
  segment.provenance = Provenance::user;
  segment.text = text;
  ExchangeRun run(info, nullptr);
  Scratch scratch;
  require(run.on_request({&segment, 1}, scratch).ok());
  return run.findings();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  if (first_invalid_utf8(text)) return 0;  // segments are UTF-8
  text::NormalForm form;
  const std::string normal(form.assign(text));
  const auto plain = judge(normal);
  const auto found = judge(text);
  require(plain.size() == found.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    require(found[i].evidence == plain[i].evidence);
    require(found[i].location.span.end <= text.size());
    const std::string part = text::normal_phrase(slice(text, found[i].location.span));
    require(part == text::normal_phrase(found[i].evidence));
  }
  return 0;
}
