// The body of a whole answer in JSON, for any dialect.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mechanisms/dialects/answer_walker.h"
#include "mechanisms/dialects/dialect.h"
#include "mechanisms/formats/json_index.h"

namespace davy::dialects {

class JsonAnswer : public AnswerDocument {
 public:
  explicit JsonAnswer(std::unique_ptr<AnswerWalker> walker, json::Limits limits = {});

  [[nodiscard]] Result<void> read(std::string_view body) final;
  [[nodiscard]] Result<void> read_account(std::string_view body) final;
  [[nodiscard]] std::span<const StreamSegment> segments() const noexcept final { return segments_; }
  [[nodiscard]] std::uint64_t bytes_not_examined() const noexcept final {
    return walker_->bytes_not_examined();
  }
  [[nodiscard]] std::optional<Usage> usage() const noexcept final { return usage_; }
  [[nodiscard]] std::string_view finish_reason() const noexcept final { return finish_reason_; }
  [[nodiscard]] Result<std::string> apply(std::span<const StreamEdit> edits) const final;

 protected:
  // Takes usage_ and finish_reason_ without an index. False: the body must be read whole.
  [[nodiscard]] virtual bool skim(std::string_view) { return false; }

  std::optional<Usage> usage_;
  std::string_view finish_reason_;

 private:
  void clear();

  std::unique_ptr<AnswerWalker> walker_;
  json::Limits limits_;
  json::Index index_;
  json::Arena arena_;
  StreamTable streams_;
  std::vector<StreamSegment> segments_;
  std::vector<Span> sources_;
};

}  // namespace davy::dialects
