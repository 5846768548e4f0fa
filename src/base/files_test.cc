#include "base/files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

namespace davy {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;
using testing::AssertionFailure;
using testing::AssertionResult;
using testing::AssertionSuccess;

constexpr std::size_t kLimit = 1024;

template <class T>
AssertionResult fails(const Result<T>& result, ErrorKind kind, std::string_view part) {
  if (result.ok()) return AssertionFailure() << "succeeded";
  const std::string text = result.error().text();
  if (result.error().kind != kind || text.find(part) == std::string::npos) {
    return AssertionFailure() << name(result.error().kind) << ": " << text;
  }
  return AssertionSuccess();
}

// Without the powers of root, so that permissions count. Tests may run as root.
class AsNobody {
 public:
  AsNobody() : user_(geteuid()) {
    if (user_ == 0) {
      EXPECT_EQ(seteuid(65534), 0);
    }
  }
  ~AsNobody() {
    if (user_ == 0) {
      EXPECT_EQ(seteuid(0), 0);
    }
  }
  AsNobody(const AsNobody&) = delete;
  AsNobody& operator=(const AsNobody&) = delete;

 private:
  uid_t user_;
};

class Files : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "davy-files-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    top_ = pattern;
    auto opened = Folder::open(path("."));
    ASSERT_TRUE(opened.ok());
    folder_.emplace(std::move(opened).value());
  }
  void TearDown() override { fs::remove_all(top_); }

  [[nodiscard]] std::string path(const std::string& below) const { return (top_ / below).string(); }
  void put(const std::string& below, std::string_view content) const {
    std::ofstream(path(below), std::ios::binary) << content;
  }
  [[nodiscard]] mode_t mode(const std::string& below) const {
    struct stat status {};
    EXPECT_EQ(lstat(path(below).c_str(), &status), 0);
    return status.st_mode & 07777;
  }
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& entry : fs::directory_iterator(top_)) out.push_back(entry.path().filename());
    return out;
  }

  fs::path top_;
  std::optional<Folder> folder_;
};

TEST(Fd, ClosesOnceAndMoves) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const int number = ends[0];
  {
    Fd a(ends[0]);
    Fd b(ends[1]);
    Fd c(std::move(a));
    EXPECT_FALSE(a.valid());  // NOLINT(bugprone-use-after-move): that is the claim
    b = std::move(c);
    EXPECT_EQ(b.get(), number);
    EXPECT_EQ(fcntl(ends[1], F_GETFD), -1);  // assignment closed it
  }
  EXPECT_EQ(fcntl(number, F_GETFD), -1);
}

TEST_F(Files, ReadsAWholeFileUpToTheLimit) {
  const std::string bytes = "a\0b\n"s + std::string(1020, 'x');
  put("f", bytes);
  EXPECT_EQ(folder_->read("f", kLimit).value(), bytes);
  EXPECT_EQ(read_file(path("f"), kLimit).value(), bytes);
  EXPECT_TRUE(fails(folder_->read("f", kLimit - 1), ErrorKind::limit, "f: larger than 1023 bytes"));
  EXPECT_TRUE(fails(read_file(path("f"), 0), ErrorKind::limit, "larger than 0 bytes"));
  put("empty", "");
  EXPECT_EQ(read_file(path("empty"), 0).value(), "");
}

TEST_F(Files, HoldsTheLimitWhereTheSizeIsUnknown) {
  // Files of /proc say that they are empty.
  EXPECT_TRUE(fails(read_file("/proc/self/maps", 10), ErrorKind::limit, "larger than 10 bytes"));
  const auto status = read_file("/proc/self/status", 1U << 20);
  ASSERT_TRUE(status.ok());
  EXPECT_NE(status->find("Pid:"), std::string::npos);
}

TEST_F(Files, SaysWhatIsMissing) {
  const auto result = folder_->read("nowhere", kLimit);
  EXPECT_TRUE(fails(result, ErrorKind::invalid_input, "No such file"));
  EXPECT_EQ(result.error().place.file, path("./nowhere"));
  EXPECT_FALSE(result.error().hint.empty());
  EXPECT_TRUE(fails(Folder::open(path("nowhere")), ErrorKind::invalid_input, "No such file"));
}

TEST_F(Files, RefusesNamesThatLeadOut) {
  put("f", "x");
  for (const auto& name :
       {"../f"s, ".."s, "."s, "a/../f"s, "/etc/passwd"s, ""s, "a//f"s, "f/"s, "./f"s, "f\0.txt"s}) {
    EXPECT_TRUE(fails(folder_->read(name, kLimit), ErrorKind::invalid_input, "name"));
    EXPECT_TRUE(fails(folder_->write(name, "", 0600), ErrorKind::invalid_input, "name"));
    EXPECT_TRUE(fails(folder_->create(name, "", 0600), ErrorKind::invalid_input, "name"));
    EXPECT_TRUE(fails(folder_->exists(name), ErrorKind::invalid_input, "name"));
    EXPECT_TRUE(fails(folder_->open_append(name, 0600), ErrorKind::invalid_input, "name"));
    EXPECT_TRUE(fails(folder_->make_folder(name, 0700), ErrorKind::invalid_input, "name"));
  }
  EXPECT_EQ(names().size(), 1U);
}

TEST_F(Files, RefusesALinkAtTheEnd) {
  put("f", "x");
  fs::create_symlink("f", path("link"));
  EXPECT_TRUE(fails(folder_->read("link", kLimit), ErrorKind::invalid_input, "symbolic link"));
  EXPECT_TRUE(fails(folder_->write("link", "y", 0600), ErrorKind::invalid_input, "symbolic link"));
  EXPECT_TRUE(fails(folder_->create("link", "y", 0600), ErrorKind::invalid_input, "exists"));
  EXPECT_TRUE(fails(folder_->open_append("link", 0600), ErrorKind::invalid_input, "symbolic link"));
  EXPECT_EQ(read_file(path("f"), kLimit).value(), "x");
  EXPECT_EQ(read_file(path("link"), kLimit).value(), "x");
  EXPECT_TRUE(fails(read_file(path("link"), kLimit, Links::refuse), ErrorKind::invalid_input,
                    "symbolic link"));
}

TEST_F(Files, RefusesALinkInTheMiddle) {
  fs::create_directories(path("real/deep"));
  put("real/deep/f", "x");
  fs::create_directory_symlink("real", path("link"));
  EXPECT_EQ(folder_->read("real/deep/f", kLimit).value(), "x");
  const auto result = folder_->read("link/deep/f", kLimit);
  EXPECT_TRUE(fails(result, ErrorKind::invalid_input, "symbolic link"));
  EXPECT_EQ(result.error().place.file, path("./link"));
  EXPECT_FALSE(folder_->write("link/f", "y", 0600).ok());
  EXPECT_FALSE(folder_->create("link/f", "y", 0600).ok());
  EXPECT_FALSE(folder_->open_append("link/f", 0600).ok());
  EXPECT_FALSE(folder_->make_folder("link/new", 0700).ok());
  EXPECT_FALSE(folder_->exists("link/deep").ok());
  EXPECT_EQ(std::distance(fs::directory_iterator(path("real")), fs::directory_iterator()), 1);
}

TEST_F(Files, StaysInItsFolderWhenThePathIsReplaced) {
  fs::create_directory(path("home"));
  put("home/f", "ours");
  const auto home = Folder::open(path("home"));
  ASSERT_TRUE(home.ok());
  fs::rename(path("home"), path("moved"));
  fs::create_directory(path("home"));
  put("home/f", "theirs");
  EXPECT_EQ(home->read("f", kLimit).value(), "ours");
}

// A call that blocks would end this test only by the time limit of the runner.
TEST_F(Files, RefusesAFifoWithoutBlocking) {
  ASSERT_EQ(mkfifo(path("fifo").c_str(), 0600), 0);
  EXPECT_TRUE(fails(folder_->read("fifo", kLimit), ErrorKind::invalid_input, "FIFO"));
  EXPECT_TRUE(fails(read_file(path("fifo"), kLimit), ErrorKind::invalid_input, "FIFO"));
  EXPECT_TRUE(fails(read_secret_file(path("fifo")), ErrorKind::invalid_input, "FIFO"));
  EXPECT_TRUE(fails(folder_->open_append("fifo", 0600), ErrorKind::invalid_input, "FIFO"));
  EXPECT_TRUE(fails(folder_->write("fifo", "x", 0600), ErrorKind::invalid_input, "FIFO"));
}

TEST_F(Files, RefusesFoldersDevicesAndSockets) {
  fs::create_directory(path("folder"));
  EXPECT_TRUE(fails(folder_->read("folder", kLimit), ErrorKind::invalid_input, "is a folder"));
  EXPECT_TRUE(fails(folder_->write("folder", "", 0600), ErrorKind::invalid_input, "is a folder"));
  EXPECT_TRUE(fails(read_file("/dev/null", kLimit), ErrorKind::invalid_input, "is a device"));
  const Fd socket(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string socket_path = path("s");
  ASSERT_LT(socket_path.size(), sizeof address.sun_path);
  std::memcpy(address.sun_path, socket_path.c_str(), socket_path.size());
  const void* const where = &address;
  ASSERT_EQ(bind(socket.get(), static_cast<const sockaddr*>(where), sizeof address), 0);
  EXPECT_TRUE(fails(read_file(socket_path, kLimit), ErrorKind::invalid_input, "is a socket"));
}

TEST_F(Files, ReplacesAtomically) {
  put("f", "old");
  const Fd before(open(path("f").c_str(), O_RDONLY));
  ASSERT_TRUE(folder_->write("f", "the new content", 0640).ok());
  EXPECT_EQ(read_file(path("f"), kLimit).value(), "the new content");
  // Who had it open still reads the old content: it was replaced, not rewritten.
  EXPECT_EQ(read_all(before.get(), kLimit).value(), "old");
  EXPECT_EQ(names(), std::vector<std::string>{"f"});
}

TEST_F(Files, SetsTheModeWhateverTheUmask) {
  const mode_t before = umask(0077);
  EXPECT_TRUE(folder_->write("wide", "x", 0644).ok());
  umask(0);
  EXPECT_TRUE(folder_->write("narrow", "x", 0600).ok());
  EXPECT_TRUE(folder_->create("secret", "x", 0400).ok());
  umask(before);
  EXPECT_EQ(mode("wide"), 0644U);
  EXPECT_EQ(mode("narrow"), 0600U);
  EXPECT_EQ(mode("secret"), 0400U);
}

TEST_F(Files, KeepsTheOldContentWhenTheDiskIsFull) {
  put("f", "old");
  // A limit on the size of files fails the write as a full disk would.
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{1000, before.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto replaced = folder_->write("f", std::string(5000, 'x'), 0600);
  const auto created = folder_->create("g", std::string(5000, 'x'), 0600);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_TRUE(fails(replaced, ErrorKind::unavailable, "f: cannot write"));
  EXPECT_TRUE(fails(created, ErrorKind::unavailable, "g: cannot write"));
  EXPECT_EQ(read_file(path("f"), kLimit).value(), "old");
  EXPECT_EQ(names(), std::vector<std::string>{"f"});
}

TEST_F(Files, CreatesOnlyWhatIsNotThere) {
  ASSERT_TRUE(folder_->create("f", "first", 0600).ok());
  EXPECT_TRUE(fails(folder_->create("f", "second", 0600), ErrorKind::invalid_input, "exists"));
  EXPECT_EQ(read_file(path("f"), kLimit).value(), "first");
  EXPECT_EQ(names(), std::vector<std::string>{"f"});
}

TEST_F(Files, TellsWhetherSomethingIsThere) {
  put("f", "x");
  fs::create_symlink("nowhere", path("dangling"));
  EXPECT_TRUE(folder_->exists("f").value());
  EXPECT_TRUE(folder_->exists("dangling").value());
  EXPECT_FALSE(folder_->exists("g").value());
  EXPECT_FALSE(folder_->exists("no/such/g").value());
  EXPECT_FALSE(folder_->exists("f/g").ok());
}

TEST_F(Files, AppendsAndCreates) {
  {
    const auto fd = folder_->open_append("log", 0600);
    ASSERT_TRUE(fd.ok());
    ASSERT_TRUE(write_all(fd->get(), "one\n").ok());
  }
  const auto fd = folder_->open_append("log", 0600);
  ASSERT_TRUE(fd.ok());
  ASSERT_TRUE(write_all(fd->get(), "two\n").ok());
  EXPECT_EQ(read_file(path("log"), kLimit).value(), "one\ntwo\n");
  EXPECT_EQ(mode("log"), 0600U);
}

TEST_F(Files, MakesFoldersOnceAndBelow) {
  EXPECT_TRUE(folder_->make_folder("a", 0700).ok());
  EXPECT_TRUE(folder_->make_folder("a", 0700).ok());
  EXPECT_TRUE(folder_->make_folder("a/b", 0700).ok());
  EXPECT_TRUE(folder_->write("a/b/f", "x", 0600).ok());
  EXPECT_EQ(folder_->read("a/b/f", kLimit).value(), "x");
  EXPECT_EQ(mode("a/b"), 0700U);
  EXPECT_TRUE(fails(folder_->make_folder("c/d", 0700), ErrorKind::invalid_input, "No such"));
  put("f", "x");
  EXPECT_TRUE(fails(folder_->make_folder("f", 0700), ErrorKind::invalid_input, "exists"));
}

TEST_F(Files, OpensOrCreatesAFolderForItsOwnerOnly) {
  ASSERT_TRUE(Folder::open_or_create(path("home")).ok());
  EXPECT_EQ(mode("home"), 0700U);
  EXPECT_TRUE(Folder::open_or_create(path("home")).ok());
  put("f", "x");
  EXPECT_FALSE(Folder::open_or_create(path("f")).ok());
  EXPECT_FALSE(Folder::open_or_create(path("no/home")).ok());
  fs::create_directory_symlink("home", path("link"));
  EXPECT_TRUE(Folder::open(path("link")).ok());  // a person named it
}

TEST_F(Files, TellsWhoHasNoPermission) {
  put("f", "x");
  ASSERT_EQ(chmod(path("f").c_str(), 0), 0);
  ASSERT_EQ(chmod(top_.c_str(), 0755), 0);
  const AsNobody nobody;
  const auto result = folder_->read("f", kLimit);
  EXPECT_TRUE(fails(result, ErrorKind::invalid_input, "f: cannot open: Permission denied"));
  EXPECT_TRUE(fails(result, ErrorKind::invalid_input, "user " + std::to_string(geteuid())));
}

TEST_F(Files, ReadsASecretOfItsOwnerOnly) {
  ASSERT_TRUE(folder_->create("pepper", "s3cret\n", 0600).ok());
  EXPECT_EQ(read_secret_file(path("pepper")).value(), "s3cret");
  fs::create_symlink("pepper", path("mounted"));
  EXPECT_EQ(read_secret_file(path("mounted")).value(), "s3cret");
  for (const mode_t bits : {0640U, 0604U, 0620U, 0602U, 0644U, 0666U}) {
    ASSERT_EQ(chmod(path("pepper").c_str(), bits), 0);
    const auto result = read_secret_file(path("pepper"));
    EXPECT_TRUE(fails(result, ErrorKind::invalid_input, "chmod 600 " + path("pepper")));
    EXPECT_EQ(result.error().text().find("s3cret"), std::string::npos);
  }
  ASSERT_EQ(chmod(path("pepper").c_str(), 0400), 0);
  EXPECT_TRUE(read_secret_file(path("pepper")).ok());
}

TEST_F(Files, TakesOneNewlineOffASecret) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"a", "a"}, {"a\n", "a"}, {"a\r\n", "a"}, {"a\n\n", "a\n"}, {" a \r", " a \r"}};
  for (const auto& [content, secret] : cases) {
    ASSERT_TRUE(folder_->write("s", content, 0600).ok());
    EXPECT_EQ(read_secret_file(path("s")).value(), secret);
  }
  for (const auto* nothing : {"", "\n", "\r\n"}) {
    ASSERT_TRUE(folder_->write("s", nothing, 0600).ok());
    EXPECT_TRUE(fails(read_secret_file(path("s")), ErrorKind::invalid_input, "is empty"));
  }
  ASSERT_TRUE(folder_->write("s", std::string((64U << 10) + 1, 'x'), 0600).ok());
  EXPECT_TRUE(fails(read_secret_file(path("s")), ErrorKind::limit, "larger"));
}

TEST(ReadAll, ReadsAPipeToItsEnd) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const Fd out(ends[0]);
  std::string sent(1'000'000, 'x');  // more than a pipe holds
  sent.back() = 'y';
  std::thread writer([&sent, in = Fd(ends[1])] { EXPECT_TRUE(write_all(in.get(), sent).ok()); });
  const auto got = read_all(out.get(), sent.size());
  writer.join();
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(*got, sent);
}

TEST(ReadAll, StopsAtTheLimit) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const Fd out(ends[0]);
  const Fd in(ends[1]);  // stays open: there is no end of file to wait for
  ASSERT_TRUE(write_all(in.get(), "12345").ok());
  EXPECT_TRUE(fails(read_all(out.get(), 4), ErrorKind::limit, "larger than 4 bytes"));
}

TEST(WriteAll, TellsOfAClosedDescriptor) {
  EXPECT_TRUE(fails(write_all(-1, "x"), ErrorKind::unavailable, "Bad file descriptor"));
  EXPECT_TRUE(write_all(-1, "").ok());
}

TEST(Paths, HaveAFolderPart) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"a/b", "a"}, {"/a", "/"},   {"a", "."},      {"", "."},   {"/", "/"},
      {"a/", "."},  {"a//b", "a"}, {"/a/b/", "/a"}, {"//", "/"}, {"../x", ".."}};
  for (const auto& [whole, folder] : cases) EXPECT_EQ(parent_folder(whole), folder) << whole;
}

TEST(Paths, AreResolvedBelowAFolder) {
  EXPECT_EQ(resolve("/etc/davy", "keys"), "/etc/davy/keys");
  EXPECT_EQ(resolve("/etc/davy/", "keys"), "/etc/davy/keys");
  EXPECT_EQ(resolve("/etc/davy", "/run/keys"), "/run/keys");
  EXPECT_EQ(resolve(".", "keys"), "keys");
  EXPECT_EQ(resolve("", "keys"), "keys");
  EXPECT_EQ(resolve("/", "keys"), "/keys");
}

}  // namespace
}  // namespace davy
