#include "pillars/access/keys/command.h"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/secret.h"
#include "base/strings.h"
#include "mechanisms/store/home.h"
#include "mechanisms/store/home_option.h"
#include "pillars/access/keys/access_config.h"

namespace davy::access {
namespace {

namespace json = boost::json;

enum class Format : std::uint8_t { table, json };

class Output {
 public:
  void define(CLI::App& app) {
    app.add_option("-o,--output", text_, "table or json")
        ->check(CLI::IsMember({"table", "json"}))
        ->default_str("table");
  }
  [[nodiscard]] Format format() const { return text_ == "json" ? Format::json : Format::table; }

 private:
  std::string text_ = "table";
};

int fail(CommandContext& context, const Error& error) {
  fmt::print(context.err, "{}\n", error.text());
  return kExitTrouble;
}

// The answer of an order that gives one JSON object.
Result<json::object> order(CommandContext& context, const std::string& home, std::string_view verb,
                           const json::object& arguments) {
  DAVY_ASSIGN(std::string answer, context.orders.order(home, verb, json::serialize(arguments)));
  json::error_code code;
  json::value value = json::parse(answer, code);
  wipe(answer.data(), answer.size());
  if (code || !value.is_object()) return internal_error("the answer is no JSON object");
  return std::move(value.get_object());
}

std::string text_of(const json::object& object, std::string_view key) {
  const json::value* const value = object.if_contains(key);
  const json::string* const text = value != nullptr ? value->if_string() : nullptr;
  return text != nullptr ? std::string(text->data(), text->size()) : std::string();
}

// Says what a key of this experiment is worth today.
void warn_of_experiment(CommandContext& context, const LoadedConfig& config,
                        const std::string& name) {
  std::vector<std::string> names;
  for (const Experiment& each : config.settings.experiments) {
    if (each.name == name) {
      if (each.expired(context.clock.now().wall)) {
        fmt::print(context.err, "warning: experiment {} has expired; the key will be refused\n",
                   name);
      }
      return;
    }
    names.push_back(each.name);
  }
  const auto near = nearest(name, names);
  fmt::print(context.err,
             "warning: the configuration has no experiment {}{}; the key is refused until it has\n",
             printable(name), near ? fmt::format(" (did you mean {}?)", *near) : std::string());
}

class KeyCreate final : public Command {
 public:
  std::string_view path() const noexcept override { return "key create"; }
  std::string_view summary() const noexcept override {
    return "Make a key for an experiment; it is shown once";
  }
  void define(CLI::App& app) override {
    home_.define(app);
    output_.define(app);
    app.add_option("--experiment", experiment_, "The experiment that the key belongs to")
        ->required();
    app.add_option("--note", note_, "What the key is for, up to 200 bytes");
    app.add_option("--expires", expires_, "Last day (2027-03-31), or days from now (90d)");
  }
  int run(CommandContext& context) override {
    const auto home = home_.resolve(context);
    if (!home) return fail(context, home.error());
    json::object arguments{{"experiment", experiment_}};
    if (!note_.empty()) arguments["note"] = note_;
    if (!expires_.empty()) arguments["expires"] = expires_;
    if (home->config != nullptr) {
      warn_of_experiment(context, *home->config, experiment_);
      const auto* const access = home->config->config.section<AccessConfig>("access");
      if (access != nullptr) {
        arguments["pepper"] = access->pepper_path(home->config->folder, home->path);
      }
    }
    auto made = order(context, home->path, "key.create", arguments);
    if (!made) return fail(context, made.error());
    if (output_.format() == Format::json) {
      fmt::print(context.out, "{}\n", json::serialize(*made));
    } else {
      fmt::print(context.out, "{}\n", text_of(*made, "key"));
      const std::string expires = text_of(*made, "expires");
      fmt::print(context.err, "key {} for experiment {}{}; it is not shown again\n",
                 text_of(*made, "id"), text_of(*made, "experiment"),
                 expires.empty() ? std::string() : ", until " + expires);
    }
    return kExitClean;
  }

 private:
  store::HomeOption home_;
  Output output_;
  std::string experiment_;
  std::string note_;
  std::string expires_;
};

class KeyList final : public Command {
 public:
  std::string_view path() const noexcept override { return "key list"; }
  std::string_view summary() const noexcept override {
    return "List the keys, never their secrets";
  }
  void define(CLI::App& app) override {
    home_.define(app);
    output_.define(app);
    app.add_option("--experiment", experiment_, "Only keys of this experiment");
  }
  int run(CommandContext& context) override {
    const auto home = home_.resolve(context);
    if (!home) return fail(context, home.error());
    // An order would make the home; a look must not.
    if (const auto there = store::Home::open(home->path); !there) {
      return fail(context, there.error());
    }
    json::array keys;
    json::object arguments;
    do {
      auto page = order(context, home->path, "key.list", arguments);
      if (!page) return fail(context, page.error());
      const json::value* const listed = page->if_contains("keys");
      if (listed == nullptr || !listed->is_array()) {
        return fail(context, internal_error("the answer has no keys"));
      }
      for (const json::value& key : listed->get_array()) {
        if (!key.is_object()) return fail(context, internal_error("a key is no object"));
        if (experiment_.empty() || text_of(key.get_object(), "experiment") == experiment_) {
          keys.push_back(key);
        }
      }
      arguments["after"] = text_of(*page, "next");
    } while (!text_of(arguments, "after").empty());
    print(context, keys);
    return kExitClean;
  }

 private:
  void print(CommandContext& context, const json::array& keys) const {
    if (output_.format() == Format::json) {
      fmt::print(context.out, "{}\n", json::serialize(json::object{{"keys", keys}}));
      return;
    }
    if (keys.empty()) {
      fmt::print(context.err, "no keys; `davy key create --experiment NAME` makes one\n");
      return;
    }
    std::size_t width = std::string_view("EXPERIMENT").size();
    for (const json::value& key : keys) {
      width = std::max(width, text_of(key.get_object(), "experiment").size());
    }
    fmt::print(context.out, "{:<12}  {:<{}}  {:<7}  {:<10}  {:<10}  {}\n", "ID", "EXPERIMENT",
               width, "STATE", "CREATED", "EXPIRES", "NOTE");
    for (const json::value& each : keys) {
      const json::object& key = each.get_object();
      const std::string expires = text_of(key, "expires");
      fmt::print(context.out, "{:<12}  {:<{}}  {:<7}  {:<10}  {:<10}  {}\n", text_of(key, "id"),
                 text_of(key, "experiment"), width, text_of(key, "state"),
                 text_of(key, "created").substr(0, 10), expires.empty() ? "never" : expires,
                 printable(text_of(key, "note")));
    }
  }

  store::HomeOption home_;
  Output output_;
  std::string experiment_;
};

class KeyRevoke final : public Command {
 public:
  std::string_view path() const noexcept override { return "key revoke"; }
  std::string_view summary() const noexcept override {
    return "Take a key back, at once and for ever";
  }
  void define(CLI::App& app) override {
    home_.define(app);
    output_.define(app);
    app.add_option("ID", id_, "The key's id, as `davy key list` shows it")->required();
    app.add_option("--reason", reason_, "Why, for the record, up to 200 bytes");
  }
  int run(CommandContext& context) override {
    const auto home = home_.resolve(context);
    if (!home) return fail(context, home.error());
    if (const auto there = store::Home::open(home->path); !there) {
      return fail(context, there.error());
    }
    json::object arguments{{"id", id_}};
    if (!reason_.empty()) arguments["reason"] = reason_;
    const auto done = order(context, home->path, "key.revoke", arguments);
    if (!done) return fail(context, done.error());
    if (output_.format() == Format::json) {
      fmt::print(context.out, "{}\n", json::serialize(*done));
    } else {
      fmt::print(context.out, "key {} is revoked\n", text_of(*done, "id"));
    }
    return kExitClean;
  }

 private:
  store::HomeOption home_;
  Output output_;
  std::string id_;
  std::string reason_;
};

}  // namespace

std::vector<std::unique_ptr<Command>> key_commands() {
  std::vector<std::unique_ptr<Command>> commands;
  commands.push_back(std::make_unique<KeyCreate>());
  commands.push_back(std::make_unique<KeyList>());
  commands.push_back(std::make_unique<KeyRevoke>());
  return commands;
}

}  // namespace davy::access
