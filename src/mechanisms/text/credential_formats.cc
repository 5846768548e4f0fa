#include "mechanisms/text/credential_formats.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/strings.h"
#include "generated/rules.h"
#include "mechanisms/text/credential_forms.h"

namespace davy::text {
namespace {

using namespace forms;
using Anchors = std::string_view[];

constexpr Anchors kGithub = {"ghp_", "gho_", "ghu_", "ghs_", "ghr_"};
constexpr Anchors kGithubPat = {"github_pat_"};
constexpr Anchors kDavy = {"davy_"};
constexpr Anchors kNpm = {"npm_"};
// The head of a macaroon for pypi.org or test.pypi.org.
constexpr Anchors kPypi = {"pypi-AgEIcHlwaS5vcmc", "pypi-AgENdGVzdC5weXBpLm9yZw"};
constexpr Anchors kJwt = {"eyJ"};
constexpr Anchors kPem = {"-----BEGIN "};
constexpr Anchors kAwsId = {"AKIA", "ASIA"};
constexpr Anchors kAwsSecret = {"aws_secret_access_key", "aws_secret_key", "secretaccesskey"};
constexpr Anchors kGoogle = {"AIza"};
constexpr Anchors kGoogleOauth = {"GOCSPX-"};
constexpr Anchors kOpenai = {"T3BlbkFJ"};
constexpr Anchors kAnthropic = {"sk-ant-"};
constexpr Anchors kHuggingFace = {"hf_", "api_org_"};
constexpr Anchors kGroq = {"gsk_"};
constexpr Anchors kReplicate = {"r8_"};
constexpr Anchors kXai = {"xai-"};
constexpr Anchors kPerplexity = {"pplx-"};
constexpr Anchors kNvidia = {"nvapi-"};
constexpr Anchors kLangsmith = {"lsv2_pt_", "lsv2_sk_"};
constexpr Anchors kSlack = {"xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xapp-"};
constexpr Anchors kSlackHook = {"hooks.slack.com/services/"};
constexpr Anchors kDiscordHook = {"discord.com/api/webhooks/", "discordapp.com/api/webhooks/"};
constexpr Anchors kTelegram = {":AA"};
constexpr Anchors kStripe = {"sk_live_", "rk_live_"};
constexpr Anchors kSendgrid = {"SG."};
constexpr Anchors kTwilio = {"SK"};
constexpr Anchors kShopify = {"shpat_", "shpss_", "shpca_", "shppa_"};
constexpr Anchors kUrl = {"://"};
constexpr Anchors kAzure = {"AccountKey="};
constexpr Anchors kGitlab = {"glpat-", "gldt-", "glrt-", "glptt-"};
constexpr Anchors kDigitalOcean = {"dop_v1_", "doo_v1_", "dor_v1_"};
constexpr Anchors kDocker = {"dckr_pat_", "dckr_oat_"};
constexpr Anchors kVault = {"hvs.", "hvb."};
constexpr Anchors kDatabricks = {"dapi"};
constexpr Anchors kGrafana = {"glsa_"};
constexpr Anchors kLinear = {"lin_api_"};

// Lengths are those that the providers issue today; where they vary, the range that
// they document or that was seen.
constexpr CredentialFormat kFormats[] = {
    {"github_token", rules::kEnvironmentSecretsGithubToken, true, kGithub, false, github_token},
    {"github_pat", rules::kEnvironmentSecretsGithubPat, false, kGithubPat, false, github_pat},
    {"davy_key", rules::kEnvironmentSecretsDavyKey, true, kDavy, false, davy_key},
    {"npm_token", rules::kEnvironmentSecretsNpmToken, false, kNpm, false,
     shape<Set::alnum, 36, 36>},
    {"pypi_token", rules::kEnvironmentSecretsPypiToken, false, kPypi, false,
     shape<Set::url_safe, 50, 1000>},
    {"jwt", rules::kEnvironmentSecretsJwt, false, kJwt, false, jwt},
    {"private_key", rules::kEnvironmentSecretsPrivateKey, false, kPem, false, private_key},
    {"aws_access_key", rules::kEnvironmentSecretsAwsAccessKey, false, kAwsId, false,
     shape<Set::base32, 16, 16>},
    {"aws_secret_key", rules::kEnvironmentSecretsAwsSecretKey, false, kAwsSecret, true,
     aws_secret_key},
    {"google_api_key", rules::kEnvironmentSecretsGoogleApiKey, false, kGoogle, false,
     shape<Set::url_safe, 35, 35>},
    {"google_oauth_secret", rules::kEnvironmentSecretsGoogleOauthSecret, false, kGoogleOauth, false,
     shape<Set::url_safe, 28, 28>},
    {"openai_key", rules::kEnvironmentSecretsOpenaiKey, false, kOpenai, false, openai_key},
    {"anthropic_key", rules::kEnvironmentSecretsAnthropicKey, false, kAnthropic, false,
     shape<Set::url_safe, 80, 140>},
    {"huggingface_token", rules::kEnvironmentSecretsHuggingfaceToken, false, kHuggingFace, false,
     shape<Set::alnum, 34, 34>},
    {"groq_key", rules::kEnvironmentSecretsGroqKey, false, kGroq, false, shape<Set::alnum, 52, 52>},
    {"replicate_token", rules::kEnvironmentSecretsReplicateToken, false, kReplicate, false,
     shape<Set::alnum, 37, 37>},
    {"xai_key", rules::kEnvironmentSecretsXaiKey, false, kXai, false, shape<Set::alnum, 80, 80>},
    {"perplexity_key", rules::kEnvironmentSecretsPerplexityKey, false, kPerplexity, false,
     shape<Set::alnum, 40, 56>},
    {"nvidia_key", rules::kEnvironmentSecretsNvidiaKey, false, kNvidia, false,
     shape<Set::url_safe, 60, 70>},
    {"langsmith_key", rules::kEnvironmentSecretsLangsmithKey, false, kLangsmith, false,
     langsmith_key},
    {"slack_token", rules::kEnvironmentSecretsSlackToken, false, kSlack, false,
     shape<Set::dashed, 24, 255>},
    {"slack_webhook", rules::kEnvironmentSecretsSlackWebhook, false, kSlackHook, false,
     slack_webhook},
    {"discord_webhook", rules::kEnvironmentSecretsDiscordWebhook, false, kDiscordHook, false,
     discord_webhook},
    {"telegram_bot_token", rules::kEnvironmentSecretsTelegramBotToken, false, kTelegram, false,
     telegram_bot_token},
    {"stripe_key", rules::kEnvironmentSecretsStripeKey, false, kStripe, false,
     shape<Set::alnum, 24, 247>},
    {"sendgrid_key", rules::kEnvironmentSecretsSendgridKey, false, kSendgrid, false, sendgrid_key},
    {"twilio_key", rules::kEnvironmentSecretsTwilioKey, false, kTwilio, false,
     shape<Set::hex, 32, 32>},
    {"shopify_token", rules::kEnvironmentSecretsShopifyToken, false, kShopify, false,
     shape<Set::any_hex, 32, 32>},
    {"database_url", rules::kEnvironmentSecretsDatabaseUrl, false, kUrl, false, database_url},
    {"azure_storage_key", rules::kEnvironmentSecretsAzureStorageKey, false, kAzure, false,
     azure_storage_key},
    {"gitlab_token", rules::kEnvironmentSecretsGitlabToken, false, kGitlab, false, gitlab_token},
    {"digitalocean_token", rules::kEnvironmentSecretsDigitaloceanToken, false, kDigitalOcean, false,
     shape<Set::hex, 64, 64>},
    {"docker_token", rules::kEnvironmentSecretsDockerToken, false, kDocker, false,
     shape<Set::url_safe, 27, 36>},
    {"vault_token", rules::kEnvironmentSecretsVaultToken, false, kVault, false,
     shape<Set::url_safe, 24, 300>},
    {"databricks_token", rules::kEnvironmentSecretsDatabricksToken, false, kDatabricks, false,
     shape<Set::hex, 32, 32>},
    {"grafana_token", rules::kEnvironmentSecretsGrafanaToken, false, kGrafana, false,
     grafana_token},
    {"linear_key", rules::kEnvironmentSecretsLinearKey, false, kLinear, false,
     shape<Set::alnum, 40, 40>},
};

bool stands_at(std::string_view text, std::size_t at, std::string_view anchor, bool any_case) {
  const std::string_view there = text.substr(at, anchor.size());
  return any_case ? equal_ignoring_case(there, anchor) : there == anchor;
}

}  // namespace

std::span<const CredentialFormat> credential_formats() noexcept { return kFormats; }

Result<CredentialFinder> CredentialFinder::create() {
  std::vector<Anchor> anchors;
  std::vector<Literal> literals;
  for (const CredentialFormat& format : kFormats) {
    for (const std::string_view anchor : format.anchors) {
      anchors.push_back({&format, anchor});
      literals.push_back({std::string(anchor), format.any_case});
    }
  }
  DAVY_ASSIGN(LiteralDatabase database, LiteralDatabase::compile(literals));
  return CredentialFinder(std::move(database), std::move(anchors));
}

std::optional<Span> CredentialFinder::confirm_at(const CredentialFormat& format,
                                                 std::string_view anchor, std::string_view text,
                                                 std::size_t at) {
  if (!stands_at(text, at, anchor, format.any_case)) return std::nullopt;
  const std::size_t begin = at > kLookBehind ? at - kLookBehind : 0;
  const std::string_view context = text.substr(begin, at - begin + kLookAhead);
  auto found = format.confirm(context, at - begin, anchor.size());
  if (found) {
    found->begin += begin;
    found->end += begin;
  }
  return found;
}

Result<std::vector<CredentialMatch>> CredentialFinder::find(std::string_view text, Scratch& scratch,
                                                            Span anchors) const {
  std::vector<CredentialMatch> found;
  DAVY_TRY(database_.search(text, scratch, [&](std::size_t index, std::size_t end) {
    const Anchor& anchor = anchors_[index];
    const std::size_t at = end - anchor.text.size();
    if (at < anchors.begin || at >= anchors.end) return true;
    if (const auto span = confirm_at(*anchor.format, anchor.text, text, at)) {
      found.push_back({anchor.format, *span});
    }
    return true;
  }));
  // Formats lie in one array, so their addresses have their order.
  const auto key = [](const CredentialMatch& match) {
    return std::tuple(match.span.begin, match.span.end, match.format - kFormats);
  };
  std::sort(found.begin(), found.end(),
            [&](const auto& a, const auto& b) { return key(a) < key(b); });
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

}  // namespace davy::text
