// What names resolve to, as last known.
//
// getaddrinfo gives no time to live, so an answer counts as fresh for half a minute. An old
// one is used while a new one is asked for, and as long as asking fails: a resolver that is
// down must not take down what still runs. Time is handed in. Not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "core/address.h"

namespace davy::net {

using Addresses = std::vector<Address>;

class NameCache {
 public:
  static constexpr std::chrono::seconds kFresh{30};
  // After an answer that was none, and for whoever asks the same name meanwhile.
  static constexpr std::chrono::seconds kRetry{5};

  struct Known {
    Addresses addresses;        // empty: nothing is known
    std::string trouble;        // why the last question had no answer; "" = it had
    bool asked = false;         // somebody has asked and waits
    bool wants_asking = false;  // call asking(), and ask
  };
  [[nodiscard]] Known look(std::string_view name, SteadyTime now) const;
  void asking(std::string_view name);
  // The answer. True: the name had other addresses before, in whatever order.
  bool put(std::string_view name, Result<Addresses> answer, SteadyTime now);

 private:
  struct Entry {
    Addresses addresses;
    std::string trouble;
    bool asked = false;
    SteadyTime next{};  // when it wants asking
  };
  std::map<std::string, Entry, std::less<>> entries_;
};

// RFC 8305 section 4: the two families take turns, beginning with the first address's.
[[nodiscard]] Addresses take_turns(const Addresses& addresses);

}  // namespace davy::net
