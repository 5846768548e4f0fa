#include "mechanisms/store/upkeep/backup.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "mechanisms/crypto/sha256.h"
#include "mechanisms/store/upkeep/archive.h"
#include "mechanisms/store/upkeep/manifest.h"
#include "mechanisms/store/upkeep/state_copy.h"
#include "mechanisms/store/upkeep/streams.h"

namespace davy::store {
namespace {

constexpr std::size_t kMaxPepper = 64 * 1024;

// "20261124T054431Z" from "2026-11-24T05:44:31.042Z".
std::string compact(const std::string& time) {
  std::string out;
  for (const char c : time.substr(0, time.find('.'))) {
    if (c != '-' && c != ':') out += c;
  }
  return out + "Z";
}

bool is_folder(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

// Writes entries and remembers what they were.
class Packer {
 public:
  Packer(NewFile& file, WallTime now)
      : now_(static_cast<std::uint64_t>(std::max<std::int64_t>(
            0, std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count()))),
        writer_([this, &file](std::string_view bytes) -> Result<void> {
          whole_.update(bytes);
          bytes_ += bytes.size();
          return file.write(bytes);
        }) {}

  Result<void> add(const std::string& name, std::string_view content) {
    DAVY_TRY(writer_.begin({name, content.size(), now_}));
    DAVY_TRY(writer_.write(content));
    files_.push_back({name, content.size(), crypto::sha256_hex(content)});
    return {};
  }

  // The first `size` bytes of the file. `lines` counts its line feeds.
  Result<void> add(const std::string& name, OldFile& file, std::uint64_t size,
                   std::uint64_t* lines = nullptr) {
    DAVY_TRY(writer_.begin({name, size, now_}));
    crypto::Sha256 digest;
    std::array<char, 64 * 1024> part;
    for (std::uint64_t left = size; left > 0;) {
      DAVY_ASSIGN(const std::size_t got,
                  file.read(part.data(),
                            static_cast<std::size_t>(std::min<std::uint64_t>(left, part.size()))));
      if (got == 0) return unavailable("a file became shorter while it was copied", {name});
      const std::string_view bytes(part.data(), got);
      digest.update(bytes);
      if (lines != nullptr) {
        *lines += static_cast<std::uint64_t>(std::count(bytes.begin(), bytes.end(), '\n'));
      }
      DAVY_TRY(writer_.write(bytes));
      left -= got;
    }
    files_.push_back({name, size, crypto::to_hex(digest.finish())});
    return {};
  }

  Result<void> finish(const BackupFacts& facts) {
    DAVY_TRY(add(kManifestFile, manifest_json({facts, files_})));
    return writer_.finish();
  }

  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::string digest() { return crypto::to_hex(whole_.finish()); }

 private:
  std::uint64_t now_;
  crypto::Sha256 whole_;
  std::uint64_t bytes_ = 0;
  std::vector<ManifestFile> files_;
  ArchiveWriter writer_;
};

Result<void> add_state(Packer& packer, const Home& home, const Folder& work, BackupFacts& facts) {
  DAVY_ASSIGN(const bool there, home.folder().exists(kStateFile));
  if (!there) {
    return invalid_input("holds no state yet, so there is nothing to back up", {home.path()},
                         "`davy serve` and `davy key create` make the state");
  }
  DAVY_ASSIGN(const NewFile copy, NewFile::in(work));
  DAVY_ASSIGN(const StateFacts state, copy_state(home.file(kStateFile), copy.path()));
  facts.last_order = state.last_order;
  DAVY_ASSIGN(OldFile file, OldFile::at(copy.path()));
  return packer.add(kStateFile, file, file.size());
}

Result<void> add_events(Packer& packer, const Home& home, BackupFacts& facts) {
  DAVY_ASSIGN(const bool there, home.folder().exists(kEventsFile));
  if (!there) return packer.add(kEventsFile, std::string_view());
  DAVY_ASSIGN(OldFile file, OldFile::in(home.folder(), kEventsFile));
  DAVY_ASSIGN(const std::uint64_t size, file.whole_lines());
  return packer.add(kEventsFile, file, size, &facts.events);
}

Result<void> add_pepper(Packer& packer, const Home& home, bool with_secrets, BackupFacts& facts) {
  DAVY_ASSIGN(const bool there, home.folder().exists(kPepperFile));
  facts.pepper =
      !there ? PepperPart::elsewhere : (with_secrets ? PepperPart::included : PepperPart::left_out);
  if (facts.pepper != PepperPart::included) return {};
  DAVY_ASSIGN(std::string pepper, home.folder().read(kPepperFile, kMaxPepper));
  auto added = packer.add(kPepperFile, pepper);
  wipe(pepper.data(), pepper.size());
  return added;
}

}  // namespace

Result<BackupReport> back_up(const Home& home, const std::string& file, bool with_secrets,
                             WallTime now) {
  BackupReport report;
  report.facts.created = rfc3339(now);
  report.facts.format = home.format();
  report.file =
      is_folder(file) ? resolve(file, "davylamp-" + compact(report.facts.created) + ".tar") : file;
  const std::string name = report.file.substr(report.file.rfind('/') + 1);
  DAVY_ASSIGN(const Folder folder, Folder::open(parent_folder(report.file)));
  DAVY_ASSIGN(const bool there, folder.exists(name));
  if (there) {
    return invalid_input("exists already, and is not overwritten", {report.file},
                         "give another name, or a folder");
  }
  DAVY_ASSIGN(NewFile out, NewFile::in(folder));
  Packer packer(out, now);
  const bool no_file = home.format().number == 0;
  DAVY_TRY(packer.add(kFormatFile, no_file ? "" : format_line(home.format())));
  DAVY_TRY(add_state(packer, home, folder, report.facts));
  DAVY_TRY(add_events(packer, home, report.facts));
  DAVY_TRY(add_pepper(packer, home, with_secrets, report.facts));
  DAVY_TRY(packer.finish(report.facts));
  report.bytes = packer.bytes();
  report.sha256 = packer.digest();
  DAVY_TRY(out.keep_as(name));
  return report;
}

Result<std::uint64_t> backup_size(const Home& home) {
  constexpr std::uint64_t kHeaders = 16 * 1024;
  std::uint64_t out = kHeaders;
  for (const char* const name : {kStateFile, kEventsFile, kPepperFile}) {
    DAVY_ASSIGN(const bool there, home.folder().exists(name));
    if (!there) continue;
    DAVY_ASSIGN(const OldFile file, OldFile::in(home.folder(), name));
    // The state is copied once beside the backup.
    out += file.size() * (name == kStateFile ? 2 : 1) + 1024;
  }
  return out;
}

}  // namespace davy::store
