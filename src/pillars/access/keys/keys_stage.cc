#include "pillars/access/keys/keys_stage.h"

#include <array>
#include <optional>
#include <utility>

#include "base/strings.h"
#include "core/snapshot.h"
#include "generated/rules.h"
#include "pillars/access/keys/key_text.h"

namespace davy::access {
namespace {

constexpr std::array kRules = {
    rules::kAccessKeysMissing,           rules::kAccessKeysMalformed,
    rules::kAccessKeysUnknown,           rules::kAccessKeysRevoked,
    rules::kAccessKeysExpired,           rules::kAccessKeysExperimentUnknown,
    rules::kAccessKeysExperimentExpired, rules::kAccessKeysModel,
};

Finding finding(RuleId rule, std::string message, std::string pointer = {}) {
  Location location;
  location.file = "request";
  location.pointer = std::move(pointer);
  return make_finding(rule, std::move(message), std::move(location));
}

// What stands after "Bearer ", if the field has that scheme (RFC 6750 section 2.1; the
// scheme's case does not count, RFC 9110 section 11.1).
std::optional<std::string_view> bearer(std::string_view value) {
  constexpr std::string_view kScheme = "bearer";
  value = trim(value);
  if (!equal_ignoring_case(value.substr(0, kScheme.size()), kScheme)) return std::nullopt;
  const std::string_view rest = value.substr(kScheme.size());
  if (!rest.empty() && rest.front() != ' ' && rest.front() != '\t') return std::nullopt;
  return trim(rest);
}

struct Sent {
  std::string_view key;       // empty: none was sent
  bool differ = false;        // two that are not the same
  bool other_scheme = false;  // an Authorization field that is not Bearer
};

Sent key_of(const RequestHead& head) {
  Sent sent;
  for (const HeaderField& field : head.fields) {
    std::string_view key;
    if (equal_ignoring_case(field.name, "authorization")) {
      const auto token = bearer(field.value);
      if (!token) sent.other_scheme = true;
      key = token.value_or(std::string_view());
    } else if (equal_ignoring_case(field.name, "x-api-key") ||
               equal_ignoring_case(field.name, "api-key")) {
      key = trim(field.value);
    }
    if (key.empty()) continue;
    if (!sent.key.empty() && sent.key != key) sent.differ = true;
    sent.key = key;
  }
  return sent;
}

class KeysRun final : public StageRun {
 public:
  KeysRun(const KeyRing& ring, bool required, const ExchangeInfo& info)
      : ring_(ring), required_(required), info_(info) {}

  Result<void> on_head(const RequestHead& head, StageOutput& out, Scratch&) override {
    using Kind = KeyVerdict::Kind;
    const Sent sent = key_of(head);
    if (sent.key.empty()) {
      no_key(sent, out);
      return {};
    }
    if (sent.differ) {
      out.deny(finding(rules::kAccessKeysMalformed, "two different keys were sent"));
      return {};
    }
    const KeyVerdict verdict = ring_.check(sent.key, info_.started.wall);
    // Known also where it is refused, so that the event says whose key it was.
    if (!verdict.id.empty()) identify(verdict, out);
    switch (verdict.kind) {
      case Kind::good: break;
      case Kind::malformed:
        out.deny(finding(rules::kAccessKeysMalformed,
                         sent.key.starts_with(kKeyPrefix)
                             ? "the key's form or check digits are wrong"
                             : "this is no Davylamp key: those begin with davy_"));
        break;
      case Kind::unknown:
        out.deny(finding(rules::kAccessKeysUnknown, "the key is not one of this installation"));
        break;
      case Kind::revoked:
        out.deny(finding(rules::kAccessKeysRevoked, "key " + verdict.id + " was revoked"));
        break;
      case Kind::expired:
        out.deny(finding(rules::kAccessKeysExpired, "key " + verdict.id + " has expired"));
        break;
    }
    return {};
  }

  Result<void> on_request(std::span<const Segment>, StageOutput& out, Scratch&) override {
    const Experiment* const experiment = info_.experiment;
    if (experiment == nullptr) return {};
    if (experiment->expired(info_.started.wall)) {
      out.deny(finding(rules::kAccessKeysExperimentExpired,
                       "experiment " + experiment->name + " has expired"));
    }
    if (info_.model != nullptr && !experiment->may_use(info_.model->name)) {
      out.deny(finding(rules::kAccessKeysModel,
                       "experiment " + experiment->name + " may not use model " + info_.model->name,
                       "/model"));
    }
    return {};
  }

 private:
  void no_key(const Sent& sent, StageOutput& out) const {
    if (required_) {
      out.deny(finding(rules::kAccessKeysMissing,
                       sent.other_scheme ? "the Authorization field is not of the form Bearer KEY"
                                         : "no key was sent"));
      return;
    }
    Principal principal;
    principal.experiment = kAnonymous;
    principal.method = kAnonymous;
    principal.client_ip = info_.client_ip;
    const Experiment* const experiment = info_.snapshot->experiment(kAnonymous);
    if (experiment != nullptr) principal.team = experiment->owner;
    out.identify(std::move(principal), experiment);
  }

  void identify(const KeyVerdict& verdict, StageOutput& out) const {
    const Experiment* const experiment = info_.snapshot->experiment(verdict.experiment);
    Principal principal;
    principal.key_id = verdict.id;
    principal.experiment = verdict.experiment;
    principal.method = "key";
    principal.client_ip = info_.client_ip;
    if (experiment != nullptr) principal.team = experiment->owner;
    out.identify(std::move(principal), experiment);
    if (experiment == nullptr && verdict.kind == KeyVerdict::Kind::good) {
      out.deny(finding(
          rules::kAccessKeysExperimentUnknown,
          "experiment " + verdict.experiment + " of key " + verdict.id + " is not configured"));
    }
  }

  const KeyRing& ring_;
  bool required_;
  const ExchangeInfo& info_;
};

}  // namespace

std::span<const RuleId> KeysStage::rules() const noexcept { return kRules; }

std::unique_ptr<StageRun> KeysStage::begin(const ExchangeInfo& info) const {
  return std::make_unique<KeysRun>(ring_, required_, info);
}

}  // namespace davy::access
