// What every Command must look like (core/command.h).
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "core/command.h"
#include "core/contract/violations.h"

namespace davy {

using CommandFactory = std::function<std::unique_ptr<Command>()>;

namespace contract {

inline Violations a_command_has_a_path_and_a_summary(const CommandFactory& make) {
  Check check;
  const auto command = make();
  std::string path(command->path());
  std::replace(path.begin(), path.end(), '-', '_');
  check.that(is_words(path, ' '), "the path is not lower-case words with one space between");
  check.that(is_line(command->summary(), 100), "the summary is not one line of at most 100 bytes");
  check.that(command->path() == make()->path(), "the path changes from object to object");
  return check.take();
}

}  // namespace contract

class CommandContract : public ::testing::TestWithParam<CommandFactory> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(CommandContract);

TEST_P(CommandContract, ACommandHasAPathAndASummary) {
  EXPECT_EQ(contract::lines(contract::a_command_has_a_path_and_a_summary(GetParam())), "");
}

}  // namespace davy
