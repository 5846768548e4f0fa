#include "surfaces/cli/diagnostic_printer.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

namespace davy::cli {
namespace {

// A file that goes with the test.
class File {
 public:
  explicit File(const std::string& content) {
    char path[] = "/tmp/davy_printer_XXXXXX";
    const int fd = mkstemp(path);
    path_ = path;
    close(fd);
    std::ofstream(path_, std::ios::binary) << content;
  }
  ~File() { unlink(path_.c_str()); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string printed(const Diagnostics& diagnostics) {
  std::ostringstream out;
  DiagnosticPrinter(out).print(diagnostics);
  return out.str();
}

TEST(DiagnosticPrinter, ShowsPlaceMessageLineCaretAndHint) {
  const File file("listen: x\nlisten2: y\n");
  Diagnostics diagnostics;
  diagnostics.error("unknown key \"listen2\"", {file.path(), 2, 1}, "did you mean \"listen\"?");
  EXPECT_EQ(printed(diagnostics), file.path() +
                                      ":2:1: error: unknown key \"listen2\"\n"
                                      "  2 | listen2: y\n"
                                      "    | ^\n"
                                      "  = did you mean \"listen\"?\n");
}

TEST(DiagnosticPrinter, GoesByLineAndKeepsFilesTogether) {
  Diagnostics diagnostics;
  diagnostics.error("third", {"b", 9, 1});
  diagnostics.error("first in a", {"a", 1, 1});
  diagnostics.warning("second", {"b", 9, 0});
  diagnostics.error("first", {"b", 2, 5});
  EXPECT_EQ(printed(diagnostics),
            "b:2:5: error: first\nb:9: warning: second\nb:9:1: error: third\n"
            "a:1:1: error: first in a\n");
}

TEST(DiagnosticPrinter, AFileThatIsGoneOrTooShortHasNoExcerpt) {
  const File file("one\n");
  Diagnostics diagnostics;
  diagnostics.error("x", {file.path(), 99, 1});
  diagnostics.error("y", {"/nonexistent/file", 1, 1});
  diagnostics.error("z");
  EXPECT_EQ(printed(diagnostics), file.path() +
                                      ":99:1: error: x\n/nonexistent/file:1:1: error: y\n"
                                      "error: z\n");
}

TEST(Excerpt, TheCaretCountsCharacters) {
  const Excerpt excerpt = make_excerpt("\xC3\xBC: x", 5);
  EXPECT_EQ(excerpt.line, "\xC3\xBC: x");
  EXPECT_EQ(excerpt.caret, 3u);
  EXPECT_EQ(make_excerpt("abc\r", 99).caret, 3u);
  EXPECT_EQ(make_excerpt("abc", 0).caret, 0u);
  EXPECT_EQ(make_excerpt("", 1).line, "");
}

TEST(Excerpt, TabsTakeOnePlaceAndEscapesAreHarmless) {
  EXPECT_EQ(make_excerpt("\tb: 1", 2).line, " b: 1");
  EXPECT_EQ(make_excerpt("a: \x1b[31m", 1).line.find('\x1b'), std::string::npos);
}

TEST(Excerpt, HidesWhatFollowsACredentialKey) {
  for (const char* line :
       {"    credential: sk-abc", "{name: x, credential: sk-abc, dialect: openai}",
        "    Credential:   \"sk-abc\"", "my_password: sk-abc", "api_key: sk-abc",
        "client_secret : sk-abc", "token: sk-abc"}) {
    const Excerpt excerpt = make_excerpt(line, 5);
    EXPECT_EQ(excerpt.line.find("sk-abc"), std::string::npos) << excerpt.line;
    EXPECT_NE(excerpt.line.find("(not shown)"), std::string::npos) << excerpt.line;
  }
}

TEST(Excerpt, HidesUserInformationOfUrls) {
  const Excerpt excerpt = make_excerpt("upstream: \"https://me:pw@host/v1\"  # ok", 11);
  EXPECT_EQ(excerpt.line, "upstream: \"https://*****@host/v1\"  # ok");
  EXPECT_EQ(excerpt.caret, 10u);
  EXPECT_EQ(make_excerpt("u: http://a@b@c http://d", 1).line, "u: http://***@c http://d");
}

TEST(Excerpt, HidesLongRunsThatMixLettersAndDigits) {
  EXPECT_EQ(make_excerpt("  - AKIAIOSFODNN7EXAMPLE", 1).line, "  - ********************");
  EXPECT_EQ(make_excerpt("models: [gpt-4o-mini]", 1).line, "models: [gpt-4o-mini]");
  EXPECT_EQ(make_excerpt("guardrails.sanitize.phrase: enforced", 1).line,
            "guardrails.sanitize.phrase: enforced");
}

TEST(Excerpt, ALongLineIsCutAroundTheCaret) {
  const std::string line = std::string(500, 'a') + "X" + std::string(500, 'b');
  const Excerpt excerpt = make_excerpt(line, 501);
  EXPECT_LE(excerpt.line.size(), 110u);
  EXPECT_EQ(excerpt.line.substr(excerpt.caret + 2, 1), "X") << "the first character has 3 bytes";
}

}  // namespace
}  // namespace davy::cli
