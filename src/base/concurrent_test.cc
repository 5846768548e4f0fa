// What base promises to threads, for ThreadSanitizer.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/ids.h"
#include "base/log.h"

namespace davy {
namespace {

constexpr std::size_t kThreads = 4;
constexpr std::size_t kEach = 500;

template <class Work>
void in_threads(Work work) {
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kThreads; ++i) threads.emplace_back(work, i);
  for (std::thread& thread : threads) thread.join();
}

TEST(Threads, NeverGetTheSameRequestId) {
  std::vector<std::vector<std::string>> made(kThreads);
  in_threads([&](std::size_t thread) {
    for (std::size_t i = 0; i < kEach; ++i) made[thread].push_back(new_request_id(WallTime{}));
  });
  std::set<std::string> all;
  for (const auto& ids : made) all.insert(ids.begin(), ids.end());
  EXPECT_EQ(all.size(), kThreads * kEach);
}

TEST(Threads, LogWholeLinesAndShareASample) {
  std::vector<std::string> lines;
  log::set_output([&](std::string_view line) { lines.emplace_back(line); });
  log::Sampled sampled(10, 60);
  in_threads([&](std::size_t thread) {
    for (std::size_t i = 0; i < kEach; ++i) {
      log::info("plain", {{"thread", thread}, {"end", true}});
      sampled.write(log::Level::error, "sampled", {{"end", true}}, 0);
      log::set_level(log::Level::info);
    }
  });
  log::set_output({});
  EXPECT_EQ(lines.size(), kThreads * kEach + 10);
  for (const std::string& line : lines) EXPECT_TRUE(line.ends_with(" end=true")) << line;
}

}  // namespace
}  // namespace davy
