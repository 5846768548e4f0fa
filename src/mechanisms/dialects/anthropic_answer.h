// Answers of Anthropic messages. What counts as what is in anthropic.h.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mechanisms/dialects/answer_walker.h"
#include "mechanisms/dialects/json_answer.h"
#include "mechanisms/formats/json_skim.h"

namespace davy::dialects {

// The counts of `usage`. Those of a stream are told piece by piece, each in place of what was
// told before.
struct AnthropicUsage {
  std::optional<std::uint64_t> input;  // without what went to or came from the cache
  std::optional<std::uint64_t> created;
  std::optional<std::uint64_t> read;
  std::optional<std::uint64_t> output;
  // What was written on the way to the message (`iterations` of other types: compaction, an
  // advisor), which the counts above leave out.
  Usage beside;

  // Takes an iteration of that type.
  void add(std::string_view type, const AnthropicUsage& iteration) noexcept;
  // The count of that name, or null.
  [[nodiscard]] std::optional<std::uint64_t>* find(std::string_view name) noexcept;
  // Nothing, if nothing was told.
  [[nodiscard]] std::optional<Usage> sum() const noexcept;
};

// Of a whole message, and of each event of a streamed one.
class AnthropicWalker final : public AnswerWalker {
 public:
  enum class Of : std::uint8_t { message, stream };
  explicit AnthropicWalker(Of of) noexcept : of_(of) {}
  [[nodiscard]] std::string cut() const override;

 private:
  // What cut() depends on, in the order in which it came.
  struct Step {
    enum class What : std::uint8_t { message, open, close };
    What what = What::message;
    std::uint32_t block = 0;
  };
  enum class Type : std::uint8_t { message, start, open, delta, close, end_message, stop };

  [[nodiscard]] Result<void> look() override;
  void forget() override;

  [[nodiscard]] Type type_of(NodeId id) const;
  [[nodiscard]] Result<void> step(Step::What what, std::uint32_t block);
  [[nodiscard]] Result<std::uint32_t> block_number() const;
  // The parts of an answer. `id` is an object.
  [[nodiscard]] Result<void> message(NodeId id);
  [[nodiscard]] Result<void> block(NodeId id, std::uint32_t number);
  [[nodiscard]] Result<void> delta(NodeId id, std::uint32_t number);
  [[nodiscard]] Result<void> read_usage(NodeId id);
  void read_iterations(NodeId id);
  // All other strings at and below `id`; those that only the API can read are counted.
  [[nodiscard]] Result<void> rest(NodeId id, Plain plain);
  void tool_input(NodeId id);
  [[nodiscard]] bool sealed(NodeId id);

  const Of of_;
  bool goes_on_ = false;  // later events may go on with what rest() finds
  std::vector<Step> steps_;
  AnthropicUsage told_;  // since reset()
};

class AnthropicAnswer final : public JsonAnswer {
 public:
  AnthropicAnswer() : JsonAnswer(std::make_unique<AnthropicWalker>(AnthropicWalker::Of::message)) {}

 private:
  [[nodiscard]] bool skim(std::string_view body) override;
  [[nodiscard]] bool skim_usage(json::Skim& skim);
  // False: a key came twice.
  [[nodiscard]] static bool skim_iterations(json::Skim& skim, AnthropicUsage& told);
};

}  // namespace davy::dialects
