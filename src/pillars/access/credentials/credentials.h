// Provider credentials from the environment and from files. Those in files are read again
// while they are in use.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "core/config.h"
#include "core/provider_credentials.h"

namespace davy::access {

// A credential's largest length in bytes. Longer than any provider's; a head has 16 KiB.
inline constexpr std::size_t kMaxCredential = 8 * 1024;

class Credentials final : public ProviderCredentials {
 public:
  // Looks a variable up; nothing if it is not set.
  using Environment = std::function<std::optional<std::string>(const std::string& name)>;
  // The process's environment.
  [[nodiscard]] static Environment process_environment();

  // Resolves the credential of each upstream; core/settings has made the paths relative to
  // the process. Every trouble is one error at the model's place, in `diagnostics`: not set,
  // unreadable, readable by others, empty, too long, or with bytes that cannot stand in a header
  // (only 0x21 to 0x7E can). What was good is usable all the same.
  [[nodiscard]] static std::unique_ptr<Credentials> load(std::span<const Model> models,
                                                         const Environment& environment,
                                                         Diagnostics& diagnostics);

  ~Credentials() override;

  // "Authorization: Bearer …\r\n"; "x-api-key: …" for the dialect `anthropic`, "api-key: …"
  // for a key of Azure; nothing for `credential: none`. A model that `load` did not see or
  // could not resolve is an error.
  [[nodiscard]] Result<void> append_fields(const Model& model, const Upstream& upstream,
                                           std::string& head) const override;
  void refresh() const override;

 private:
  struct Line;
  Credentials();
  // By model, then by the upstream's position; null = could not be resolved.
  std::map<std::string, std::vector<std::unique_ptr<Line>>, std::less<>> lines_;
};

}  // namespace davy::access
