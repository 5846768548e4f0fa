#include "pillars/monitoring/evidence/command.h"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/strings.h"
#include "mechanisms/store/home.h"
#include "mechanisms/store/home_option.h"
#include "mechanisms/store/home_order_desk.h"
#include "mechanisms/store/jsonl_events.h"
#include "pillars/monitoring/evidence/why.h"

namespace davy::evidence {
namespace {

class Why final : public Command {
 public:
  std::string_view path() const noexcept override { return "why"; }
  std::string_view summary() const noexcept override {
    return "Tell what happened to one request, and what to do next";
  }
  void define(CLI::App& app) override {
    home_.define(app);
    app.add_option("REQUEST_ID", id_, "As in the answer's field davy-request-id")->required();
    app.add_option("-o,--output", output_, "table or json")
        ->check(CLI::IsMember({"table", "json"}))
        ->default_str("table");
  }

  int run(CommandContext& context) override {
    const auto events = find(context);
    if (!events) {
      fmt::print(context.err, "{}\n", events.error().text());
      return kExitTrouble;
    }
    if (output_ == "json") {
      fmt::print(context.out, "{}\n", why_json(*events));
    } else {
      fmt::print(context.out, "{}", why_text(*events));
    }
    return kExitClean;
  }

 private:
  Result<std::vector<Event>> find(CommandContext& context) const {
    if (!is_request_id(id_)) {
      return invalid_input(
          fmt::format("'{}' is not a request id", printable(id_, 64)), {},
          "it is req_ and 20 lower-case letters and digits; answers carry it in the header "
          "davy-request-id, denials also in their body as request_id");
    }
    DAVY_ASSIGN(const store::NamedHome named, home_.resolve(context));
    DAVY_ASSIGN(const store::Home home, store::Home::open(named.path));
    // A running server may hold the newest events for a moment.
    if (store::server_may_run(home)) {
      if (auto flushed = context.orders.order(home.path(), "evidence.flush", "{}"); !flushed) {
        fmt::print(context.err, "warning: the newest events may be missing: {}\n",
                   flushed.error().text());
      }
    }
    DAVY_ASSIGN(const auto reader, store::JsonlEventReader::open(home));
    DAVY_ASSIGN(std::vector<Event> events, reader->find(id_));
    if (events.empty()) {
      return invalid_input(fmt::format("no event of {} is recorded", id_),
                           {home.file(store::kEventsFile)},
                           "check the id, and that this is the home of the davy that answered "
                           "(-c FILE or --home DIR)");
    }
    return events;
  }

  store::HomeOption home_;
  std::string id_;
  std::string output_ = "table";
};

}  // namespace

std::unique_ptr<Command> why_command() { return std::make_unique<Why>(); }

}  // namespace davy::evidence
