#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstddef>
#include <ostream>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/files.h"
#include "base/ids.h"
#include "base/secret.h"
#include "base/strings.h"
#include "mechanisms/store/home.h"
#include "surfaces/cli/commands.h"
#include "surfaces/cli/init_profiles.h"

namespace davy::cli {
namespace {

constexpr char kConfigName[] = "davylamp.yaml";
constexpr char kHomeInProfile[] = "./davylamp-home";  // as the profiles' `home:` says
constexpr std::size_t kPepperBytes = 32;
constexpr mode_t kConfigMode = 0644;  // it holds no secret
constexpr mode_t kPepperMode = 0600;

// A new pepper as text: hex and a newline.
Secret new_pepper() {
  std::array<std::byte, kPepperBytes> bytes{};
  random_bytes(bytes);
  std::string raw;
  raw.reserve(bytes.size());
  for (const std::byte b : bytes) raw.push_back(static_cast<char>(b));
  std::string text = to_hex(raw);
  text.reserve(text.size() + 1);
  text.push_back('\n');
  wipe(raw.data(), raw.size());
  wipe(bytes.data(), bytes.size());
  return Secret(std::move(text));
}

// `path` as a YAML value: plain where nothing in it could mean something else.
std::string yaml_text(std::string_view path) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-";
  if (path.find_first_not_of(kPlain) == std::string_view::npos && path.front() != '-') {
    return std::string(path);
  }
  std::string out = "\"";
  for (const char c : path) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

// The profile's text with another home; the comment beside it keeps its column if it can.
std::string with_home(std::string_view config, std::string_view home) {
  const std::string before = "\nhome: " + std::string(kHomeInProfile);
  const auto at = config.find(before);
  std::string line = "\nhome: " + yaml_text(home);
  const std::size_t rest = config.find('#', at);
  line.resize(std::max(line.size() + 2, rest - at), ' ');
  return std::string(config.substr(0, at)) + line + std::string(config.substr(rest));
}

class InitCommand final : public Command {
 public:
  std::string_view path() const noexcept override { return "init"; }
  std::string_view summary() const noexcept override {
    return "Write a commented configuration, a home and a pepper";
  }
  void define(CLI::App& app) override {
    std::set<std::string> names;
    std::string about = "what it is for:";
    for (const InitProfile& profile : init_profiles()) {
      names.emplace(profile.name);
      about += "\n" + std::string(profile.name) + ": " + std::string(profile.summary);
    }
    app.add_option("--profile", profile_, about)
        ->check(CLI::IsMember(names))
        ->capture_default_str();
    auto* folder = app.add_option("DIR", folder_, "where to write davylamp.yaml (default: here)");
    app.add_option("--config", config_, "the configuration's path instead")->excludes(folder);
    app.add_option("--home", home_, "folder for keys, state and events (default: beside the file)")
        ->check([](const std::string& text) {
          return printable(text, 4096) == text && !text.empty() ? ""
                                                                : "is no path that can be kept";
        });
    app.add_flag("--print", print_, "write the configuration to standard output and make nothing");
  }

  int run(CommandContext& context) override {
    const auto& profiles = init_profiles();
    const auto profile = std::find_if(profiles.begin(), profiles.end(),
                                      [&](const InitProfile& p) { return p.name == profile_; });
    if (profile == profiles.end()) {
      context.err << "davy: there is no profile \"" << printable(profile_, 100) << "\"\n";
      return kExitTrouble;
    }
    if (print_) {
      context.out << config_text(*profile);
      return kExitClean;
    }
    if (const auto written = write(*profile, context.out); !written) {
      context.err << "davy: " << written.error().text() << '\n';
      return kExitTrouble;
    }
    return kExitClean;
  }

 private:
  std::string config_text(const InitProfile& profile) const {
    return home_ == kHomeInProfile ? std::string(profile.config) : with_home(profile.config, home_);
  }

  // The configuration comes last: until it is there, the command may simply be run again.
  Result<void> write(const InitProfile& profile, std::ostream& out) const {
    const std::string config = config_.empty() ? resolve(folder_, kConfigName) : config_;
    const std::string name = config.substr(config.rfind('/') + 1);
    const std::string parent = parent_folder(config);
    if (name.empty())
      return invalid_input("names a folder", {config}, "give a file after --config");
    DAVY_ASSIGN(const Folder folder, Folder::open_or_create(parent));
    DAVY_ASSIGN(const bool there, folder.exists(name));
    if (there) {
      return invalid_input("exists already, and is not overwritten", {config},
                           "take another folder, or move it away");
    }
    const std::string home_path =
        resolve(parent, home_.starts_with("./") ? home_.substr(2) : home_);
    DAVY_ASSIGN(const store::Home home, store::Home::open_or_create(home_path));
    DAVY_ASSIGN(const bool has_pepper, home.folder().exists(store::kPepperFile));
    if (!has_pepper) {
      const Secret pepper = new_pepper();
      DAVY_TRY(home.folder().create(store::kPepperFile, pepper.expose(), kPepperMode));
    }
    DAVY_TRY(folder.create(name, config_text(profile), kConfigMode));

    const std::string pepper_path = resolve(home_path, store::kPepperFile);
    out << "wrote " << printable(config, 4096) << "\n";
    if (has_pepper) {
      out << "kept  " << printable(pepper_path, 4096) << ", which exists already\n";
    } else {
      out << "wrote " << printable(pepper_path, 4096) << " (mode 0600: keep it out of backups)\n";
    }
    const bool usual = config == kConfigName;  // the default of `-c`
    const std::string option = usual ? "" : " -c " + printable(config, 4096);
    out << "\nNext:\n  davy check" << option << "\n  davy key create" << option
        << " --experiment NAME\n"
        << profile.next << option << '\n';
    return {};
  }

  std::string profile_ = "chat";
  std::string folder_ = ".";
  std::string config_;
  std::string home_ = kHomeInProfile;
  bool print_ = false;
};

}  // namespace

std::unique_ptr<Command> init_command() { return std::make_unique<InitCommand>(); }

}  // namespace davy::cli
