// Who calls.
#pragma once

#include <string>

namespace davy {

struct Principal {
  std::string key_id;      // empty: nobody is known yet
  std::string experiment;  // keys belong to an experiment
  std::string team;        // the experiment's owner
  std::string method;      // "key", "token", "session", "anonymous"
  std::string client_ip;   // text form, no port

  [[nodiscard]] bool known() const noexcept { return !method.empty(); }
};

}  // namespace davy
