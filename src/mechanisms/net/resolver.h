// Resolves names on threads of its own, since getaddrinfo waits, and keeps what it learned.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "mechanisms/net/loop.h"
#include "mechanisms/net/name_cache.h"
#include "mechanisms/net/task.h"

namespace davy::net {

// Thread-safe. A question that is under way when it goes ends by itself; nothing waits for it.
class Resolver {
 public:
  // How many names are asked at once; others wait for their turn.
  static constexpr std::size_t kThreads = 8;

  // May wait; called on a thread of ours.
  using Lookup = std::function<Result<Addresses>(const std::string& name)>;
  // getaddrinfo(3).
  [[nodiscard]] static Result<Addresses> system_lookup(const std::string& name);

  explicit Resolver(const Clock& clock, Lookup lookup = &Resolver::system_lookup);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // Wakes nobody from here on. Call it before the loops go that use it.
  void close();

  // Addresses in the order in which to try them; an address itself needs no asking. Known
  // ones at once, even old ones; else waits for an answer, for at most `patience`.
  [[nodiscard]] Task<Result<Addresses>> resolve(Loop& loop, std::string name,
                                                std::chrono::nanoseconds patience);
  // Asks again what is old, and waits for nothing.
  void refresh(const std::string& name);
  // Grows with each answer that differs from one before it; connections that are older
  // go to addresses that the name may not have any more. Lives as long as the resolver.
  [[nodiscard]] const std::atomic<std::uint32_t>& changes(const std::string& name);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace davy::net
