#include "pillars/access/keys/pepper.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "mechanisms/store/testing.h"

namespace davy::access {
namespace {

using store::testing::must;
using store::testing::TestHome;

void put(const std::string& path, const std::string& text, mode_t mode = 0600) {
  std::ofstream(path) << text;
  chmod(path.c_str(), mode);
}

void record(TestHome& t, const Pepper& pepper) {
  const std::vector<Change> changes = {pepper_record(pepper)};
  must(t.store->apply({0, WallTime(), "test", "key.create", "k"}, changes));
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Pepper, IsMadeOnceForTheOwnerAlone) {
  TestHome t;
  const std::string path = t.folder.file("secrets/pepper");
  const Pepper first = must(open_pepper(path, *t.store));
  EXPECT_EQ(first.path, path);
  EXPECT_EQ(first.bytes.size(), 2 * kPepperSize) << "in hex";
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & ALLPERMS, 0600u);
  const Pepper second = must(open_pepper(path, *t.store));
  EXPECT_EQ(first.bytes.expose(), second.bytes.expose());
  const Pepper other = must(open_pepper(t.folder.file("other"), *t.store));
  EXPECT_NE(first.bytes.expose(), other.bytes.expose());
}

TEST(Pepper, ThatOthersCanReadIsRefusedWithTheCommandThatMendsIt) {
  TestHome t;
  put(t.folder.file("pepper"), std::string(64, 'a'), 0640);
  const auto pepper = open_pepper(t.folder.file("pepper"), *t.store);
  ASSERT_FALSE(pepper.ok());
  EXPECT_TRUE(holds(pepper.error().hint, "chmod 600")) << pepper.error().text();
}

TEST(Pepper, ThatIsTooShortIsRefused) {
  TestHome t;
  put(t.folder.file("pepper"), "short\n");
  EXPECT_FALSE(open_pepper(t.folder.file("pepper"), *t.store).ok());
}

TEST(Pepper, OtherThanTheKeysWereMadeWithIsNoticed) {
  TestHome t;
  const std::string path = t.folder.file("pepper");
  record(t, must(open_pepper(path, *t.store)));
  EXPECT_TRUE(open_pepper(path, *t.store).ok());
  EXPECT_EQ(must(recorded_pepper_path(*t.store)), path);
  // The same content may lie elsewhere.
  put(t.folder.file("moved"), must(t.home.folder().read("pepper", 100)));
  EXPECT_TRUE(open_pepper(t.folder.file("moved"), *t.store).ok());

  put(t.folder.file("wrong"), std::string(64, 'b'));
  const auto wrong = open_pepper(t.folder.file("wrong"), *t.store);
  ASSERT_FALSE(wrong.ok());
  EXPECT_TRUE(holds(wrong.error().hint, path)) << wrong.error().text();
  EXPECT_FALSE(holds(wrong.error().text(), std::string(8, 'b')));
}

TEST(Pepper, ThatIsGoneIsNotReplacedInSilence) {
  TestHome t;
  const std::string path = t.folder.file("pepper");
  record(t, must(open_pepper(path, *t.store)));
  ASSERT_EQ(unlink(path.c_str()), 0);
  const auto gone = open_pepper(path, *t.store);
  ASSERT_FALSE(gone.ok());
  EXPECT_TRUE(holds(gone.error().message, "gone")) << gone.error().text();
  EXPECT_FALSE(must(t.home.folder().exists("pepper")));
}

TEST(Pepper, DamagedRecordIsAnError) {
  TestHome t;
  for (const char* text :
       {"", "{}", R"({"path":"p","check":"xyz"})", R"({"path":1,"check":"a"})"}) {
    const std::vector<Change> changes = {{kAccessTable, kPepperKey, text}};
    must(t.store->apply({0, WallTime(), "test", "v", "k"}, changes));
    EXPECT_FALSE(open_pepper(t.folder.file("pepper"), *t.store).ok()) << text;
  }
}

}  // namespace
}  // namespace davy::access
