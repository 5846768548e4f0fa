#include "mechanisms/telemetry/process_numbers.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <vector>

#include "base/files.h"
#include "base/strings.h"
#include "mechanisms/telemetry/prometheus_text.h"

namespace davy::telemetry {
namespace {

// proc_pid_stat(5), counted from 1; the fields before follow the command's name, which
// may itself hold spaces and brackets.
constexpr std::size_t kState = 3;
constexpr std::size_t kUserTicks = 14;
constexpr std::size_t kSystemTicks = 15;
constexpr std::size_t kThreads = 20;
constexpr std::size_t kStartTicks = 22;
constexpr std::size_t kVirtualBytes = 23;
constexpr std::size_t kResidentPages = 24;

Error no_proc() { return unavailable("cannot read /proc", {}, "mount it to get process metrics"); }

// Files below /proc have no size: they are read to their end.
Result<std::string> read_proc(const std::string& path) { return read_file(path, 1 << 20); }

Result<std::uint64_t> count_fds() {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/proc/self/fd"), &::closedir);
  if (folder == nullptr) return no_proc();
  std::uint64_t count = 0;
  while (const dirent* entry = ::readdir(folder.get())) {
    if (entry->d_name[0] != '.') ++count;
  }
  return count - 1;  // without the one that reads the folder
}

Result<double> boot_seconds() {
  DAVY_ASSIGN(const std::string text, read_proc("/proc/stat"));
  for (const std::string_view line : split(text, '\n')) {
    if (line.starts_with("btime ")) {
      if (const auto seconds = to_number(trim(line.substr(6))))
        return static_cast<double>(*seconds);
    }
  }
  return no_proc();
}

}  // namespace

Result<ProcessNumbers> read_process_numbers() {
  DAVY_ASSIGN(const std::string stat, read_proc("/proc/self/stat"));
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return no_proc();
  const auto fields = split(trim(std::string_view(stat).substr(name_end + 1)), ' ');
  bool whole = true;
  const auto field = [&](std::size_t number) {
    const std::size_t at = number - kState;
    const auto value = at < fields.size() ? to_number(fields[at]) : std::nullopt;
    whole = whole && value.has_value();
    return value.value_or(0);
  };

  ProcessNumbers numbers;
  const auto ticks_per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
  numbers.resident_bytes =
      field(kResidentPages) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  numbers.virtual_bytes = field(kVirtualBytes);
  numbers.threads = field(kThreads);
  numbers.cpu_seconds =
      static_cast<double>(field(kUserTicks) + field(kSystemTicks)) / ticks_per_second;
  const double since_boot = static_cast<double>(field(kStartTicks)) / ticks_per_second;
  if (!whole) return no_proc();
  DAVY_ASSIGN(const double boot, boot_seconds());
  numbers.start_unix_seconds = boot + since_boot;
  DAVY_ASSIGN(numbers.open_fds, count_fds());
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) numbers.max_fds = limit.rlim_cur;
  return numbers;
}

std::string prometheus_text(const ProcessNumbers& numbers) {
  std::string out;
  const auto line = [&](std::string_view name, std::string_view help, MetricKind kind,
                        double value) {
    append_family_head(out, name, help, kind);
    append_sample(out, name, "", {}, value);
  };
  const auto whole = [](std::uint64_t number) { return static_cast<double>(number); };
  line("process_cpu_seconds_total", "CPU time used, user and system.", MetricKind::counter,
       numbers.cpu_seconds);
  line("process_max_fds", "How many file descriptors may be open.", MetricKind::gauge,
       whole(numbers.max_fds));
  line("process_open_fds", "How many file descriptors are open.", MetricKind::gauge,
       whole(numbers.open_fds));
  line("process_resident_memory_bytes", "Memory in RAM.", MetricKind::gauge,
       whole(numbers.resident_bytes));
  line("process_start_time_seconds", "When the process began, in seconds since 1970.",
       MetricKind::gauge, numbers.start_unix_seconds);
  line("process_threads", "How many threads the process has.", MetricKind::gauge,
       whole(numbers.threads));
  line("process_virtual_memory_bytes", "Address space in use.", MetricKind::gauge,
       whole(numbers.virtual_bytes));
  return out;
}

}  // namespace davy::telemetry
