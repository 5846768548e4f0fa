// A server hands its home and its sockets over to another that takes its place, so that an
// upgrade drops no request.
//
//   new → old  {"verb":"server.take_over","arguments":{"protocol":1}}   over home/davy.sock
//   old → new  {"ok":{}}, with descriptors: the lock of the home, the socket of the orders,
//              then every socket that listens. Or {"error":…}: it goes on as before.
//   new → old  serving
//   old → new  {"ok":{}}: it takes no more connections and no more orders.
//
// Between its first answer and its second the old one carries out no order; they wait in the
// socket that both hold, and the new one reads the state meanwhile. So at each moment one of
// them writes the state. The new one says `serving` when nothing but accepting is left to do.
// If it ends before it said so, or does not say so in kTakeOverPatience, the old one goes on
// as if nothing had been; the late one is told {"error":…} and must not serve. What the old
// one still has under way it ends itself, and appends its events itself (jsonl_events.h).
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/result.h"
#include "mechanisms/store/home.h"

namespace davy::store {

inline constexpr std::string_view kTakeOverVerb = "server.take_over";
// For what lies between the old one's first answer and `serving`. No order is carried out
// meanwhile, not even the revocation of a key.
inline constexpr std::chrono::seconds kTakeOverPatience{20};

// The new one's side: what it got. All stay the old one's as well, until that closes them.
struct HandedOver {
  Fd peer;    // the connection to it
  Fd lock;    // for HomeLock::adopt
  Fd orders;  // for OrderSocket::adopt
  std::vector<Fd> sockets;
};

// Unavailable: no server runs on this home, or the one that does cannot hand over.
[[nodiscard]] Result<HandedOver> ask_to_take_over(const Home& home, const Clock& clock);
// Says `serving` and returns when the old one takes no more, or is dead. An error: it has
// given up waiting and goes on, so this one must not serve.
[[nodiscard]] Result<void> confirm_take_over(int peer, const Clock& clock);

// What the server that shall hand over has to say to it. Called by the thread that takes
// orders.
struct HandOverDesk {
  // Copies of all sockets that listen. An error: it cannot hand over now.
  std::function<Result<std::vector<Fd>>()> sockets;
  // The process `by` has taken over; this one carries out no order any more.
  std::function<void(pid_t by)> relieved;
};

// The old one's side, once it has read the order. True: the new one has taken over, or this
// one ends (`wake` can be read) and leaves it all. False: it could not, and was told why if it
// is there still. Without `desk.sockets` nothing is handed over.
[[nodiscard]] bool hand_over(int peer, std::string_view arguments, int lock, int orders,
                             const HandOverDesk& desk, int wake, const Clock& clock);

}  // namespace davy::store
