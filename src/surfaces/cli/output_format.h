// `-o table|json`, the same for every command that has it.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <map>
#include <string>

namespace davy::cli {

enum class OutputFormat : std::uint8_t { table, json };

inline void add_output_option(CLI::App& app, OutputFormat& format) {
  static const std::map<std::string, OutputFormat> kFormats{{"table", OutputFormat::table},
                                                            {"json", OutputFormat::json}};
  app.add_option("-o,--output", format, "table or json")
      ->transform(CLI::CheckedTransformer(kFormats))
      ->default_str("table");
}

}  // namespace davy::cli
