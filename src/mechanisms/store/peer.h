// One end of a connection over home/davy.sock: lines with a bound and a deadline.
#pragma once

#include <sys/un.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/files.h"
#include "base/result.h"
#include "mechanisms/store/home.h"

namespace davy::store {

// How long a peer may take to send its line, and to take the answer.
inline constexpr std::chrono::seconds kPeerPatience{5};

// The address of the home's socket. A path too long for a socket address is reached
// through /proc/self/fd, so `home` must stay open while the address is in use.
[[nodiscard]] Result<sockaddr_un> socket_address(const Home& home);

// A connected socket, or the system's error number.
struct Connected {
  Fd fd;
  int error = 0;
};
[[nodiscard]] Connected connect_to(const Home& home);

// The first line that comes, without its LF. Longer than `limit` bytes: limit; silent
// or gone before the LF: unavailable. What follows the LF is not read on purpose.
[[nodiscard]] Result<std::string> receive_line(int fd, std::size_t limit,
                                               std::chrono::milliseconds patience,
                                               const Clock& clock);

[[nodiscard]] Result<void> send_all(int fd, std::string_view data,
                                    std::chrono::milliseconds patience, const Clock& clock);

}  // namespace davy::store
