#include "mechanisms/net/name_cache.h"

#include <algorithm>
#include <utility>

namespace davy::net {

NameCache::Known NameCache::look(std::string_view name, SteadyTime now) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) return {{}, {}, false, true};
  const Entry& entry = found->second;
  return {.addresses = entry.addresses,
          .trouble = entry.trouble,
          .asked = entry.asked,
          .wants_asking = !entry.asked && now >= entry.next};
}

void NameCache::asking(std::string_view name) {
  auto found = entries_.find(name);
  if (found == entries_.end()) found = entries_.emplace(std::string(name), Entry{}).first;
  found->second.asked = true;
}

bool NameCache::put(std::string_view name, Result<Addresses> answer, SteadyTime now) {
  auto found = entries_.find(name);
  if (found == entries_.end()) found = entries_.emplace(std::string(name), Entry{}).first;
  Entry& entry = found->second;
  entry.asked = false;
  if (!answer || answer->empty()) {
    entry.trouble = answer ? "it has no address" : answer.error().message;
    entry.next = now + kRetry;
    return false;
  }
  entry.trouble.clear();
  entry.next = now + kFresh;
  // Resolvers turn the order from answer to answer.
  const bool first = entry.addresses.empty();
  const bool same = entry.addresses.size() == answer->size() &&
                    std::is_permutation(answer->begin(), answer->end(), entry.addresses.begin());
  entry.addresses = std::move(answer).value();
  return !first && !same;
}

Addresses take_turns(const Addresses& addresses) {
  Addresses out;
  out.reserve(addresses.size());
  if (addresses.empty()) return out;
  std::vector<Addresses> families(2);
  for (const Address& address : addresses) {
    families[address.family == addresses.front().family ? 0 : 1].push_back(address);
  }
  for (std::size_t i = 0; out.size() < addresses.size(); ++i) {
    for (const Addresses& family : families) {
      if (i < family.size()) out.push_back(family[i]);
    }
  }
  return out;
}

}  // namespace davy::net
