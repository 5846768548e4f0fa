#include "mechanisms/dialects/kserve.h"

#include <array>

#include "base/strings.h"
#include "mechanisms/dialects/identifiers.h"
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
using Name = std::string_view;

enum Operation : std::uint8_t { kInfer, kGenerate, kOperations };

constexpr Route post(Name path, Operation operation) {
  return {"POST", path, {}, operation, Reading::documents, Names::path};
}
constexpr Route get(Name path) { return {"GET", path, {}, kInfer, Reading::none, Names::path}; }

constexpr std::array kModelRoutes = {
    post("/v2/models/{}/infer", kInfer),
    post("/v2/models/{}/versions/{}/infer", kInfer),
    post("/v2/models/{}/generate", kGenerate),
    post("/v2/models/{}/versions/{}/generate", kGenerate),
    post("/v2/models/{}/generate_stream", kGenerate),
    post("/v2/models/{}/versions/{}/generate_stream", kGenerate),
    get("/v2"),
    get("/v2/health/live"),
    get("/v2/health/ready"),
    get("/v2/models"),
    get("/v2/models/stats"),
    get("/v2/models/{}"),
    get("/v2/models/{}/ready"),
    get("/v2/models/{}/config"),
    get("/v2/models/{}/stats"),
    get("/v2/models/{}/versions/{}"),
    get("/v2/models/{}/versions/{}/ready"),
    get("/v2/models/{}/versions/{}/config"),
    get("/v2/models/{}/versions/{}/stats"),
};

constexpr std::array kPlainTop = {Name("id"), Name("model_name"), Name("model_version")};
constexpr std::array kPlainTensor = {Name("name"), Name("datatype")};

class KServe final : public Dialect {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "kserve"; }
  [[nodiscard]] std::span<const Route> routes() const noexcept override { return {}; }
  [[nodiscard]] std::span<const Route> model_routes() const noexcept override {
    return kModelRoutes;
  }
  [[nodiscard]] bool plain_parameter(std::string_view) const noexcept override { return false; }
  // How much of the body is JSON: without it, all.
  [[nodiscard]] bool repeats_body(std::string_view field) const noexcept override {
    return equal_ignoring_case(field, "inference-header-content-length");
  }

  [[nodiscard]] std::size_t operations() const noexcept override { return kOperations; }
  [[nodiscard]] std::unique_ptr<RequestDocument> make_request(
      std::uint8_t operation) const override {
    return std::make_unique<KServeRequest>(operation == kInfer);
  }
  [[nodiscard]] std::unique_ptr<AnswerDocument> make_answer(std::uint8_t) const override {
    return std::make_unique<JsonAnswer>(std::make_unique<KServeWalker>(LooseWalker::Of::whole),
                                        loose_limits());
  }
  [[nodiscard]] std::unique_ptr<StreamReader> make_stream(std::uint8_t) const override {
    return std::make_unique<JsonStream>(std::make_unique<KServeWalker>(LooseWalker::Of::stream));
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

KServeRequest::KServeRequest(bool has_tensors) : has_tensors_(has_tensors) {
  limits_ = loose_limits();
}

Result<void> KServeRequest::read_settings() {
  DAVY_TRY(must_be_object(has_tensors_ ? "send {\"inputs\": [{\"name\": …, \"shape\": …, "
                                         "\"datatype\": …, \"data\": […]}]}"
                                       : "send {\"text_input\": …}"));
  if (has_tensors_) {
    const NodeId inputs = member_of(0, "inputs");
    if (!is_array(inputs)) {
      return wrong(inputs == kNoNode ? 0 : inputs, "`inputs` must be an array of tensors",
                   "send at least {\"name\": …, \"shape\": …, \"datatype\": …, \"data\": […]}");
    }
  }
  const NodeId stream = member_of(0, "stream");
  stream_ = index_.is(stream, Kind::boolean) && index_.is_true(stream);
  max_output_tokens_ = loose_output_limit(index_);
  return {};
}

void KServeRequest::read_text() {
  each_child(0, Provenance::field, [this](NodeId member) {
    if (named(member, "inputs") || named(member, "outputs")) {
      tensors(member);
    } else if (named(member, "text_input") && is_string(member)) {
      emit(member, Provenance::user, TextKind::prose);
    } else if (!is_plain(member, kPlainTop)) {
      collect_loose(member, Provenance::field);
    }
  });
}

void KServeRequest::tensors(NodeId id) {
  if (!is_array(id)) return collect_loose(id, Provenance::field);
  each_child(id, Provenance::field, [this](NodeId tensor) {
    if (!is_object(tensor)) return collect_loose(tensor, Provenance::field);
    each_child(tensor, Provenance::field, [this](NodeId member) {
      if (!is_plain(member, kPlainTensor)) collect_loose(member, Provenance::field);
    });
  });
}

Result<bool> KServeWalker::take(NodeId id) {
  const NodeId parent = (*index_)[id].parent;
  if (parent == 0) return is_plain(id, kPlainTop);
  if (parent == kNoNode || !is_plain(id, kPlainTensor)) return false;
  const NodeId list = (*index_)[parent].parent;
  return is_array(list) && (named(list, "outputs") || named(list, "inputs")) &&
         (*index_)[list].parent == 0;
}

const Dialect& kserve() noexcept {
  static const KServe dialect;
  return dialect;
}

}  // namespace davy::dialects
