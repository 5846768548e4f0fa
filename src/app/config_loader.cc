#include "app/config_loader.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/file_watch.h"
#include "base/files.h"
#include "base/strings.h"
#include "mechanisms/formats/yaml.h"

namespace davy::app {
namespace {

constexpr std::size_t kMaxIncludes = 1000;
constexpr std::size_t kMaxBytes = formats::YamlLimits{}.bytes;

// A file that the main file names.
struct Included {
  std::string name;  // as the main file writes it, with the star filled in
  std::string path;
};

class Loader {
 public:
  Loader(const std::string& file, Diagnostics& diagnostics)
      : folder_(parent_folder(file)), diagnostics_(diagnostics) {}

  // The tree of a file, whose bytes enter the digest as `label`. `named_at` is where the
  // file was asked for.
  std::optional<ConfigNode> read(const std::string& path, const std::string& label,
                                 const Place& named_at) {
    auto bytes = read_file(path, kMaxBytes);
    if (!bytes) {
      Error error = std::move(bytes).error();
      if (named_at.line != 0) {
        error.message = "include: " + printable(path, 500) + ": " + error.message;
        error.place = named_at;
      }
      diagnostics_.error(error);
      return std::nullopt;
    }
    digest_input_ += label + " " + std::to_string(bytes->size()) + "\n" + *bytes + "\n";
    return formats::read_yaml(*bytes, path, diagnostics_);
  }

  // The files that one line of `include:` means.
  std::vector<Included> expand(const std::string& pattern, const Place& place) {
    const std::size_t slash = pattern.rfind('/');
    const std::string folder = slash == std::string::npos ? "" : pattern.substr(0, slash + 1);
    const std::string last = slash == std::string::npos ? pattern : pattern.substr(slash + 1);
    if (last.empty() || folder.find('*') != std::string::npos) {
      diagnostics_.error("include: not a file or a pattern of files", place,
                         "`*` may stand in the last part only, as in experiments.d/*.yaml");
      return {};
    }
    if (last.find('*') == std::string::npos) return {{pattern, resolve(folder_, pattern)}};

    const std::string where = resolve(folder_, folder.empty() ? "." : folder);
    ReadTrail::note(where);
    std::vector<Included> found;
    std::error_code fault;
    for (std::filesystem::directory_iterator it(where, fault), end; !fault && it != end;
         it.increment(fault)) {
      const std::string name = it->path().filename().string();
      if (name.front() == '.' || !matches_glob(name, last)) continue;
      found.push_back({folder + name, resolve(where, name)});
    }
    if (fault) {
      diagnostics_.error("include: the folder cannot be read: " + fault.message(), place,
                         "make the folder, or take the line out");
      return {};
    }
    if (found.empty()) {
      diagnostics_.warning("include: no file matches", place, "looked in " + printable(where, 500));
    }
    std::sort(found.begin(), found.end(),
              [](const Included& a, const Included& b) { return a.name < b.name; });
    return found;
  }

  std::string take_digest_input() { return std::move(digest_input_); }
  [[nodiscard]] const std::string& folder() const noexcept { return folder_; }

 private:
  std::string folder_;
  Diagnostics& diagnostics_;
  std::string digest_input_;
};

// Adds the experiments of every team file.
void read_team_files(Loader& loader, const std::vector<std::pair<std::string, Place>>& include,
                     Settings& settings, Diagnostics& diagnostics) {
  std::map<std::string, Place> seen;    // files, by path
  std::map<std::string, Place> owners;  // where each owner's file names them
  for (const auto& [pattern, place] : include) {
    for (const Included& file : loader.expand(pattern, place)) {
      if (!seen.emplace(file.path, place).second) continue;  // two patterns may meet
      if (seen.size() > kMaxIncludes) {
        diagnostics.error("include: more than " + std::to_string(kMaxIncludes) + " files", place,
                          "put fewer files there");
        return;
      }
      const auto tree = loader.read(file.path, "include " + file.name, place);
      if (!tree) continue;
      TeamFile team = read_team_file(*tree, diagnostics);
      const auto [first, fresh] = owners.emplace(team.owner, team.owner_place);
      if (!fresh && !team.owner.empty()) {
        diagnostics.error("a second file of " + team.owner, team.owner_place,
                          "one file per team; the first is " + first->second.text());
      }
      std::move(team.experiments.begin(), team.experiments.end(),
                std::back_inserter(settings.experiments));
    }
  }
}

// Whether a floor file is there. One that cannot be seen counts as there, so that reading
// it says why.
bool is_there(const std::string& path) {
  ReadTrail::note(path);
  std::error_code fault;
  const auto status = std::filesystem::status(path, fault);
  return status.type() != std::filesystem::file_type::not_found;
}

}  // namespace

std::unique_ptr<LoadedConfig> load_config(const std::string& file,
                                          std::span<const std::unique_ptr<ConfigSection>> sections,
                                          const std::string& floor_file, Diagnostics& diagnostics) {
  Loader loader(file, diagnostics);
  const auto tree = loader.read(file, "config", {});
  if (!tree) return nullptr;

  ConfigContent content = read_config(*tree, sections, diagnostics);
  read_team_files(loader, content.include, content.settings, diagnostics);
  if (is_there(floor_file)) {
    if (const auto floors = loader.read(floor_file, "floor", {})) {
      content.settings.floors = read_floors(*floors, diagnostics);
    }
  }
  check_settings(content.settings, diagnostics);
  if (!diagnostics.ok()) return nullptr;

  auto loaded = std::make_unique<LoadedConfig>();
  loaded->settings = std::move(content.settings);
  loaded->config = std::move(content.config);
  loaded->digest_input = loader.take_digest_input();
  loaded->folder = loader.folder();
  return loaded;
}

}  // namespace davy::app
