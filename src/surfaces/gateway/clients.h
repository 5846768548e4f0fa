// The connections of clients: how many there may be, and which of them rest.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <utility>

#include "core/address.h"
#include "mechanisms/net/connection.h"

namespace davy::gateway {

// Counts connections, in all and by client. Thread-safe.
class ClientCounts {
 public:
  enum class Verdict : std::uint8_t { taken, too_many, too_many_of_client };
  struct Bounds {
    std::size_t all = SIZE_MAX;
    std::size_t of_client = SIZE_MAX;
  };

  // One connection more, unless the bounds are reached. `one_client` is false for an
  // address behind which are many: a trusted proxy.
  [[nodiscard]] Verdict enter(const Address& client, bool one_client, const Bounds& bounds);
  // The end of one that was taken, with the same arguments.
  void leave(const Address& client, bool one_client) noexcept;

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
  CountedClient(ClientCounts& counts, const Address& client, bool one_client,
                const ClientCounts::Bounds& bounds)
      : counts_(counts),
        client_(client),
        one_client_(one_client),
        verdict_(counts.enter(client, one_client, bounds)) {}
  ~CountedClient() {
    if (verdict_ == ClientCounts::Verdict::taken) counts_.leave(client_, one_client_);
  }
  CountedClient(const CountedClient&) = delete;
  CountedClient& operator=(const CountedClient&) = delete;

  [[nodiscard]] ClientCounts::Verdict verdict() const noexcept { return verdict_; }

 private:
  ClientCounts& counts_;
  const Address client_;
  const bool one_client_;
  const ClientCounts::Verdict verdict_;
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
