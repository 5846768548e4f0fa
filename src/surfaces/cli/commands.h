// The commands that belong to no folder's subject: they show what this binary has and
// what a configuration says.
#pragma once

#include <memory>

#include "core/command.h"

namespace davy::cli {

// `davy rules [-o table|json] [-c FILE]`: the catalogue; with a configuration, its modes.
[[nodiscard]] std::unique_ptr<Command> rules_command();
// `davy explain RULE [-o table|json]`. An unknown rule is trouble, with the nearest ids.
[[nodiscard]] std::unique_ptr<Command> explain_command();
// `davy modules [-o table|json]`: maturity and posture.
[[nodiscard]] std::unique_ptr<Command> modules_command();
// `davy check [-c FILE]`: every mistake with its line, or a summary of what will happen.
// Exit status 0, or 2 if there is an error; warnings change nothing.
[[nodiscard]] std::unique_ptr<Command> check_command();
// `davy health [-c FILE] [--timeout SECONDS]`: 0 if the gateway of this configuration says
// that it is ready, 1 if it does not or does not answer.
[[nodiscard]] std::unique_ptr<Command> health_command();
// `davy init [--profile P] [DIR | --config PATH] [--home DIR] [--print]`: a commented
// configuration, a home and a pepper. Overwrites nothing.
[[nodiscard]] std::unique_ptr<Command> init_command();

}  // namespace davy::cli
