#include "mechanisms/net/resolver.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <boost/asio/steady_timer.hpp>
#include <cstring>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "base/log.h"

namespace davy::net {
namespace {

using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, Executor>;

Address address_of(const addrinfo& info) {
  if (info.ai_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, info.ai_addr, sizeof in);
    unsigned char bytes[4];
    std::memcpy(bytes, &in.sin_addr, sizeof bytes);
    return Address::v4(bytes);
  }
  sockaddr_in6 in{};
  std::memcpy(&in, info.ai_addr, sizeof in);
  return Address::v6(in.sin6_addr.s6_addr);
}

}  // namespace

struct Resolver::State {
  struct Waiter {
    Loop* loop;
    std::weak_ptr<Timer> timer;
  };
  State(const Clock& c, Lookup l) : clock(c), lookup(std::move(l)) {}

  const Clock& clock;
  const Lookup lookup;
  std::mutex mutex;  // guards the rest
  bool closed = false;
  NameCache cache;
  std::deque<std::string> queue;
  std::size_t threads = 0;
  std::map<std::string, std::vector<Waiter>, std::less<>> waiters;
  std::map<std::string, std::atomic<std::uint32_t>, std::less<>> changes;

  // With the mutex held.
  void ask(const std::shared_ptr<State>& self, const std::string& name);
  void answer(const std::string& name, Result<Addresses> addresses);
  static void work(const std::shared_ptr<State>& self);
};

void Resolver::State::ask(const std::shared_ptr<State>& self, const std::string& name) {
  cache.asking(name);
  queue.push_back(name);
  if (threads >= kThreads) return;
  try {
    std::thread([self] { work(self); }).detach();
    ++threads;
  } catch (const std::system_error& error) {
    if (threads > 0) return;  // one of them will come to it
    queue.pop_back();
    (void)cache.put(name, unavailable(error.what()), clock.steady());
  }
}

void Resolver::State::answer(const std::string& name, Result<Addresses> addresses) {
  const Now now = clock.now();
  const bool good = addresses.ok() && !addresses->empty();
  const std::string why = addresses ? "it has no address" : addresses.error().message;
  if (cache.put(name, std::move(addresses), now.steady)) {
    changes[name].fetch_add(1, std::memory_order_relaxed);
  }
  if (!good) {
    static log::Sampled sampled(3, 60);
    sampled.write(log::Level::warning, "a name cannot be resolved",
                  {{"name", name},
                   {"why", why},
                   {"old_answer_in_use", !cache.look(name, now.steady).addresses.empty()}},
                  static_cast<std::int64_t>(unix_seconds(now.wall)));
  }
  for (const Waiter& waiter : waiters[name]) {
    waiter.loop->post([weak = waiter.timer] {
      if (const auto timer = weak.lock()) timer->cancel();
    });
  }
  waiters.erase(name);
}

void Resolver::State::work(const std::shared_ptr<State>& self) {
  std::unique_lock lock(self->mutex);
  while (!self->closed && !self->queue.empty()) {
    const std::string name = std::move(self->queue.front());
    self->queue.pop_front();
    lock.unlock();
    Result<Addresses> addresses = self->lookup(name);
    lock.lock();
    if (!self->closed) self->answer(name, std::move(addresses));
  }
  --self->threads;
}

Result<Addresses> Resolver::system_lookup(const std::string& name) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const int fault = ::getaddrinfo(name.c_str(), nullptr, &hints, &found);
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, [](addrinfo* list) {
    if (list != nullptr) ::freeaddrinfo(list);
  });
  if (fault != 0) return unavailable(::gai_strerror(fault));
  Addresses out;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    if (each->ai_family != AF_INET && each->ai_family != AF_INET6) continue;
    out.push_back(address_of(*each));
  }
  return out;
}

Resolver::Resolver(const Clock& clock, Lookup lookup)
    : state_(std::make_shared<State>(clock, std::move(lookup))) {}

Resolver::~Resolver() { close(); }

void Resolver::close() {
  const std::lock_guard lock(state_->mutex);
  state_->closed = true;
  state_->waiters.clear();
}

Task<Result<Addresses>> Resolver::resolve(Loop& loop, std::string name,
                                          std::chrono::nanoseconds patience) {
  if (const auto address = parse_address(name)) co_return Addresses{*address};
  const std::shared_ptr<State> state = state_;
  auto timer = std::make_shared<Timer>(loop.executor());
  timer->expires_after(patience);
  for (;;) {
    {
      const std::lock_guard lock(state->mutex);
      const SteadyTime now = loop.steady();
      if (state->cache.look(name, now).wants_asking) state->ask(state, name);
      const NameCache::Known known = state->cache.look(name, now);
      if (!known.addresses.empty()) co_return take_turns(known.addresses);
      if (!known.asked) {
        co_return unavailable("its name cannot be resolved: " + known.trouble, {},
                              "check the host name and the resolver");
      }
      state->waiters[name].push_back({&loop, timer});
    }
    boost::system::error_code woken;
    co_await timer->async_wait(asio::redirect_error(kAwait, woken));
    if (!woken) {
      co_return unavailable("its name was not resolved in time", {},
                            "check the host name and the resolver");
    }
  }
}

void Resolver::refresh(const std::string& name) {
  if (parse_address(name)) return;
  const std::lock_guard lock(state_->mutex);
  if (state_->cache.look(name, state_->clock.steady()).wants_asking) {
    state_->ask(state_, name);
  }
}

const std::atomic<std::uint32_t>& Resolver::changes(const std::string& name) {
  const std::lock_guard lock(state_->mutex);
  return state_->changes[name];
}

}  // namespace davy::net
