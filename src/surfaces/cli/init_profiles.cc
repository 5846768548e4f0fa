#include "surfaces/cli/init_profiles.h"

#include <array>

// The texts are files as a person reads them, so they stand here as they are written.
// Macros, because only literals join at compile time.
#define DAVY_INIT_WHERE                                                              \
  "listen: 127.0.0.1:8080            # clients call here; a list is possible\n"      \
  "admin: 127.0.0.1:8081             # /healthz, /readyz, /metrics: loopback only\n" \
  "home: ./davylamp-home             # keys, state and events; mode 0700\n"          \
  "\n"
#define DAVY_INIT_ACCESS                                                         \
  "access:\n"                                                                    \
  "  keys: required                  # `davy key create --experiment NAME`\n"    \
  "  # pepper: file:secrets/pepper   # default: the file `pepper` in the home\n" \
  "\n"
#define DAVY_INIT_MONITORING                                                      \
  "monitoring:\n"                                                                 \
  "  content: findings               # none | findings (redacted spans) | full\n" \
  "\n"
#define DAVY_INIT_RULES                                                               \
  "# A rule is off, observe (recorded, changes nothing) or enforce (acts). What is\n" \
  "# not listed has its default; `davy rules` shows all, `davy explain RULE` one.\n"  \
  "rules_edition: \"2026.11\"          # rules of later editions only observe\n"
#define DAVY_INIT_PHRASES                                                             \
  "guardrails:\n"                                                                     \
  "  sanitize:                       # a phrase list: predictable, stops only this\n" \
  "    phrases:\n"                                                                    \
  "      - ignore previous instructions\n"                                            \
  "      - disregard your instructions\n"                                             \
  "      - print your system prompt\n"                                                \
  "\n"

namespace davy::cli {
namespace {

constexpr std::string_view kChat =
    "# Davylamp between people and a chat model. `davy check` explains every mistake "
    "here.\n" DAVY_INIT_WHERE
    "models:\n"
    "  - name: chat                    # what clients write in `model`\n"
    "    dialect: openai               # or anthropic\n"
    "    upstream: \"http://127.0.0.1:9001/v1\"   # `davy practice` listens there\n"
    "    # upstreams: [URL, URL]       # in place of it: the next is asked when one fails\n"
    "    # upstream_model: NAME        # what the upstream calls it, if not `chat`\n"
    "    credential: none              # or env:OPENAI_API_KEY, file:PATH, kubernetes:DIR/KEY;\n"
    "                                  # never the credential itself\n"
    "\n"
    "experiments:                      # keys belong to an experiment\n"
    "  - name: first\n"
    "    owner: team-a\n"
    "    purpose: find out what the model is good for\n"
    "    models: [chat]\n"
    "    stage: sandbox                # the highest it may reach: sandbox | staging | production\n"
    "    # expires: 2027-03-31         # the last day on which it is served\n"
    "\n" DAVY_INIT_ACCESS DAVY_INIT_PHRASES DAVY_INIT_MONITORING DAVY_INIT_RULES
    "rules:\n"
    "  guardrails.sanitize.phrase: observe     # change to enforce when the events look right\n";

constexpr std::string_view kPredict =
    "# Davylamp in front of a model that answers with numbers, such as a fraud score.\n"
    "# Clients call http://127.0.0.1:8080/models/fraud/predict. `davy check` explains every\n"
    "# mistake here.\n" DAVY_INIT_WHERE
    "models:\n"
    "  - name: fraud                   # served below /models/fraud\n"
    "    dialect: predict              # plain JSON at /predict, or at `paths: [/score]`;\n"
    "                                  # or kserve\n"
    "    upstream: \"http://127.0.0.1:9001\"   # `davy practice` listens there\n"
    "    credential: none              # or env:NAME, file:PATH, kubernetes:DIR/KEY\n"
    "\n"
    "experiments:                      # keys belong to an experiment\n"
    "  - name: fraud-score\n"
    "    owner: team-a\n"
    "    purpose: score payments\n"
    "    models: [fraud]\n"
    "    stage: sandbox\n"
    "\n" DAVY_INIT_ACCESS DAVY_INIT_PHRASES DAVY_INIT_MONITORING DAVY_INIT_RULES
    "rules:\n"
    "  guardrails.sanitize.phrase: observe     # texts in a payment are judged too\n";

constexpr std::string_view kNotebook =
    "# Davylamp for people who experiment in notebooks: they change one base URL.\n"
    "#\n"
    "# What this version does for a notebook: its calls to a model go through keys, the\n"
    "# phrase list and the event log, and `davy scan secrets DIR` finds credentials in its\n"
    "# files. It does not examine what a notebook runs.\n" DAVY_INIT_WHERE
    "models:\n"
    "  - name: chat\n"
    "    dialect: openai\n"
    "    upstream: \"http://127.0.0.1:9001/v1\"   # `davy practice` listens there\n"
    "    credential: none              # or env:OPENAI_API_KEY, file:PATH, kubernetes:DIR/KEY;\n"
    "                                  # so no key of the provider lies in a notebook\n"
    "\n"
    "experiments:                      # one for each question, so that each can end\n"
    "  - name: notebook\n"
    "    owner: team-a\n"
    "    purpose: try ideas in notebooks\n"
    "    models: [chat]\n"
    "    stage: sandbox\n"
    "\n" DAVY_INIT_ACCESS DAVY_INIT_PHRASES DAVY_INIT_MONITORING DAVY_INIT_RULES
    "rules:\n"
    "  guardrails.sanitize.phrase: observe\n";

constexpr std::string_view kDataset =
    "# Davylamp for people who work on data sets.\n"
    "#\n"
    "# What this version does for a data set: `davy scan secrets PATH` finds credentials in\n"
    "# its files, and calls to a model that works on it go through keys, the phrase list and\n"
    "# the event log. It does not classify data, find personal data or guard a bucket "
    "yet.\n" DAVY_INIT_WHERE
    "models:\n"
    "  - name: labeller                # a model that reads the data\n"
    "    dialect: openai\n"
    "    upstream: \"http://127.0.0.1:9001/v1\"   # `davy practice` listens there\n"
    "    credential: none              # or env:OPENAI_API_KEY, file:PATH, kubernetes:DIR/KEY\n"
    "\n"
    "experiments:                      # keys belong to an experiment\n"
    "  - name: labelling\n"
    "    owner: team-a\n"
    "    purpose: label the data set\n"
    "    models: [labeller]\n"
    "    stage: sandbox\n"
    "\n" DAVY_INIT_ACCESS
    "monitoring:\n"
    "  content: none                   # none | findings | full: the data stays out of the events\n"
    "\n" DAVY_INIT_RULES
    "rules:\n"
    "  access.*: enforce\n";

constexpr std::string_view kServe =
    "  davy practice                     a model to practise on, in another terminal\n"
    "  davy serve";

constexpr std::array<InitProfile, 4> kProfiles{{
    {"chat", "people talk with a chat model", kChat, kServe},
    {"predict", "a model that answers with numbers", kPredict, kServe},
    {"notebook", "experiments in notebooks", kNotebook,
     "  davy scan secrets DIR             credentials in notebooks\n"
     "  davy practice                     a model to practise on, in another terminal\n"
     "  davy serve"},
    {"dataset", "work on data sets", kDataset,
     "  davy scan secrets PATH            credentials in the data\n"
     "  davy serve"},
}};

}  // namespace

std::span<const InitProfile> init_profiles() noexcept { return kProfiles; }

}  // namespace davy::cli
