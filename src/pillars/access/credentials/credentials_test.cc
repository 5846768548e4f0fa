#include "pillars/access/credentials/credentials.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "base/log.h"

namespace davy::access {
namespace {

constexpr char kKey[] = "sk-test-0123456789";

Model model(std::string name, CredentialRef::Kind kind, std::string where = {}) {
  Model out;
  out.name = std::move(name);
  out.upstreams.emplace_back().credential = {kind, std::move(where)};
  out.place = {"davylamp.yaml", 5, 3};
  return out;
}

struct Loaded {
  explicit Loaded(const std::vector<Model>& models,
                  std::map<std::string, std::string> variables = {}) {
    const auto environment = [variables](const std::string& name) -> std::optional<std::string> {
      const auto found = variables.find(name);
      if (found == variables.end()) return std::nullopt;
      return found->second;
    };
    credentials = Credentials::load(models, environment, diagnostics);
  }
  std::string messages() const {
    std::string all;
    for (const Diagnostic& each : diagnostics.all()) all += each.text() + "\n";
    return all;
  }
  Diagnostics diagnostics;
  std::unique_ptr<Credentials> credentials;
};

// A file that goes with the test.
struct TemporaryFile {
  explicit TemporaryFile(const std::string& text, mode_t mode = 0600) {
    path = (std::filesystem::temp_directory_path() / "davy-test-XXXXXX").string();
    const int fd = mkstemp(path.data());
    if (fd < 0) std::abort();
    close(fd);
    std::ofstream(path) << text;
    chmod(path.c_str(), mode);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() { unlink(path.c_str()); }
  std::string path;
};

using Kind = CredentialRef::Kind;

TEST(Credentials, FromTheEnvironmentAndAFileBecomeOneBearerLine) {
  const TemporaryFile file(std::string(kKey) + "\n");
  const std::vector<Model> models = {model("a", Kind::environment, "KEY"),
                                     model("b", Kind::file, file.path)};
  const Loaded loaded(models, {{"KEY", kKey}});
  EXPECT_TRUE(loaded.diagnostics.ok()) << loaded.messages();
  for (const Model& each : models) {
    std::string head = "POST / HTTP/1.1\r\n";
    ASSERT_TRUE(loaded.credentials->append_fields(each, each.upstreams[0], head).ok());
    EXPECT_EQ(head, "POST / HTTP/1.1\r\nAuthorization: Bearer sk-test-0123456789\r\n");
  }
}

TEST(Credentials, EachProviderReadsItInAFieldOfItsOwn) {
  Model anthropic = model("a", Kind::environment, "KEY");
  anthropic.dialect = "anthropic";
  Model azure = model("b", Kind::environment, "KEY");
  azure.upstreams[0].azure = AzureRoute{"d", "v", false};
  Model entra = model("c", Kind::environment, "KEY");
  entra.upstreams[0].azure = AzureRoute{"d", "v", true};
  const std::vector<Model> models = {anthropic, azure, entra};
  const Loaded loaded(models, {{"KEY", kKey}});
  const std::vector<std::string> fields = {"x-api-key: ", "api-key: ", "Authorization: Bearer "};
  for (std::size_t i = 0; i < models.size(); ++i) {
    std::string head;
    ASSERT_TRUE(loaded.credentials->append_fields(models[i], models[i].upstreams[0], head).ok());
    EXPECT_EQ(head, fields[i] + kKey + "\r\n");
  }
}

TEST(Credentials, EachUpstreamOfAModelHasItsOwn) {
  Model both = model("a", Kind::environment, "ONE");
  both.upstreams.push_back(both.upstreams[0]);
  both.upstreams[1].credential.name = "TWO";
  both.upstreams[1].position = 1;
  const Loaded loaded({both}, {{"ONE", "first"}, {"TWO", "second"}});
  std::string head;
  ASSERT_TRUE(loaded.credentials->append_fields(both, both.upstreams[1], head).ok());
  EXPECT_EQ(head, "Authorization: Bearer second\r\n");
  // One that they share is told once.
  both.upstreams[1].credential.name = "ONE";
  EXPECT_EQ(Loaded({both}).diagnostics.all().size(), 1u);
}

TEST(Credentials, AFileThatChangesIsReadAgainAndABadOneChangesNothing) {
  const TemporaryFile file("first\n");
  const Model rotated = model("a", Kind::file, file.path);
  const Loaded loaded({rotated});
  const auto line = [&] {
    std::string head;
    EXPECT_TRUE(loaded.credentials->append_fields(rotated, rotated.upstreams[0], head).ok());
    return head;
  };
  std::ofstream(file.path) << "second\n";
  EXPECT_EQ(line(), "Authorization: Bearer first\r\n");
  loaded.credentials->refresh();
  EXPECT_EQ(line(), "Authorization: Bearer second\r\n");
  std::vector<std::string> said;
  log::set_output([&](std::string_view text) { said.emplace_back(text); });
  std::ofstream(file.path) << "two words\n";
  loaded.credentials->refresh();
  loaded.credentials->refresh();
  log::set_output({});
  EXPECT_EQ(line(), "Authorization: Bearer second\r\n");
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0].find("two words"), std::string::npos) << said[0];
}

TEST(Credentials, NoneAddsNothing) {
  const Model none = model("a", Kind::none);
  const Loaded loaded({none});
  std::string head;
  EXPECT_TRUE(loaded.credentials->append_fields(none, none.upstreams[0], head).ok());
  EXPECT_EQ(head, "");
}

TEST(Credentials, EachTroubleIsToldAtTheModelAndTheOthersWork) {
  const TemporaryFile open_to_all(kKey, 0644);
  const TemporaryFile empty("");
  const std::vector<Model> models = {model("unset", Kind::environment, "UNSET"),
                                     model("empty", Kind::environment, "EMPTY"),
                                     model("missing", Kind::file, "/nonexistent/key"),
                                     model("open", Kind::file, open_to_all.path),
                                     model("nothing", Kind::file, empty.path),
                                     model("cluster", Kind::kubernetes, "dir/key"),
                                     model("good", Kind::environment, "GOOD")};
  const Loaded loaded(models, {{"EMPTY", ""}, {"GOOD", kKey}});
  ASSERT_EQ(loaded.diagnostics.all().size(), 6u) << loaded.messages();
  for (std::size_t i = 0; i < 6; ++i) {
    const std::string text = loaded.diagnostics.all()[i].text();
    EXPECT_NE(text.find("davylamp.yaml:5:3"), std::string::npos) << text;
    EXPECT_NE(text.find("model " + models[i].name), std::string::npos) << text;
    EXPECT_EQ(text.find(kKey), std::string::npos) << text;
    std::string head;
    EXPECT_FALSE(loaded.credentials->append_fields(models[i], models[i].upstreams[0], head).ok());
    EXPECT_EQ(head, "");
  }
  EXPECT_NE(loaded.messages().find("chmod 600"), std::string::npos) << loaded.messages();
  EXPECT_NE(loaded.messages().find("not in this version"), std::string::npos);
  std::string head;
  EXPECT_TRUE(
      loaded.credentials->append_fields(models.back(), models.back().upstreams[0], head).ok());
}

TEST(Credentials, BytesThatAHeaderCannotCarryAreRefused) {
  for (const std::string& bad :
       {std::string("a\r\nX-Evil: 1"), std::string("a\nb"), std::string("a\0b", 3),
        std::string("a b"), std::string("a\tb"), std::string("\"a\"\x7f"),
        std::string("caf\xc3\xa9"), std::string(kMaxCredential + 1, 'a')}) {
    const Loaded loaded({model("m", Kind::environment, "KEY")}, {{"KEY", bad}});
    EXPECT_FALSE(loaded.diagnostics.ok()) << bad.size();
    EXPECT_EQ(loaded.messages().find("Evil"), std::string::npos);
  }
  const Loaded longest({model("m", Kind::environment, "KEY")},
                       {{"KEY", std::string(kMaxCredential, '~')}});
  EXPECT_TRUE(longest.diagnostics.ok());
}

TEST(Credentials, ModelThatWasNotLoadedIsAnError) {
  const Loaded loaded({});
  std::string head;
  const Model unknown = model("new", Kind::none);
  const auto result = loaded.credentials->append_fields(unknown, unknown.upstreams[0], head);
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.error().text().find("new"), std::string::npos);
}

TEST(Credentials, ProcessEnvironmentTellsUnsetFromEmpty) {
  const auto environment = Credentials::process_environment();
  ASSERT_EQ(setenv("DAVY_TEST_EMPTY", "", 1), 0);
  EXPECT_EQ(environment("DAVY_TEST_EMPTY"), "");
  ASSERT_EQ(unsetenv("DAVY_TEST_EMPTY"), 0);
  EXPECT_EQ(environment("DAVY_TEST_EMPTY"), std::nullopt);
}

}  // namespace
}  // namespace davy::access
