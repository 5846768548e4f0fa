#include "mechanisms/store/upkeep/command.h"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include <CLI/CLI.hpp>
#include <string>

#include "mechanisms/store/home_option.h"
#include "mechanisms/store/home_order_desk.h"
#include "mechanisms/store/upkeep/backup.h"
#include "mechanisms/store/upkeep/restore.h"
#include "mechanisms/store/upkeep/upgrade.h"

namespace davy::store {
namespace {

std::string size_text(std::uint64_t bytes) {
  constexpr std::uint64_t kKilo = 1000;
  if (bytes < kKilo) return fmt::format("{} bytes", bytes);
  if (bytes < kKilo * kKilo) return fmt::format("{:.1f} kB", static_cast<double>(bytes) / 1e3);
  if (bytes < kKilo * kKilo * kKilo) {
    return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
  }
  return fmt::format("{:.1f} GB", static_cast<double>(bytes) / 1e9);
}

std::string contents(const BackupFacts& facts) {
  return fmt::format("of {}: {} orders, {} events, home format {}", facts.created, facts.last_order,
                     facts.events, facts.format.number);
}

class UpkeepCommand : public Command {
 public:
  int run(CommandContext& context) final {
    const auto done = carry_out(context);
    if (done) return *done;
    fmt::print(context.err, "davy: {}\n", done.error().text());
    return kExitTrouble;
  }

 protected:
  [[nodiscard]] virtual Result<int> carry_out(CommandContext& context) = 0;
};

class BackupCommand final : public UpkeepCommand {
 public:
  std::string_view path() const noexcept override { return "backup"; }
  std::string_view summary() const noexcept override {
    return "Copy a home into one file, also while a gateway runs";
  }
  void define(CLI::App& app) override {
    home_.define(app);
    app.add_option("--out", out_, "File to make, or folder to make one in")->required();
    app.add_flag("--with-secrets", with_secrets_,
                 "Also the pepper; whoever has the file can then try keys");
    app.footer("The file has mode 0600 and is not encrypted. Events hold personal data.");
  }

 private:
  Result<int> carry_out(CommandContext& context) override {
    DAVY_ASSIGN(const NamedHome named, home_.resolve(context));
    DAVY_ASSIGN(const Home home, Home::open(named.path));
    if (server_may_run(home)) {
      if (auto flushed = context.orders.order(home.path(), "evidence.flush", "{}"); !flushed) {
        fmt::print(context.err, "warning: the newest events may be missing: {}\n",
                   flushed.error().text());
      }
    }
    DAVY_ASSIGN(const BackupReport report,
                back_up(home, out_, with_secrets_, context.clock.now().wall));
    fmt::print(context.out, "wrote  {} ({})\nholds  {}\nsha256 {}\n", report.file,
               size_text(report.bytes), contents(report.facts), report.sha256);
    if (report.facts.pepper == PepperPart::left_out) {
      fmt::print(context.err,
                 "warning: the pepper is not in this backup. A home restored from it accepts no "
                 "key until the file {} is put back. Keep that file in another place, or use "
                 "--with-secrets.\n",
                 home.file(kPepperFile));
    } else if (report.facts.pepper == PepperPart::elsewhere) {
      fmt::print(context.err,
                 "warning: the pepper does not lie in this home and is not in the backup. No key "
                 "is accepted without it: back up the file that `access.pepper` names.\n");
    }
    return kExitClean;
  }

  HomeOption home_;
  std::string out_;
  bool with_secrets_ = false;
};

class RestoreCommand final : public UpkeepCommand {
 public:
  std::string_view path() const noexcept override { return "restore"; }
  std::string_view summary() const noexcept override {
    return "Make a home of a backup; nothing is overwritten";
  }
  void define(CLI::App& app) override {
    home_.define(app);
    app.add_option("FILE", file_, "As `davy backup` wrote it")->required();
    app.add_option("--sha256", sha256_, "What the file's SHA-256 must be, as `davy backup` said it")
        ->check(CLI::Validator(
            [](const std::string& text) {
              return text.size() == 64 &&
                             text.find_first_not_of("0123456789abcdef") == std::string::npos
                         ? ""
                         : "is not 64 lower-case hex digits";
            },
            "SHA256"));
  }

 private:
  Result<int> carry_out(CommandContext& context) override {
    DAVY_ASSIGN(const NamedHome named, home_.resolve(context));
    DAVY_ASSIGN(const RestoreReport report, restore(file_, named.path, sha256_));
    fmt::print(context.out, "made   {}\nholds  {}\nsha256 {}\n", report.home,
               contents(report.facts), report.sha256);
    if (report.facts.pepper != PepperPart::included) {
      fmt::print(context.err,
                 "warning: the backup had no pepper, and no key is accepted without the one that "
                 "its keys were made with. Put that file, mode 0600, at {}/{}, or where "
                 "`access.pepper` says.\n",
                 report.home, kPepperFile);
    }
    if (report.facts.format.number < kHomeFormat) {
      fmt::print(context.err, "note: this davy writes home format {}: run `davy upgrade`\n",
                 kHomeFormat);
    }
    return kExitClean;
  }

  HomeOption home_;
  std::string file_;
  std::string sha256_;
};

class UpgradeCommand final : public UpkeepCommand {
 public:
  std::string_view path() const noexcept override { return "upgrade"; }
  std::string_view summary() const noexcept override {
    return "Take a home of an older davy to this one's form, after a backup";
  }
  void define(CLI::App& app) override {
    home_.define(app);
    app.add_flag("--dry-run", dry_run_, "Say what would change, and change nothing");
    app.add_option("--backup", backup_, "File for the backup (default: in the home)");
    app.footer(
        "With --dry-run the exit status is 0 where nothing would change, and 1 where an upgrade\n"
        "is needed.");
  }

 private:
  Result<int> carry_out(CommandContext& context) override {
    DAVY_ASSIGN(const NamedHome named, home_.resolve(context));
    DAVY_ASSIGN(const Home home, Home::open_for_upgrade(named.path));
    DAVY_ASSIGN(const UpgradePlan plan, plan_upgrade(home, upgrade_steps()));
    if (plan.steps.empty()) {
      fmt::print(context.out, "{} has format {}, as this davy writes it: nothing to do\n",
                 plan.home, plan.from);
      return kExitClean;
    }
    fmt::print(context.out, "{} has format {}; this davy writes format {}\n", plan.home, plan.from,
               plan.to);
    for (const UpgradeStep& step : plan.steps) {
      fmt::print(context.out, "  {} to {}: {}\n", step.to - 1, step.to, step.what);
    }
    fmt::print(context.out, "needs {}, with a backup first; {} are free\n",
               size_text(plan.backup_bytes + plan.step_bytes), size_text(plan.free_bytes));
    if (dry_run_) {
      fmt::print(context.out, "nothing was changed\n");
      return plan.fits() ? kExitFindings : kExitTrouble;
    }
    DAVY_ASSIGN(const std::string made,
                upgrade(home, upgrade_steps(), backup_, context.clock.now().wall));
    fmt::print(context.out,
               "done; the home as it was lies in {}\n(`davy restore` makes a home of it; it holds "
               "the pepper)\n",
               made);
    return kExitClean;
  }

  HomeOption home_;
  std::string backup_;
  bool dry_run_ = false;
};

}  // namespace

std::vector<std::unique_ptr<Command>> upkeep_commands() {
  std::vector<std::unique_ptr<Command>> list;
  list.push_back(std::make_unique<BackupCommand>());
  list.push_back(std::make_unique<RestoreCommand>());
  list.push_back(std::make_unique<UpgradeCommand>());
  return list;
}

}  // namespace davy::store
