// For tests and fuzzers: credentials of every format, made at run time, so that none lies
// in the repository.
#pragma once

#include <cstddef>
#include <random>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/ids.h"

namespace davy::text {

struct CredentialSample {
  std::string text;  // with the context that the format needs
  Span secret;       // what must be found in it
};

class CredentialSamples {
 public:
  explicit CredentialSamples(std::uint64_t seed) : random_(seed) {}

  // A well-formed credential of the format; empty for an unknown id.
  [[nodiscard]] CredentialSample make(std::string_view id) {
    if (id == "github_token") {
      const std::string body = alnum(30);
      return whole("ghp_" + body + base62(crc32(body), 6));
    }
    if (id == "davy_key") {
      const std::string body = "davy_" + alnum(12) + "_" + alnum(43);
      return whole(body + base62(crc32(body), 6));
    }
    if (id == "github_pat") return whole("github_pat_" + alnum(22) + "_" + alnum(59));
    if (id == "npm_token") return whole("npm_" + alnum(36));
    if (id == "pypi_token") return whole("pypi-AgEIcHlwaS5vcmc" + alnum(150));
    if (id == "jwt") {
      return whole(url_base64(R"({"alg":"HS256","typ":"JWT"})") + "." +
                   url_base64(R"({"sub":")" + alnum(8) + "\"}") + "." + alnum(43));
    }
    if (id == "private_key") {
      return whole("-----BEGIN " + std::string("PRIVATE KEY-----\n") + alnum(64) + "\n" +
                   alnum(64) + "\n" + alnum(20) + "==\n-----END PRIVATE KEY-----");
    }
    if (id == "aws_access_key") return whole("AKIA" + from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16));
    if (id == "aws_secret_key") return after("AWS_SECRET_ACCESS_KEY=\"", alnum(40), "\"");
    if (id == "google_api_key") return whole("AIza" + alnum(35));
    if (id == "google_oauth_secret") return whole("GOCSPX-" + alnum(28));
    if (id == "openai_key") return whole("sk-proj-" + alnum(74) + "T3BlbkFJ" + alnum(74));
    if (id == "anthropic_key") return whole("sk-ant-api03-" + alnum(93) + "AA");
    if (id == "huggingface_token") return whole("hf_" + alnum(34));
    if (id == "groq_key") return whole("gsk_" + alnum(52));
    if (id == "replicate_token") return whole("r8_" + alnum(37));
    if (id == "xai_key") return whole("xai-" + alnum(80));
    if (id == "perplexity_key") return whole("pplx-" + alnum(48));
    if (id == "nvidia_key") return whole("nvapi-" + alnum(64));
    if (id == "langsmith_key") return whole("lsv2_pt_" + hex(32) + "_" + hex(10));
    if (id == "slack_token") {
      return whole("xoxb-" + digits(12) + "-" + digits(13) + "-" + alnum(24));
    }
    if (id == "slack_webhook") {
      return after("https://",
                   "hooks.slack.com/services/T" + upper(9) + "/B" + upper(10) + "/" + alnum(24),
                   "");
    }
    if (id == "discord_webhook") {
      return after("https://", "discord.com/api/webhooks/" + digits(18) + "/" + alnum(68), "");
    }
    if (id == "telegram_bot_token") return whole(digits(10) + ":AA" + alnum(33));
    if (id == "stripe_key") return whole("sk_live_" + alnum(24));
    if (id == "sendgrid_key") return whole("SG." + alnum(22) + "." + alnum(43));
    if (id == "twilio_key") return whole("SK" + hex(32));
    if (id == "shopify_token") return whole("shpat_" + hex(32));
    if (id == "database_url") return after("postgresql://app:", alnum(16), "@db.internal:5432/app");
    if (id == "azure_storage_key") return after("AccountKey=", alnum(86) + "==", ";Endpoint");
    if (id == "gitlab_token") return whole("glpat-" + alnum(20));
    if (id == "digitalocean_token") return whole("dop_v1_" + hex(64));
    if (id == "docker_token") return whole("dckr_pat_" + alnum(27));
    if (id == "vault_token") return whole("hvs." + alnum(90));
    if (id == "databricks_token") return whole("dapi" + hex(32));
    if (id == "grafana_token") return whole("glsa_" + alnum(32) + "_" + hex(8));
    if (id == "linear_key") return whole("lin_api_" + alnum(40));
    return {};
  }

 private:
  static CredentialSample whole(std::string text) {
    const std::size_t size = text.size();
    return {std::move(text), {0, size}};
  }
  static CredentialSample after(std::string_view before, std::string secret,
                                std::string_view rest) {
    const std::size_t begin = before.size();
    const std::size_t end = begin + secret.size();
    return {std::string(before) + secret + std::string(rest), {begin, end}};
  }
  // Characters in an order that no test of randomness refuses: each differs from the last.
  std::string from(std::string_view alphabet, std::size_t count) {
    std::string out;
    while (out.size() < count) {
      const char c = alphabet[random_() % alphabet.size()];
      if (out.empty() || out.back() != c) out += c;
    }
    return out;
  }
  std::string alnum(std::size_t count) {
    return from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", count);
  }
  std::string hex(std::size_t count) { return from("0123456789abcdef", count); }
  std::string digits(std::size_t count) { return from("0123456789", count); }
  std::string upper(std::size_t count) {
    return from("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", count);
  }
  static std::string url_base64(std::string_view bytes) {
    std::string out = to_base64(bytes);
    while (out.ends_with('=')) out.pop_back();
    for (char& c : out) {
      if (c == '+') c = '-';
      if (c == '/') c = '_';
    }
    return out;
  }

  std::mt19937_64 random_;
};

}  // namespace davy::text
