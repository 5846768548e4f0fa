#include "mechanisms/dialects/predict.h"

#include <algorithm>
#include <array>

#include "mechanisms/dialects/json_answer.h"
#include "mechanisms/dialects/json_stream.h"
#include "mechanisms/dialects/loose_text.h"
#include "mechanisms/dialects/loose_usage.h"
#include "mechanisms/dialects/problem.h"
#include "mechanisms/dialects/sse.h"

namespace davy::dialects {
namespace {

using json::Kind;
using json::kNoNode;

constexpr std::array kModelRoutes = {
    Route{"*", "*", {}, 0, Reading::documents, Names::path},
};

// What people call this dialect by. A server's administration lies beside its other paths
// (Ollama: /api/delete), so those are for the operator to name.
constexpr std::array kUsualPaths = {std::string_view(""), std::string_view("/"),
                                    std::string_view("/predict")};

constexpr std::array kParameters = {std::string_view("version"), std::string_view("api-version"),
                                    std::string_view("timeout"), std::string_view("format"),
                                    std::string_view("verbose")};

class Predict final : public Dialect {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "predict"; }
  [[nodiscard]] std::span<const Route> routes() const noexcept override { return {}; }
  [[nodiscard]] std::span<const Route> model_routes() const noexcept override {
    return kModelRoutes;
  }
  [[nodiscard]] std::span<const std::string_view> usual_paths() const noexcept override {
    return kUsualPaths;
  }
  [[nodiscard]] bool plain_parameter(std::string_view name) const noexcept override {
    return std::find(kParameters.begin(), kParameters.end(), name) != kParameters.end();
  }

  [[nodiscard]] std::size_t operations() const noexcept override { return 1; }
  [[nodiscard]] std::unique_ptr<RequestDocument> make_request(std::uint8_t) const override {
    return std::make_unique<PredictRequest>();
  }
  [[nodiscard]] std::unique_ptr<AnswerDocument> make_answer(std::uint8_t) const override {
    return std::make_unique<JsonAnswer>(std::make_unique<PredictWalker>(LooseWalker::Of::whole),
                                        loose_limits());
  }
  [[nodiscard]] std::unique_ptr<StreamReader> make_stream(std::uint8_t) const override {
    return std::make_unique<JsonStream>(std::make_unique<PredictWalker>(LooseWalker::Of::stream));
  }

  [[nodiscard]] std::string catalogue(std::span<const std::string_view>, bool) const override {
    return std::string(kNoModels);
  }
  [[nodiscard]] std::string error_body(const Problem& problem, Detail detail) const override {
    return plain_error(problem, detail);
  }
  [[nodiscard]] std::string stream_error(std::uint8_t, const Problem& problem,
                                         Detail detail) const override {
    std::string out;
    append_event(out, plain_error(problem, detail));
    return out;
  }
};

}  // namespace

PredictRequest::PredictRequest() { limits_ = loose_limits(); }

Result<void> PredictRequest::read_settings() {
  stream_ = false;
  for (NodeId id = is_object(0) ? index_.first_child(0) : kNoNode; id != kNoNode;
       id = index_[id].next) {
    if (index_.is(id, Kind::boolean) && index_.is_true(id) && is_spelt(index_, id, "stream")) {
      stream_ = true;
    }
  }
  max_output_tokens_ = loose_output_limit(index_);
  return {};
}

void PredictRequest::read_text() { collect_loose(0, Provenance::field); }

void PredictWalker::begin() {
  tokens_ = kNoNode;
  lists_ = 0;
}

Result<bool> PredictWalker::take(NodeId id) {
  const NodeId tokens = tokens_of(id);
  if (tokens == kNoNode) return false;
  if (tokens != tokens_) ++lists_;
  tokens_ = tokens;
  if (lists_ > kMaxStreams) return too_many_streams();
  add(id, {0, lists_ - 1, Provenance::assistant, TextKind::prose});
  return true;
}

json::NodeId PredictWalker::tokens_of(NodeId id) const {
  if (!named(id, "text")) return kNoNode;
  const NodeId list = (*index_)[(*index_)[id].parent].parent;
  const bool tokens = is_array(list) && (named(list, "tokens") || named(list, "prefill"));
  return tokens ? list : kNoNode;
}

const Dialect& predict() noexcept {
  static const Predict dialect;
  return dialect;
}

}  // namespace davy::dialects
