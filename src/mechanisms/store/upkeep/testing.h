// For the tests of this folder only.
#pragma once

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "mechanisms/store/testing.h"

namespace davy::store::testing {

inline std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

inline void put(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

inline std::set<std::string> names_in(const std::string& folder) {
  std::set<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    out.insert(entry.path().filename().string());
  }
  return out;
}

inline unsigned mode_of(const std::string& path) {
  return static_cast<unsigned>(std::filesystem::status(path).permissions());
}

inline bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// A home that was used: `orders` orders, two events and the begin of a third, a pepper.
struct UsedHome {
  explicit UsedHome(int orders = 3) : home(must(Home::open_or_create(folder.file("home")))) {
    const HomeLock lock = must(HomeLock::take(home));
    const auto store = must(SqliteStateStore::open(home, lock));
    for (int i = 0; i < orders; ++i) {
      const std::vector<Change> changes = {{"keys", "k" + std::to_string(i), "{}"}};
      must(store->apply({0, WallTime(), "test", "key.create", "k"}, changes));
    }
    put(home.file(kEventsFile), "{\"a\":1}\n{\"b\":2}\n{\"torn");
    put(home.file(kPepperFile), "0123456789abcdef0123456789abcdef\n");
    std::filesystem::permissions(home.file(kPepperFile), std::filesystem::perms(0600));
  }
  TemporaryFolder folder;
  Home home;
};

inline constexpr WallTime kNow{std::chrono::seconds(1'800'000'000)};

}  // namespace davy::store::testing
