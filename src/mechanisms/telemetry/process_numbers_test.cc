#include "mechanisms/telemetry/process_numbers.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/clock.h"
#include "base/files.h"

namespace davy::telemetry {
namespace {

TEST(ProcessNumbers, AreThoseOfALivingProcess) {
  const auto numbers = read_process_numbers();
  ASSERT_TRUE(numbers.ok()) << numbers.error().text();
  EXPECT_GT(numbers->resident_bytes, 100'000u);
  EXPECT_GT(numbers->virtual_bytes, numbers->resident_bytes);
  EXPECT_GE(numbers->open_fds, 3u);
  EXPECT_GE(numbers->max_fds, numbers->open_fds);
  EXPECT_GE(numbers->threads, 1u);
  EXPECT_GE(numbers->cpu_seconds, 0);
  const double now = unix_seconds(system_clock().now().wall);
  EXPECT_GT(numbers->start_unix_seconds, now - 24 * 3600);
  EXPECT_LT(numbers->start_unix_seconds, now + 60);
}

TEST(ProcessNumbers, CountOpenFiles) {
  const auto before = read_process_numbers();
  const Fd one(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const auto after = read_process_numbers();
  ASSERT_TRUE(before.ok() && after.ok());
  EXPECT_EQ(after->open_fds, before->open_fds + 1);
}

TEST(ProcessNumbers, AreWrittenWithHelpAndType) {
  ProcessNumbers numbers;
  numbers.cpu_seconds = 1.25;
  const std::string text = prometheus_text(numbers);
  EXPECT_NE(text.find("# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total 1.25\n"),
            std::string::npos)
      << text;
}

}  // namespace
}  // namespace davy::telemetry
