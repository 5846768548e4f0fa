#include "mechanisms/dialects/openai_usage.h"

#include <cstdint>
#include <utility>

#include "mechanisms/dialects/token_count.h"

namespace davy::dialects {
namespace {

bool skim_cached(json::Skim& skim, std::uint64_t& cached) {
  if (!skim.enter_object()) {
    skim.skip();
    return true;
  }
  bool seen = false;
  for (std::string_view key; skim.next_member(key);) {
    if (key != "cached_tokens") {
      skim.skip();
    } else if (std::exchange(seen, true)) {
      return false;
    } else {
      cached = token_count(skim.whole_number()).value_or(0);
    }
  }
  return true;
}

}  // namespace

std::optional<Usage> read_usage(const json::Index& index, json::NodeId id,
                                const UsageNames& names) {
  const auto in = token_count(index.whole_number(index.member(id, names.input)));
  const auto out = token_count(index.whole_number(index.member(id, names.output)));
  if (!in && !out) return std::nullopt;
  const json::NodeId details = index.member(id, names.input_details);
  const auto cached = token_count(index.whole_number(index.member(details, "cached_tokens")));
  return Usage{in.value_or(0), out.value_or(0), cached.value_or(0)};
}

bool skim_usage(json::Skim& skim, const UsageNames& names, std::optional<Usage>& told) {
  if (!skim.enter_object()) {
    skim.skip();
    return true;
  }
  std::optional<std::uint64_t> in;
  std::optional<std::uint64_t> out;
  bool seen_in = false;
  bool seen_out = false;
  bool seen_details = false;
  std::uint64_t cached = 0;
  for (std::string_view key; skim.next_member(key);) {
    if (key == names.input) {
      if (std::exchange(seen_in, true)) return false;
      in = token_count(skim.whole_number());
    } else if (key == names.output) {
      if (std::exchange(seen_out, true)) return false;
      out = token_count(skim.whole_number());
    } else if (key == names.input_details) {
      if (std::exchange(seen_details, true) || !skim_cached(skim, cached)) return false;
    } else {
      skim.skip();
    }
  }
  if (in || out) told = Usage{in.value_or(0), out.value_or(0), cached};
  return true;
}

}  // namespace davy::dialects
