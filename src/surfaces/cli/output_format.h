// `-o table|json`, the same for every command that has it.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

namespace davy::cli {

enum class OutputFormat : std::uint8_t { table, json };

inline void add_output_option(CLI::App& app, OutputFormat& format) {
  app.add_option_function<std::string>(
         "-o,--output",
         [&format](const std::string& text) {
           format = text == "json" ? OutputFormat::json : OutputFormat::table;
         },
         "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->default_str("table");
}

}  // namespace davy::cli
