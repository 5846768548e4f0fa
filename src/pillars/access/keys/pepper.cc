#include "pillars/access/keys/pepper.h"

#include <fmt/format.h>

#include <array>
#include <boost/json.hpp>
#include <filesystem>
#include <system_error>

#include "base/bytes.h"
#include "base/files.h"
#include "base/ids.h"
#include "mechanisms/crypto/sha256.h"

namespace davy::access {
namespace {

namespace json = boost::json;

constexpr std::string_view kCheckedText = "davylamp pepper 1";

struct Recorded {
  std::string path;
  crypto::Digest check;
};

crypto::Digest check_value(const Secret& pepper) {
  return crypto::hmac_sha256(pepper, kCheckedText);
}

Result<std::optional<Recorded>> recorded(const StateStore& store) {
  DAVY_ASSIGN(const std::optional<std::string> text, store.get(kAccessTable, kPepperKey));
  if (!text) return std::optional<Recorded>();
  json::error_code code;
  const json::value value = json::parse(*text, code);
  const json::object* const object = code ? nullptr : value.if_object();
  const json::value* const path = object != nullptr ? object->if_contains("path") : nullptr;
  const json::value* const check = object != nullptr ? object->if_contains("check") : nullptr;
  Recorded out;
  if (path == nullptr || !path->is_string() || check == nullptr || !check->is_string() ||
      !crypto::from_hex(std::string_view(check->get_string()), out.check)) {
    return internal_error("what the state says of the pepper cannot be read", {},
                          "restore the state from a backup");
  }
  out.path = path->get_string();
  return std::optional<Recorded>(std::move(out));
}

// A new pepper, as text so that editors and secret stores keep it whole: 32 random
// bytes in hex.
Result<void> make_file(const std::string& path) {
  DAVY_ASSIGN(const Folder folder, Folder::open_or_create(parent_folder(path)));
  std::array<std::byte, kPepperSize> bytes{};
  random_bytes(bytes);
  std::string raw;
  for (const std::byte byte : bytes) raw += static_cast<char>(byte);
  std::string text = to_hex(raw) + "\n";
  const std::string name = std::filesystem::path(path).filename().string();
  auto made = folder.create(name, text, 0600);
  wipe(bytes.data(), bytes.size());
  wipe(raw.data(), raw.size());
  wipe(text.data(), text.size());
  // Another process may have made it in between: then that one counts.
  if (!made) {
    if (const auto there = folder.exists(name); there && *there) return {};
  }
  return made;
}

}  // namespace

Result<Pepper> open_pepper(const std::string& path, const StateStore& store) {
  std::error_code code;
  const std::string absolute = std::filesystem::absolute(path, code).lexically_normal().string();
  if (code) return invalid_input("cannot find the pepper's folder", {path});
  DAVY_ASSIGN(const std::optional<Recorded> record, recorded(store));
  const bool there = std::filesystem::exists(absolute, code);
  if (!there && record) {
    return invalid_input("the pepper is gone, and no key can be checked without it", {absolute},
                         fmt::format("restore the file (it was {}); a new pepper would make all "
                                     "keys void",
                                     record->path));
  }
  if (!there) DAVY_TRY(make_file(absolute));
  DAVY_ASSIGN(std::string text, read_secret_file(absolute));
  Pepper pepper{Secret(std::move(text)), absolute};
  if (pepper.bytes.size() < kMinPepperSize) {
    return invalid_input(fmt::format("the pepper has less than {} bytes", kMinPepperSize),
                         {absolute},
                         "remove the file if no key was made yet: davy makes a new one");
  }
  if (record && !crypto::equal_constant_time(check_value(pepper.bytes), record->check)) {
    return invalid_input(
        "this is not the pepper that the keys of this home were made with", {absolute},
        fmt::format("set access.pepper to the file that it was: {}", record->path));
  }
  return pepper;
}

Result<std::optional<std::string>> recorded_pepper_path(const StateStore& store) {
  DAVY_ASSIGN(std::optional<Recorded> record, recorded(store));
  if (!record) return std::optional<std::string>();
  return std::optional<std::string>(std::move(record->path));
}

Change pepper_record(const Pepper& pepper) {
  return {kAccessTable, kPepperKey,
          json::serialize(json::object{{"path", pepper.path},
                                       {"check", crypto::to_hex(check_value(pepper.bytes))}})};
}

}  // namespace davy::access
