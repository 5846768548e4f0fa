// What the kernel says about this process, read when asked (/proc/self; proc(5)).
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace davy::telemetry {

struct ProcessNumbers {
  std::uint64_t resident_bytes = 0;
  std::uint64_t virtual_bytes = 0;
  std::uint64_t open_fds = 0;
  std::uint64_t max_fds = 0;      // soft RLIMIT_NOFILE
  double cpu_seconds = 0;         // user and system
  double start_unix_seconds = 0;  // to one clock tick (10 ms)
  std::uint64_t threads = 0;
};

// `unavailable` where /proc is not mounted. Thread-safe.
[[nodiscard]] Result<ProcessNumbers> read_process_numbers();

// Prometheus text under the names of the client library guidelines ("process_…").
[[nodiscard]] std::string prometheus_text(const ProcessNumbers& numbers);

}  // namespace davy::telemetry
