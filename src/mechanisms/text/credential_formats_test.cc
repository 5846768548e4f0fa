#include "mechanisms/text/credential_formats.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "base/bytes.h"
#include "base/ids.h"
#include "mechanisms/text/credential_forms.h"
#include "mechanisms/text/credential_samples.h"

namespace davy::text {
namespace {

const CredentialFinder& finder() {
  static const Result<CredentialFinder> made = CredentialFinder::create();
  return made.value();
}

std::vector<CredentialMatch> find(std::string_view text) {
  Scratch scratch;
  auto found = finder().find(text, scratch);
  EXPECT_TRUE(found);
  return *found;
}

// "id at begin..end" of all that was found, for messages.
std::string listing(std::string_view text) {
  std::string out;
  for (const CredentialMatch& match : find(text)) {
    out += std::string(match.format->id) + " " + std::to_string(match.span.begin) + ".." +
           std::to_string(match.span.end) + "\n";
  }
  return out;
}

TEST(CredentialFormats, EachHasItsRuleAndFiresOnAWellFormedCredential) {
  CredentialSamples samples(11);
  std::set<std::string_view> ids;
  for (const CredentialFormat& format : credential_formats()) {
    SCOPED_TRACE(format.id);
    EXPECT_TRUE(ids.insert(format.id).second);
    EXPECT_EQ(name(format.rule), "environment.secrets." + std::string(format.id));
    for (int round = 0; round < 200; ++round) {
      const CredentialSample sample = samples.make(format.id);
      ASSERT_FALSE(sample.text.empty());
      const std::string text = "key: '" + sample.text + "'\n";
      const auto found = find(text);
      ASSERT_EQ(found.size(), 1U) << "seed 11, round " << round << "\n" << listing(text);
      EXPECT_EQ(found[0].format, &format);
      EXPECT_EQ(found[0].span, (Span{sample.secret.begin + 6, sample.secret.end + 6}));
    }
  }
}

TEST(CredentialFormats, EachIsQuietWhenTheCredentialIsCutShort) {
  CredentialSamples samples(12);
  for (const CredentialFormat& format : credential_formats()) {
    SCOPED_TRACE(format.id);
    const CredentialSample sample = samples.make(format.id);
    // A quarter of it, which no format takes for whole.
    const std::size_t cut = sample.secret.begin + sample.secret.size() / 4;
    EXPECT_EQ(listing(sample.text.substr(0, format.id == "private_key" ? 40 : cut)), "");
  }
}

TEST(CredentialFormats, EachIsQuietOnItsPlaceholder) {
  CredentialSamples samples(13);
  for (const CredentialFormat& format : credential_formats()) {
    SCOPED_TRACE(format.id);
    CredentialSample sample = samples.make(format.id);
    // The last third of the secret becomes one character over and over, as in documents.
    const std::size_t begin =
        sample.secret.end - std::max<std::size_t>(sample.secret.size() / 3, 8);
    for (std::size_t i = begin; i < sample.secret.end; ++i) {
      char& c = sample.text[i];
      if (forms::in_set(c, forms::Set::alnum)) c = format.id == "aws_access_key" ? 'A' : 'a';
    }
    if (format.id == "database_url") sample.text = "postgres://user:${DB_PASSWORD}@host/db";
    if (format.id == "private_key") {
      sample.text = "-----BEGIN " + std::string("PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----");
    }
    // A JWT's signature may hold anything; the example of jwt.io is known by its payload.
    if (format.id == "jwt") continue;
    // The repeated part of these lies outside of what is tested for randomness.
    if (format.id == "grafana_token" || format.id == "langsmith_key") continue;
    EXPECT_EQ(listing(sample.text), "") << sample.text;
  }
}

TEST(CredentialFormats, AWrongCheckDigitIsNoCredential) {
  CredentialSamples samples(14);
  for (const CredentialFormat& format : credential_formats()) {
    if (!format.checked) continue;
    SCOPED_TRACE(format.id);
    const CredentialSample sample = samples.make(format.id);
    for (std::size_t i = format.anchors[0].size(); i < sample.text.size(); ++i) {
      std::string damaged = sample.text;
      if (damaged[i] == '_') continue;
      damaged[i] = damaged[i] == 'x' ? 'y' : 'x';
      EXPECT_EQ(listing(damaged), "") << "character " << i;
    }
  }
}

TEST(CredentialFormats, NoneIsFoundInsideALongerWord) {
  CredentialSamples samples(15);
  // In these the secret is no word of its own: punctuation bounds it already.
  const std::set<std::string_view> bounded = {"private_key",   "aws_secret_key",
                                              "database_url",  "azure_storage_key",
                                              "slack_webhook", "discord_webhook"};
  for (const CredentialFormat& format : credential_formats()) {
    if (bounded.count(format.id) != 0) continue;
    SCOPED_TRACE(format.id);
    const CredentialSample sample = samples.make(format.id);
    EXPECT_EQ(listing("Q" + sample.text), "");
  }
}

TEST(CredentialFormats, TheExamplesOfDocumentsAreNoCredentials) {
  const std::string aws_id = std::string("AKIA") + "IOSFODNN7EXAMPLE";
  for (const std::string& text :
       {aws_id,
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCY" + std::string("EXAMPLEKEY"),
        std::string("https://hooks.slack.com/services/T00000000/B00000000/") +
            "XXXXXXXXXXXXXXXXXXXXXXXX",
        std::string("postgresql://user:password@localhost/db"),
        std::string("redis://:****@cache:6379"), std::string("mysql://root:<password>@db/x"),
        std::string("https://name:s3cr3tword@example.org"),
        std::string("ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
        std::string("sk-ant-..., sk-..., hf_..., AIza..."),
        std::string("the task-force asked for SKUs: SK0123"),
        std::string("AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/"
                    "K1SZFPTOtr/KBHBeksoGMGw==")}) {
    EXPECT_EQ(listing(text), "") << text;
  }
}

TEST(CredentialFormats, AJwtNeedsAHeaderThatNamesAnAlgorithmAndASignature) {
  const std::string payload = ".eyJzdWIiOiJzb21lb25lIn0.";
  const std::string signature = "c2lnbmF0dXJlLXRoYXQtaXMtbG9uZw";
  EXPECT_EQ(find("eyJhbGciOiJIUzI1NiJ9" + payload + signature).size(), 1U);
  EXPECT_EQ(listing("eyJ0eXAiOiJKV1QifQ" + payload + signature), "");   // no "alg"
  EXPECT_EQ(listing("eyJhbGciOiJub25lIn0" + payload), "");              // no signature
  EXPECT_EQ(listing("eyJhbGciOiJIUzI1NiJ" + payload + signature), "");  // no base64
}

TEST(CredentialFormats, APrivateKeyInsideJsonIsFoundWhole) {
  CredentialSamples samples(16);
  std::string pem = samples.make("private_key").text;
  for (std::size_t at = pem.find('\n'); at != std::string::npos; at = pem.find('\n')) {
    pem.replace(at, 1, "\\n");
  }
  const std::string text = R"({"private_key": ")" + pem + "\"}";
  const auto found = find(text);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(slice(text, found[0].span), pem);
}

TEST(CredentialFormats, AnOpenSshKeyIsFoundThoughItBeginsWithRunsOfOneLetter) {
  const std::string header =
      to_base64(std::string("openssh-key-v1\0\0\0\0\4none\0\0\0\4none\0\0\0\0\0\0\0\1", 39));
  const std::string pem = "-----BEGIN OPENSSH " + std::string("PRIVATE KEY-----\n") + header +
                          "AAAAAAAAAAAA\n" + random_base62(70) + "\n" + random_base62(70) +
                          "\n-----END OPENSSH PRIVATE KEY-----\n";
  EXPECT_EQ(find(pem).size(), 1U);
  const std::string dots = "-----BEGIN OPENSSH " + std::string("PRIVATE KEY-----\n") +
                           std::string(70, 'A') + "\n-----END OPENSSH PRIVATE KEY-----\n";
  EXPECT_EQ(listing(dots), "");
}

TEST(CredentialFormats, TheSpanOfADatabaseUrlIsThePassword) {
  for (const char* scheme : {"postgres", "mysql", "mongodb+srv", "postgresql+asyncpg", "rediss"}) {
    const std::string text = std::string(scheme) + "://svc:kR9-vw2!x@db.internal/app";
    const auto found = find(text);
    ASSERT_EQ(found.size(), 1U) << scheme;
    EXPECT_EQ(slice(text, found[0].span), "kR9-vw2!x");
  }
}

TEST(CredentialFormats, WindowsWithContextGiveWhatTheWholeGives) {
  CredentialSamples samples(17);
  std::string text;
  for (const CredentialFormat& format : credential_formats()) {
    text += std::string(700, '.') + "\n" + samples.make(format.id).text;
  }
  Scratch scratch;
  for (const std::size_t step : {1000U, 777U, 64U}) {
    std::vector<CredentialMatch> joined;
    for (std::size_t at = 0; at < text.size(); at += step) {
      const std::size_t begin = at > kLookBehind ? at - kLookBehind : 0;
      const std::string_view window =
          std::string_view(text).substr(begin, at - begin + step + kLookAhead);
      const auto found = finder().find(window, scratch, {at - begin, at - begin + step});
      ASSERT_TRUE(found);
      for (CredentialMatch match : *found) {
        match.span.begin += begin;
        match.span.end += begin;
        joined.push_back(match);
      }
    }
    EXPECT_EQ(joined, find(text)) << "step " << step;
  }
}

}  // namespace
}  // namespace davy::text
