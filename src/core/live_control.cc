#include "core/live_control.h"

#include <array>
#include <cmath>
#include <mutex>
#include <utility>

#include "core/address.h"

namespace davy {
namespace {

// The one text form of an address, or "" if the text is none.
std::string canonical_address(std::string_view text) {
  const auto address = parse_address(text);
  return address ? address->text() : std::string();
}

std::size_t at(SubjectKind kind) noexcept { return static_cast<std::size_t>(kind); }

// The subject as the tables know it.
Result<Subject> checked(const Subject& subject) {
  if (subject.id.empty()) {
    return invalid_input("no " + std::string(name(subject.kind)) + " is named", {},
                         "name the one that is meant");
  }
  if (subject.kind != SubjectKind::address) return subject;
  std::string address = canonical_address(subject.id);
  if (address.empty()) {
    return invalid_input("this is no IP address", {}, "write one address, e.g. 192.0.2.7");
  }
  return Subject{subject.kind, std::move(address)};
}

Error nothing_to_release(const Subject& subject) {
  return invalid_input("nothing stands against this " + std::string(name(subject.kind)));
}

}  // namespace

void LiveControl::count() {
  std::size_t contained = 0;
  std::size_t limits = 0;
  for (const auto& table : contained_) contained += table.size();
  for (const auto& table : limits_) limits += table.size();
  contained_count_.store(contained, std::memory_order_release);
  limit_count_.store(limits, std::memory_order_release);
  weight_count_.store(weights_.size(), std::memory_order_release);
}

Result<void> LiveControl::contain(Containment::Kind kind, const Subject& subject,
                                  std::string_view reason) {
  DAVY_ASSIGN(Subject known, checked(subject));
  const std::unique_lock lock(mutex_);
  auto& table = contained_[at(known.kind)];
  const auto found = table.find(known.id);
  // A block on a revoked key must not turn it into something that can be released.
  if (found != table.end() && found->second.kind == Containment::Kind::revoked) return {};
  std::string id = known.id;
  table.insert_or_assign(std::move(id), Containment{kind, std::move(known), std::string(reason)});
  count();
  return {};
}

Result<void> LiveControl::revoke(std::string_view key_id, std::string_view reason) {
  return contain(Containment::Kind::revoked, {SubjectKind::key, std::string(key_id)}, reason);
}

Result<void> LiveControl::block(const Subject& subject, std::string_view reason) {
  return contain(Containment::Kind::blocked, subject, reason);
}

Result<void> LiveControl::quarantine(std::string_view model, std::string_view reason) {
  return contain(Containment::Kind::quarantined, {SubjectKind::model, std::string(model)}, reason);
}

Result<void> LiveControl::release(const Subject& subject) {
  DAVY_ASSIGN(const Subject known, checked(subject));
  const std::unique_lock lock(mutex_);
  auto& table = contained_[at(known.kind)];
  const auto found = table.find(known.id);
  if (found != table.end() && found->second.kind == Containment::Kind::revoked) {
    return invalid_input("a revoked key stays revoked", {}, "make a new key");
  }
  const std::size_t limits = limits_[at(known.kind)].erase(known.id);
  if (found == table.end() && limits == 0) return nothing_to_release(known);
  if (found != table.end()) table.erase(found);
  count();
  return {};
}

Result<void> LiveControl::weight(std::string_view model, std::size_t upstream, double share) {
  if (model.empty()) return invalid_input("no model is named");
  if (!(share >= 0.0 && share <= 1.0)) {
    return invalid_input("a share must be a number from 0 to 1");
  }
  const std::unique_lock lock(mutex_);
  weights_[std::string(model)][upstream] = share;
  count();
  return {};
}

Result<void> LiveControl::limit(const Subject& subject, double per_second) {
  if (!std::isfinite(per_second) || per_second < 0.0) {
    return invalid_input("a limit must be a number of requests a second, 0 or more");
  }
  DAVY_ASSIGN(Subject known, checked(subject));
  const std::unique_lock lock(mutex_);
  limits_[at(known.kind)].insert_or_assign(std::move(known.id), per_second);
  count();
  return {};
}

const Containment* LiveControl::find(SubjectKind kind, std::string_view id) const {
  const auto& table = contained_[at(kind)];
  const auto found = table.find(id);
  return found == table.end() ? nullptr : &found->second;
}

std::optional<Containment> LiveControl::standing(const Principal& principal,
                                                 std::string_view model) const {
  if (contained_count_.load(std::memory_order_acquire) == 0) return std::nullopt;
  const std::shared_lock lock(mutex_);
  const Containment* found = find(SubjectKind::key, principal.key_id);
  if (found == nullptr) found = find(SubjectKind::experiment, principal.experiment);
  if (found == nullptr && !contained_[at(SubjectKind::address)].empty()) {
    found = find(SubjectKind::address, canonical_address(principal.client_ip));
  }
  if (found == nullptr) found = find(SubjectKind::model, model);
  if (found == nullptr) return std::nullopt;
  return *found;
}

std::optional<double> LiveControl::weight_of(std::string_view model, std::size_t upstream) const {
  if (weight_count_.load(std::memory_order_acquire) == 0) return std::nullopt;
  const std::shared_lock lock(mutex_);
  const auto of_model = weights_.find(model);
  if (of_model == weights_.end()) return std::nullopt;
  const auto found = of_model->second.find(upstream);
  if (found == of_model->second.end()) return std::nullopt;
  return found->second;
}

std::optional<double> LiveControl::limit_of(const Subject& subject) const {
  if (limit_count_.load(std::memory_order_acquire) == 0) return std::nullopt;
  const std::shared_lock lock(mutex_);
  const auto& table = limits_[at(subject.kind)];
  if (table.empty()) return std::nullopt;
  const auto found = subject.kind == SubjectKind::address
                         ? table.find(canonical_address(subject.id))
                         : table.find(subject.id);
  if (found == table.end()) return std::nullopt;
  return found->second;
}

}  // namespace davy
