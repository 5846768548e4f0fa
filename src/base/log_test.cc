#include "base/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/files.h"

namespace davy::log {
namespace {

class Log : public testing::Test {
 protected:
  void SetUp() override {
    set_output([this](std::string_view line) { lines_.emplace_back(line); });
  }
  void TearDown() override {
    set_output({});
    set_level(Level::info);
  }
  // The one line written since the last call, without its time.
  std::string line() {
    if (lines_.size() != 1) return std::to_string(lines_.size()) + " lines";
    std::string out = lines_[0].substr(std::string_view("2026-11-24T05:44:31.042Z ").size());
    lines_.clear();
    return out;
  }
  std::vector<std::string> lines_;
};

TEST_F(Log, WritesTimeLevelMessageAndFields) {
  info("listening", {{"address", "127.0.0.1:8080"}, {"loops", 2}});
  ASSERT_EQ(lines_.size(), 1U);
  const std::string digits = "0123456789";
  std::string shape = lines_[0].substr(0, 25);
  for (char& c : shape) {
    if (digits.find(c) != std::string::npos) c = '0';
  }
  EXPECT_EQ(shape, "0000-00-00T00:00:00.000Z ");
  EXPECT_EQ(line(), "info listening address=127.0.0.1:8080 loops=2");
}

TEST_F(Log, WritesEveryType) {
  info("m", {{"a", true},
             {"b", -7},
             {"c", 0.25},
             {"d", std::numeric_limits<std::uint64_t>::max()},
             {"e", std::string("text")},
             {"f", std::string_view("view")},
             {"g", std::numeric_limits<std::int64_t>::min()}});
  EXPECT_EQ(line(),
            "info m a=true b=-7 c=0.25 d=18446744073709551615 e=text f=view "
            "g=-9223372036854775808");
}

TEST_F(Log, QuotesWhatIsNotOneWord) {
  warning("m", {{"a", "two words"}, {"b", ""}, {"c", "k=v"}, {"d", "say \"hi\""}, {"e", "C:\\x"}});
  EXPECT_EQ(line(), R"(warning m a="two words" b="" c="k=v" d="say \"hi\"" e="C:\\x")");
}

TEST_F(Log, LetsNoValueForgeALine) {
  error("m", {{"path", "x\n2026-11-24T05:44:31.042Z info all is well"}, {"n", 1}});
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_EQ(lines_[0].find('\n'), std::string::npos);
  EXPECT_EQ(line(), R"(error m path="x\x0a2026-11-24T05:44:31.042Z info all is well" n=1)");
  error("a\nb\r\x1b[2Jc");
  EXPECT_EQ(line(), R"(error a\x0ab\x0d\x1b[2Jc)");
}

TEST_F(Log, LetsNoValueForgeAField) {
  info("m", {{"a", R"(x" level="error)"}, {"b", R"(x\" c=1)"}, {"d", R"(x\)"}});
  EXPECT_EQ(line(), R"(info m a="x\" level=\"error" b="x\\\" c=1" d="x\\")");
}

// A backslash that we wrote and one that was there are told apart.
TEST_F(Log, KeepsEscapesUnambiguous) {
  info("m", {{"a", "\x1b[31m"}, {"b", R"(\x1b[31m)"}});
  EXPECT_EQ(line(), R"(info m a="\x1b[31m" b="\\x1b[31m")");
}

TEST_F(Log, DisarmsWhatATerminalWouldObey) {
  info("m", {{"a", "x\u202Ey"},
             {"b",
              "\xc2\x9b"
              "2J"},
             {"c", "\xff"}});
  EXPECT_EQ(line(), R"(info m a=x\u{202e}y b=\u{009b}2J c=\xff)");
}

TEST_F(Log, CutsLongValuesAndMessages) {
  info("m", {{"a", std::string(100'000, 'x')}});
  EXPECT_EQ(line(), "info m a=" + std::string(197, 'x') + "…");
  info("m", {{"a", std::string(100'000, '"')}});
  const std::string quoted = line();
  EXPECT_LE(quoted.size(), std::string_view("info m a=").size() + 202);
  EXPECT_TRUE(quoted.ends_with("…\""));
  info(std::string(100'000, 'y'));
  EXPECT_EQ(line(), "info " + std::string(497, 'y') + "…");
}

TEST_F(Log, LeavesOutWhatIsBelowTheLevel) {
  debug("no");
  EXPECT_TRUE(lines_.empty());
  set_level(Level::debug);
  debug("yes");
  EXPECT_EQ(line(), "debug yes");
  set_level(Level::error);
  warning("no");
  EXPECT_TRUE(lines_.empty());
  error("yes");
  EXPECT_EQ(line(), "error yes");
}

// A pipe in packet mode keeps writes apart: one line is one write(2), so that lines of
// two processes never mix.
TEST(LogOutput, IsStandardErrorInOneWrite) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe2(ends.data(), O_DIRECT), 0);
  const Fd out(ends[0]);
  Fd in(ends[1]);
  const Fd saved(dup(STDERR_FILENO));
  ASSERT_EQ(dup2(in.get(), STDERR_FILENO), STDERR_FILENO);
  info("first", {{"a", "b c"}});
  info("second");
  ASSERT_EQ(dup2(saved.get(), STDERR_FILENO), STDERR_FILENO);
  std::array<char, 4096> packet{};
  const auto next = [&] {
    const ssize_t got = read(out.get(), packet.data(), packet.size());
    return std::string(packet.data(), got < 0 ? 0 : static_cast<std::size_t>(got));
  };
  EXPECT_TRUE(next().ends_with(" info first a=\"b c\"\n"));
  EXPECT_TRUE(next().ends_with(" info second\n"));
}

TEST_F(Log, SamplesABurstThenOneAPeriod) {
  Sampled sampled(2, 10);
  const auto at = [&](std::int64_t second) {
    sampled.write(Level::error, "upstream", {{"second", second}}, second);
  };
  at(1000);
  EXPECT_EQ(line(), "error upstream second=1000");
  at(1000);
  EXPECT_EQ(line(), "error upstream second=1000");
  for (const std::int64_t second : {1000, 1001, 1009}) at(second);
  EXPECT_TRUE(lines_.empty());
  at(1010);
  EXPECT_EQ(line(), "error upstream second=1010 suppressed=3");
  at(1011);
  EXPECT_TRUE(lines_.empty());
  at(1020);
  EXPECT_EQ(line(), "error upstream second=1020 suppressed=1");
}

TEST_F(Log, SamplesAWholeBurstAgainAfterAQuietTime) {
  Sampled sampled(3, 10);
  const auto burst = [&](std::int64_t second) {
    for (int i = 0; i < 5; ++i) sampled.write(Level::error, "m", {}, second);
    return std::exchange(lines_, {}).size();
  };
  EXPECT_EQ(burst(0), 3U);
  EXPECT_EQ(burst(0), 0U);
  EXPECT_EQ(burst(25), 2U);    // two periods
  EXPECT_EQ(burst(30), 1U);    // the rest of 25 counted
  EXPECT_EQ(burst(9999), 3U);  // never more than a burst
}

TEST_F(Log, SamplesOnWhenTheClockStepsBack) {
  Sampled sampled(1, 10);
  const auto at = [&](std::int64_t second) {
    sampled.write(Level::error, "m", {}, second);
    return std::exchange(lines_, {}).size();
  };
  EXPECT_EQ(at(1'000'000), 1U);
  EXPECT_EQ(at(5), 0U);
  EXPECT_EQ(at(15), 1U);
}

TEST_F(Log, SamplingCountsNothingBelowTheLevel) {
  Sampled sampled(1, 10);
  sampled.write(Level::debug, "m", {}, 0);
  sampled.write(Level::error, "m", {}, 0);
  EXPECT_EQ(line(), "error m");
}

}  // namespace
}  // namespace davy::log
