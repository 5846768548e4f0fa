// Serves the connection of one client: who it is, then its requests one after the other.
#pragma once

#include <memory>

#include "mechanisms/net/connection.h"
#include "surfaces/gateway/shared.h"
#include "surfaces/gateway/tls_door.h"

namespace davy::gateway {

// How clients come in: one entry of `listen:`.
struct Door {
  std::unique_ptr<TlsDoor> tls;  // null where they speak plain text
  bool proxy_protocol = false;   // each connection begins with a PROXY protocol header
};

// `state` is that of the connection's loop; both it and the door outlive the task. Returns
// when the client is gone or was told to go. `serving` counts from where the connection was
// accepted, before this runs.
[[nodiscard]] net::Task<void> serve_client(LoopState& state,
                                           std::unique_ptr<net::Connection> client,
                                           const Door& door, std::unique_ptr<Serving> serving);

}  // namespace davy::gateway
