#include "mechanisms/store/upkeep/restore.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "mechanisms/crypto/sha256.h"
#include "mechanisms/store/home.h"
#include "mechanisms/store/upkeep/archive.h"
#include "mechanisms/store/upkeep/manifest.h"
#include "mechanisms/store/upkeep/state_copy.h"
#include "mechanisms/store/upkeep/streams.h"

namespace davy::store {
namespace {

constexpr std::size_t kMaxFormat = 256;
constexpr std::size_t kMaxPepper = 64 * 1024;

// What came out of the backup and is not in its place yet.
struct Unpacked {
  std::string format;
  std::optional<NewFile> state;
  std::optional<NewFile> events;
  std::optional<NewFile> pepper;
  std::uint64_t lines = 0;  // of the events
  std::vector<ManifestFile> files;
  std::optional<Manifest> manifest;
};

// Of the entry `format`; empty is a home from before there was such a file.
std::optional<HomeFormat> format_of(std::string_view text) {
  return text.empty() ? HomeFormat{0, 0} : parse_format_line(text);
}

class Unpacker {
 public:
  Unpacker(OldFile& file, const Folder& folder)
      : folder_(folder), reader_([this, &file](char* to, std::size_t size) -> Result<std::size_t> {
          DAVY_ASSIGN(const std::size_t got, file.read(to, size));
          whole_.update({to, got});
          return got;
        }) {}

  Result<void> run() {
    DAVY_TRY(expect(kFormatFile));
    DAVY_ASSIGN(out_.format, content(kMaxFormat));
    DAVY_TRY(check_format());
    DAVY_TRY(expect(kStateFile));
    DAVY_TRY(stream(out_.state));
    DAVY_TRY(expect(kEventsFile));
    DAVY_TRY(stream(out_.events, &out_.lines));
    DAVY_TRY(next());
    if (entry_->name == kPepperFile) {
      if (entry_->size > kMaxPepper) return refused("the pepper is too large");
      DAVY_TRY(stream(out_.pepper));
      DAVY_TRY(next());
    }
    if (entry_->name != kManifestFile) return unexpected();
    DAVY_ASSIGN(const std::string text, content(kMaxManifest));
    out_.files.pop_back();  // it does not name itself
    DAVY_ASSIGN(Manifest manifest, parse_manifest(text));
    out_.manifest = std::move(manifest);
    DAVY_ASSIGN(const auto more, reader_.next());
    if (more) return refused("something stands behind the manifest");
    return {};
  }

  [[nodiscard]] Unpacked& out() noexcept { return out_; }
  // Once, after run().
  [[nodiscard]] std::string digest() { return crypto::to_hex(whole_.finish()); }

 private:
  static Error refused(std::string_view why) {
    return invalid_input(fmt::format("is no backup of davy's: {}", why));
  }
  [[nodiscard]] Error unexpected() const {
    return refused(fmt::format("the entry {} does not belong here", entry_->name));
  }

  Result<void> next() {
    DAVY_ASSIGN(entry_, reader_.next());
    if (!entry_) return refused("it has too few entries");
    return {};
  }
  Result<void> expect(std::string_view name) {
    DAVY_TRY(next());
    if (entry_->name != name) return unexpected();
    return {};
  }

  Result<void> check_format() const {
    const auto format = format_of(out_.format);
    if (!format) return refused("it does not say which format the home has");
    if (format->oldest_reader > kHomeFormat) {
      return invalid_input(
          fmt::format("holds a home of format {}; this davy knows formats up to {}", format->number,
                      kHomeFormat),
          {}, "restore it with the davy that made it, or a newer one");
    }
    return {};
  }

  // The entry at hand, whole.
  Result<std::string> content(std::size_t limit) {
    if (entry_->size > limit) {
      return refused(fmt::format("{} is larger than {} bytes", entry_->name, limit));
    }
    std::string out(static_cast<std::size_t>(entry_->size), '\0');
    for (std::size_t done = 0; done < out.size();) {
      DAVY_ASSIGN(const std::size_t got, reader_.read(out.data() + done, out.size() - done));
      done += got;
    }
    out_.files.push_back({entry_->name, entry_->size, crypto::sha256_hex(out)});
    return out;
  }

  // The entry at hand as a new file. `lines` counts its line feeds.
  Result<void> stream(std::optional<NewFile>& into, std::uint64_t* lines = nullptr) {
    DAVY_ASSIGN(const std::uint64_t room, free_bytes(folder_));
    if (entry_->size > room) {
      return unavailable(fmt::format("{} has {} bytes, and the disk has room for {}", entry_->name,
                                     entry_->size, room),
                         {folder_.path()}, "make room on the disk");
    }
    DAVY_ASSIGN(NewFile file, NewFile::in(folder_));
    crypto::Sha256 digest;
    std::array<char, 64 * 1024> part;
    for (;;) {
      DAVY_ASSIGN(const std::size_t got, reader_.read(part.data(), part.size()));
      if (got == 0) break;
      const std::string_view bytes(part.data(), got);
      digest.update(bytes);
      if (lines != nullptr) {
        *lines += static_cast<std::uint64_t>(std::count(bytes.begin(), bytes.end(), '\n'));
      }
      DAVY_TRY(file.write(bytes));
    }
    out_.files.push_back({entry_->name, entry_->size, crypto::to_hex(digest.finish())});
    into.emplace(std::move(file));
    return {};
  }

  const Folder& folder_;
  crypto::Sha256 whole_;
  ArchiveReader reader_;
  std::optional<ArchiveEntry> entry_;
  Unpacked out_;
};

Result<void> verify(const Unpacked& unpacked) {
  const auto refused = [](std::string_view why) {
    return invalid_input(fmt::format("is damaged: {}", why), {}, "take another backup");
  };
  const BackupFacts& facts = unpacked.manifest->facts;
  if (unpacked.manifest->files != unpacked.files) {
    return refused("what it holds is not what its manifest says");
  }
  if (format_of(unpacked.format) != facts.format) {
    return refused("its format is not what its manifest says");
  }
  if ((facts.pepper == PepperPart::included) != unpacked.pepper.has_value()) {
    return refused("its pepper is not what its manifest says");
  }
  if (facts.events != unpacked.lines) return refused("its events are not all there");
  DAVY_ASSIGN(const StateFacts state, check_state(unpacked.state->path()));
  if (state.last_order != facts.last_order) return refused("its orders are not all there");
  return {};
}

}  // namespace

Result<RestoreReport> restore(const std::string& file, const std::string& home,
                              const std::string& sha256) {
  DAVY_ASSIGN(OldFile archive, OldFile::at(file));
  DAVY_ASSIGN(const Folder folder, Folder::open_or_create(home));
  DAVY_ASSIGN(const bool vacant, is_vacant(folder));
  if (!vacant) {
    return invalid_input("the folder is not empty, and nothing in it is overwritten", {home},
                         "give a new or an empty folder as home");
  }
  // What goes wrong with the backup is said of the backup.
  const auto at_file = [&](Error error) {
    if (error.place.file.empty() || error.place.file == kManifestFile) error.place = {file};
    return error;
  };
  Unpacker unpacker(archive, folder);
  if (auto unpacked = unpacker.run(); !unpacked) return at_file(std::move(unpacked).error());
  RestoreReport report;
  report.sha256 = unpacker.digest();
  if (!sha256.empty() && report.sha256 != sha256) {
    return invalid_input(
        fmt::format("has the SHA-256 {}, which is not the one given", report.sha256), {file},
        "it was changed, or is another backup");
  }
  Unpacked& out = unpacker.out();
  if (auto verified = verify(out); !verified) return at_file(std::move(verified).error());
  if (fchmod(folder.fd(), S_IRWXU) != 0) {
    return unavailable(fmt::format("cannot set the mode: {}", strerrordesc_np(errno)), {home});
  }
  if (out.pepper) DAVY_TRY(out.pepper->keep_as(kPepperFile));
  DAVY_TRY(out.events->keep_as(kEventsFile));
  DAVY_TRY(out.state->keep_as(kStateFile));
  // Last: the folder becomes a home by it.
  if (!out.format.empty()) DAVY_TRY(folder.write(kFormatFile, out.format, 0600));
  give_to_owner(folder.fd());
  report.facts = out.manifest->facts;
  report.home = home;
  return report;
}

}  // namespace davy::store
