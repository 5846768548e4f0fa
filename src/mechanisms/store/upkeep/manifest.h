// manifest.json of a backup: what its other entries are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "mechanisms/store/upkeep/backup.h"

namespace davy::store {

inline constexpr std::size_t kMaxManifest = 64 * 1024;

struct ManifestFile {
  std::string name;
  std::uint64_t bytes = 0;
  std::string sha256;  // lower-case hex
  bool operator==(const ManifestFile&) const = default;
};

struct Manifest {
  BackupFacts facts;
  std::vector<ManifestFile> files;
};

[[nodiscard]] std::string manifest_json(const Manifest& manifest);
// What manifest_json() writes. It comes from outside: unknown keys, other types and a version
// that is not 1 are errors that name the key.
[[nodiscard]] Result<Manifest> parse_manifest(std::string_view text);

}  // namespace davy::store
