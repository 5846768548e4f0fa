#include "pillars/access/credentials/credentials.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <shared_mutex>
#include <utility>

#include "base/files.h"
#include "base/log.h"

namespace davy::access {
namespace {

constexpr std::string_view kBearer = "Authorization: Bearer ";
constexpr std::string_view kAnthropicKey = "x-api-key: ";
constexpr std::string_view kAzureKey = "api-key: ";
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

std::string_view field_name(const Model& model, const Upstream& upstream) noexcept {
  if (upstream.azure) return upstream.azure->token ? kBearer : kAzureKey;
  return model.dialect == "anthropic" ? kAnthropicKey : kBearer;
}

Result<Secret> header_line(std::string_view name, const CredentialRef& ref,
                           const Credentials::Environment& environment) {
  if (ref.kind == CredentialRef::Kind::none) return Secret();
  DAVY_ASSIGN(std::string raw, read(ref, environment));
  const Secret value(std::move(raw));
  DAVY_TRY(check(value.expose()));
  std::string line;
  line.reserve(name.size() + value.size() + kLineEnd.size());  // growing would leave copies
  line += name;
  line += value.expose();
  line += kLineEnd;
  return Secret(std::move(line));
}

// The file that cannot be used is part of the message: the place is the model's.
std::string message_of(const Error& error) {
  if (error.place.file.empty()) return error.message;
  return fmt::format("{} {}", error.place.text(), error.message);
}

}  // namespace

struct Credentials::Line {
  std::string_view field;
  CredentialRef ref;
  // Held for writing while a file that has changed replaces the secret. A credential from
  // elsewhere never changes and needs no lock.
  mutable std::shared_mutex mutex;
  Secret secret;
  mutable bool told = false;  // that the file cannot be read; for refresh() alone
};

Credentials::Credentials() = default;
Credentials::~Credentials() = default;

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
    auto& lines = out->lines_[model.name];
    const CredentialRef* told = nullptr;  // once for all that share it
    for (const Upstream& upstream : model.upstreams) {
      const std::string_view field = field_name(model, upstream);
      lines.push_back(nullptr);
      if (auto secret = header_line(field, upstream.credential, environment)) {
        lines.back() = std::make_unique<Line>();
        lines.back()->field = field;
        lines.back()->ref = upstream.credential;
        lines.back()->secret = std::move(secret).value();
      } else if (told == nullptr || *told != upstream.credential) {
        told = &upstream.credential;
        diagnostics.error(
            fmt::format("credential of model {}: {}", model.name, message_of(secret.error())),
            model.place, secret.error().hint);
      }
    }
  }
  return out;
}

Result<void> Credentials::append_fields(const Model& model, const Upstream& upstream,
                                        std::string& head) const {
  const auto found = lines_.find(model.name);
  if (found == lines_.end() || upstream.position >= found->second.size() ||
      found->second[upstream.position] == nullptr) {
    return unavailable(fmt::format("model {} has no usable credential", model.name), {},
                       "`davy check` says why");
  }
  const Line& line = *found->second[upstream.position];
  if (line.ref.kind == CredentialRef::Kind::file) {
    const std::shared_lock lock(line.mutex);
    head += line.secret.expose();
  } else {
    head += line.secret.expose();
  }
  return {};
}

void Credentials::refresh() const {
  for (const auto& [model, lines] : lines_) {
    for (const auto& line : lines) {
      if (line == nullptr || line->ref.kind != CredentialRef::Kind::file) continue;
      auto read = header_line(line->field, line->ref, nullptr);
      if (!read) {
        if (!std::exchange(line->told, true)) {
          log::warning("a credential cannot be read again; the one in use stays",
                       {{"model", model}, {"why", message_of(read.error())}});
        }
        continue;
      }
      line->told = false;
      // Only this writes, so reading needs no lock here.
      if (equal_constant_time(read->expose(), line->secret.expose())) continue;
      const std::unique_lock lock(line->mutex);
      line->secret = std::move(read).value();
      log::info("a credential was read again", {{"model", model}, {"file", line->ref.name}});
    }
  }
}

}  // namespace davy::access
