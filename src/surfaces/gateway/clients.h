// The connections of clients: how many there may be, and which of them rest.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "core/address.h"
#include "mechanisms/net/connection.h"

namespace davy::gateway {

// Counts connections, in all and by client. Thread-safe.
class ClientCounts {
 public:
  // One more of all, unless there are `bound`; the same of one client. What gave true ends
  // with leave().
  [[nodiscard]] bool enter(std::size_t bound) noexcept;
  void leave() noexcept { all_.fetch_sub(1, std::memory_order_relaxed); }
  [[nodiscard]] bool enter(const Address& client, std::size_t bound);
  void leave(const Address& client) noexcept;

  [[nodiscard]] std::size_t all() const noexcept { return all_.load(std::memory_order_relaxed); }

 private:
  // By address; of IPv6 the first 64 bits.
  using Key = std::pair<Address::Family, std::array<unsigned char, 8>>;
  struct Stripe {
    std::mutex mutex;
    std::map<Key, std::size_t> counts;
  };
  static constexpr std::size_t kStripes = 64;
  [[nodiscard]] static Key key_of(const Address& client) noexcept;
  [[nodiscard]] Stripe& stripe_of(const Key& key) noexcept;

  std::atomic<std::size_t> all_{0};
  std::array<Stripe, kStripes> stripes_;
};

// A connection that counts, until it goes.
class CountedClient {
 public:
  CountedClient(ClientCounts& counts, std::size_t bound)
      : counts_(counts), taken_(counts.enter(bound)) {}
  ~CountedClient() {
    if (client_) counts_.leave(*client_);
    if (taken_) counts_.leave();
  }
  CountedClient(const CountedClient&) = delete;
  CountedClient& operator=(const CountedClient&) = delete;

  // False: it is one too many.
  [[nodiscard]] bool taken() const noexcept { return taken_; }
  // It is that client's, which may have `bound`. False: it is one too many. To be called once.
  [[nodiscard]] bool belongs_to(const Address& client, std::size_t bound) {
    if (!counts_.enter(client, bound)) return false;
    client_ = client;
    return true;
  }

 private:
  ClientCounts& counts_;
  const bool taken_;
  std::optional<Address> client_;
};

// The connections of one loop that rest: they have had an answer, and nothing more came.
class RestingClients {
 public:
  // One connection's place, which is there as long as the connection serves requests.
  class Place {
   public:
    Place(RestingClients& all, net::Connection& client) : all_(all), client_(client) {}
    ~Place() { stir(); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    void rest() noexcept;
    void stir() noexcept;

   private:
    friend class RestingClients;
    RestingClients& all_;
    net::Connection& client_;
    Place* next_ = nullptr;
    Place** previous_ = nullptr;  // null: it does not rest
  };

  // Ends them all, but for those that have just sent something: they are to be answered.
  void end() noexcept;

 private:
  Place* first_ = nullptr;
};

}  // namespace davy::gateway
