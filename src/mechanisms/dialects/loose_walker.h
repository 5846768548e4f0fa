// Answers of servers with plain JSON: every string is text.
//
// Of a whole answer each is complete in itself. In a stream, texts at the same place of each
// event are one text that goes on, and all of them are prose, since a text that goes on has
// one kind.
#pragma once

#include <string>

#include "mechanisms/dialects/answer_walker.h"
#include "mechanisms/dialects/loose_usage.h"

namespace davy::dialects {

class LooseWalker : public AnswerWalker {
 public:
  enum class Of : bool { whole, stream };
  explicit LooseWalker(Of of) noexcept : of_(of) {}
  [[nodiscard]] std::string cut() const final;

 private:
  [[nodiscard]] Result<void> look() final;
  [[nodiscard]] Result<void> text(NodeId id);
  void forget() final { told_ = {}; }

  virtual void begin() {}  // of a JSON text
  // Takes a string in a way of the dialect's own, or passes it on without a look. False: it
  // is like any other.
  [[nodiscard]] virtual Result<bool> take(NodeId id) = 0;

  Of of_;
  LooseUsage told_;  // since reset()
};

}  // namespace davy::dialects
