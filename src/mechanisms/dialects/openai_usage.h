// Token counts as OpenAI's operations tell them.
#pragma once

#include <optional>
#include <string_view>

#include "mechanisms/dialects/dialect.h"
#include "mechanisms/formats/json_index.h"
#include "mechanisms/formats/json_skim.h"

namespace davy::dialects {

// What an operation calls its counts.
struct UsageNames {
  std::string_view input;
  std::string_view output;
  std::string_view input_details;  // holds `cached_tokens`
};
inline constexpr UsageNames kTokensOfChat{"prompt_tokens", "completion_tokens",
                                          "prompt_tokens_details"};
inline constexpr UsageNames kTokensOfResponses{"input_tokens", "output_tokens",
                                               "input_tokens_details"};

// Nothing if the node is no object or tells neither count.
[[nodiscard]] std::optional<Usage> read_usage(const json::Index& index, json::NodeId id,
                                              const UsageNames& names);
// The same of what stands next, and past it. False: a key came twice, so an Index must say
// what is wrong.
[[nodiscard]] bool skim_usage(json::Skim& skim, const UsageNames& names, std::optional<Usage>& out);

}  // namespace davy::dialects
