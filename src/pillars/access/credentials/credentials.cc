#include "pillars/access/credentials/credentials.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/files.h"

namespace davy::access {
namespace {

constexpr std::string_view kFieldName = "Authorization: Bearer ";
constexpr std::string_view kLineEnd = "\r\n";

Result<std::string> read(const CredentialRef& ref, const Credentials::Environment& environment) {
  switch (ref.kind) {
    case CredentialRef::Kind::none: return std::string();
    case CredentialRef::Kind::environment: {
      auto value = environment(ref.name);
      if (!value) {
        return unavailable(fmt::format("the environment variable {} is not set", ref.name), {},
                           "set it before davy starts");
      }
      if (value->empty()) {
        return invalid_input(fmt::format("the environment variable {} is empty", ref.name));
      }
      return *std::move(value);
    }
    case CredentialRef::Kind::file: return read_secret_file(ref.name);
    case CredentialRef::Kind::kubernetes:
      return invalid_input("kubernetes: is not in this version", {},
                           "mount the Secret as a folder and write file:FOLDER/KEY");
  }
  return internal_error("a credential of no known kind");
}

// A byte that a header cannot carry would end the line or be read in two ways.
Result<void> check(std::string_view value) {
  if (value.size() > kMaxCredential) {
    return limit_reached(fmt::format("the credential is longer than {} bytes", kMaxCredential));
  }
  const bool clean =
      std::all_of(value.begin(), value.end(), [](char c) { return c >= 0x21 && c <= 0x7E; });
  if (!clean) {
    return invalid_input(
        "the credential holds a space, a line end or another byte that cannot "
        "stand in a header",
        {}, "store the key alone, on one line, without quotes");
  }
  return {};
}

Result<Secret> header_line(const CredentialRef& ref, const Credentials::Environment& environment) {
  if (ref.kind == CredentialRef::Kind::none) return Secret();
  DAVY_ASSIGN(std::string raw, read(ref, environment));
  const Secret value(std::move(raw));
  DAVY_TRY(check(value.expose()));
  std::string line;
  line.reserve(kFieldName.size() + value.size() + kLineEnd.size());  // growing would leave copies
  line += kFieldName;
  line += value.expose();
  line += kLineEnd;
  return Secret(std::move(line));
}

}  // namespace

Credentials::Environment Credentials::process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* const value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  };
}

std::unique_ptr<Credentials> Credentials::load(std::span<const Model> models,
                                               const Environment& environment,
                                               Diagnostics& diagnostics) {
  std::unique_ptr<Credentials> out(new Credentials);
  for (const Model& model : models) {
    if (auto line = header_line(model.credential, environment)) {
      out->lines_.insert_or_assign(model.name, std::move(line).value());
    } else {
      Error error = std::move(line).error();
      // The file that cannot be used is part of the message: the place is the model's.
      if (!error.place.file.empty()) {
        error.message = fmt::format("{} {}", error.place.text(), error.message);
      }
      diagnostics.error(fmt::format("credential of model {}: {}", model.name, error.message),
                        model.place, error.hint);
    }
  }
  return out;
}

Result<void> Credentials::append_fields(const Model& model, std::string& head) const {
  const auto found = lines_.find(model.name);
  if (found == lines_.end()) {
    return unavailable(fmt::format("model {} has no usable credential", model.name), {},
                       "`davy check` says why");
  }
  head += found->second.expose();
  return {};
}

}  // namespace davy::access
