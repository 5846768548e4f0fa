#include "mechanisms/dialects/loose_walker.h"

#include "mechanisms/dialects/identifiers.h"
#include "mechanisms/dialects/loose_text.h"
#include "mechanisms/dialects/problem.h"
#include "mechanisms/dialects/sse.h"

namespace davy::dialects {

Result<void> LooseWalker::look() {
  begin();
  for (NodeId id = 0; id < index_->nodes().size(); ++id) {
    const json::Node& node = (*index_)[id];
    if (node.has_key && !is_plain_key(slice(index_->source(), node.key_span()))) {
      if (of_ == Of::whole) {
        complete(id, true, Provenance::assistant, TextKind::structured);
      } else {
        DAVY_TRY(other(id, true, 0, 0, TextKind::structured));
      }
    }
    if (node.kind == json::Kind::string) DAVY_TRY(text(id));
  }
  usage_ = loose_usage(*index_, told_);
  finish_reason_ = loose_finish_reason(*index_);
  return {};
}

Result<void> LooseWalker::text(NodeId id) {
  DAVY_ASSIGN(const bool taken, take(id));
  if (taken) return {};
  if (of_ == Of::stream) return other(id, false, 0, 0, TextKind::prose);
  complete(id, false, Provenance::assistant, loose_kind(*index_, id));
  return {};
}

std::string LooseWalker::cut() const {
  std::string out;
  append_event(out, kCutByRule);
  return out;
}

}  // namespace davy::dialects
