#include "mechanisms/store/upkeep/manifest.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <initializer_list>
#include <optional>

namespace davy::store {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kVersion = 1;

Error wrong(std::string_view key) {
  return invalid_input(fmt::format("is no manifest of davy's: `{}` is not what it should be", key),
                       {kManifestFile});
}

const json::object* object_with(const json::value* value,
                                std::initializer_list<std::string_view> keys) {
  const json::object* const object = value != nullptr ? value->if_object() : nullptr;
  if (object == nullptr || object->size() != keys.size()) return nullptr;
  for (const std::string_view key : keys) {
    if (!object->contains(key)) return nullptr;
  }
  return object;
}

std::optional<std::uint64_t> number(const json::object& object, std::string_view key) {
  const json::value& value = object.at(key);
  if (const auto* const small = value.if_int64(); small != nullptr && *small >= 0) {
    return static_cast<std::uint64_t>(*small);
  }
  if (const auto* const large = value.if_uint64()) return *large;
  return std::nullopt;
}

std::optional<std::string> text(const json::object& object, std::string_view key) {
  const json::string* const value = object.at(key).if_string();
  if (value == nullptr || value->size() > 100) return std::nullopt;
  return std::string(*value);
}

std::string_view name(PepperPart part) {
  switch (part) {
    case PepperPart::included: return "included";
    case PepperPart::left_out: return "left out";
    case PepperPart::elsewhere: break;
  }
  return "elsewhere";
}

std::optional<PepperPart> pepper_part(std::string_view text) {
  for (const PepperPart part :
       {PepperPart::included, PepperPart::left_out, PepperPart::elsewhere}) {
    if (text == name(part)) return part;
  }
  return std::nullopt;
}

Result<ManifestFile> parse_file(const json::value& value) {
  const json::object* const object = object_with(&value, {"name", "bytes", "sha256"});
  if (object == nullptr) return wrong("files");
  const auto file = text(*object, "name");
  const auto bytes = number(*object, "bytes");
  const auto sha256 = text(*object, "sha256");
  if (!file || !bytes || !sha256) return wrong("files");
  return ManifestFile{*file, *bytes, *sha256};
}

}  // namespace

std::string manifest_json(const Manifest& manifest) {
  json::array files;
  for (const ManifestFile& file : manifest.files) {
    files.push_back({{"name", file.name}, {"bytes", file.bytes}, {"sha256", file.sha256}});
  }
  const BackupFacts& facts = manifest.facts;
  return json::serialize(json::object{{"davylamp_backup", kVersion},
                                      {"created", facts.created},
                                      {"home_format", facts.format.number},
                                      {"readable_by", facts.format.oldest_reader},
                                      {"last_order", facts.last_order},
                                      {"events", facts.events},
                                      {"pepper", name(facts.pepper)},
                                      {"files", std::move(files)}}) +
         "\n";
}

Result<Manifest> parse_manifest(std::string_view text_of_all) {
  json::error_code code;
  json::parse_options options;
  options.max_depth = 4;
  const json::value value = json::parse(text_of_all, code, {}, options);
  if (code) return wrong("{");
  const json::object* const object =
      object_with(&value, {"davylamp_backup", "created", "home_format", "readable_by", "last_order",
                           "events", "pepper", "files"});
  if (object == nullptr) return wrong("{");
  if (number(*object, "davylamp_backup") != kVersion) {
    return invalid_input("is a backup of another version", {kManifestFile},
                         "restore it with the davy that made it, or a newer one");
  }
  Manifest out;
  const auto created = text(*object, "created");
  const auto format = number(*object, "home_format");
  const auto reader = number(*object, "readable_by");
  const auto order = number(*object, "last_order");
  const auto events = number(*object, "events");
  const auto pepper = text(*object, "pepper");
  const auto part = pepper ? pepper_part(*pepper) : std::nullopt;
  if (!created) return wrong("created");
  if (!format || *format > UINT32_MAX) return wrong("home_format");
  if (!reader || *reader > *format) return wrong("readable_by");
  if (!order) return wrong("last_order");
  if (!events) return wrong("events");
  if (!part) return wrong("pepper");
  out.facts = {*created,
               {static_cast<std::uint32_t>(*format), static_cast<std::uint32_t>(*reader)},
               *order,
               *events,
               *part};
  const json::array* const files = object->at("files").if_array();
  if (files == nullptr || files->size() > 16) return wrong("files");
  for (const json::value& each : *files) {
    DAVY_ASSIGN(ManifestFile file, parse_file(each));
    out.files.push_back(std::move(file));
  }
  return out;
}

}  // namespace davy::store
