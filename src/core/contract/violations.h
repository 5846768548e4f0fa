// What the contract suites share.
//
// Each contract is a set of functions that take a factory and return what an
// implementation does wrong, so that a test can also show that a broken one is caught.
// The suite below them asserts that nothing is wrong. An implementation's test says:
//
//   INSTANTIATE_TEST_SUITE_P(Sqlite, StateStoreContract, ::testing::Values(factory));
//
// A suite's header goes into one source file of a test executable.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace davy::contract {

using Violations = std::vector<std::string>;

class Check {
 public:
  void that(bool holds, std::string what) {
    if (!holds) violations_.push_back(std::move(what));
  }
  [[nodiscard]] Violations take() { return std::move(violations_); }

 private:
  Violations violations_;
};

// One line each; "" if there are none.
[[nodiscard]] inline std::string lines(const Violations& violations) {
  std::string out;
  for (const std::string& violation : violations) out += violation + "\n";
  return out;
}

// Runs `work(index)` on that many threads at once.
template <class Work>
void on_threads(std::size_t count, Work work) {
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < count; ++i) threads.emplace_back(work, i);
  for (std::thread& thread : threads) thread.join();
}

// Words of lower-case letters, digits and '_', joined by `separator`.
[[nodiscard]] inline bool is_words(std::string_view text, char separator) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  if (text.empty() || !is_letter(text.front()) || !is_letter(text.back())) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!is_letter(text[i]) && (text[i] != separator || text[i - 1] == separator)) return false;
  }
  return true;
}

// One line that a person can read.
[[nodiscard]] inline bool is_line(std::string_view text, std::size_t limit) {
  return !text.empty() && text.size() <= limit &&
         std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

}  // namespace davy::contract
