#include "app/pipeline.h"

#include "pillars/access/keys/access_config.h"
#include "pillars/access/keys/keys_stage.h"
#include "pillars/guardrails/sanitize/sanitize.h"

namespace davy::app {

Result<std::vector<std::unique_ptr<const Stage>>> build_pipeline(const Config& config,
                                                                 const access::KeyRing& keys) {
  std::vector<std::unique_ptr<const Stage>> stages;
  const auto add = [&](std::unique_ptr<const Stage> stage) {
    if (stage) stages.push_back(std::move(stage));
  };

  // Keys come first: nothing is read of a caller who is not known, and all that follows
  // (limits, models, budgets) hangs on the key's experiment.
  const auto* access_config = config.section<access::AccessConfig>("access");
  const bool required = access_config == nullptr || access_config->keys_required;
  add(std::make_unique<access::KeysStage>(keys, required));

  // The phrase list is the cheapest look at the text, so it comes before all others that
  // read it.
  DAVY_ASSIGN(auto sanitize, sanitize::make_stage(config));
  add(std::move(sanitize));

  return stages;
}

}  // namespace davy::app
