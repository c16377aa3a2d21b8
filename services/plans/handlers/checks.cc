#include "services/plans/handlers/checks.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "services/platform/api/participants.h"
#include "services/platform/base/error.h"
#include "services/platform/base/resource_name.h"

namespace securebase::plans {

absl::Status EpisodeCancelled() {
  return StateNotAllowed("the episode was cancelled or entered in error");
}

absl::StatusOr<std::string> ActingPerson(const records::Reader& reader, absl::string_view episode,
                                         const std::string& named, absl::string_view field) {
  const auth::Principal& principal = reader.call().principal;
  if (principal.kind == auth::PrincipalKind::kSystem) {
    if (named.empty()) {
      return InvalidFields({{std::string(field), "is required of a system: it says who acts"}});
    }
    return named;
  }
  const std::string self =
      api::IsParticipant(reader.call()) ? reader.SelfIn(episode) : principal.subject;
  if (self.empty() || (!named.empty() && named != self)) {
    return InvalidFields(
        {{std::string(field), "must be empty: only a system acts for somebody else"}});
  }
  return self;
}

std::string AttestingSystem(const api::Call& call) {
  return call.principal.kind == auth::PrincipalKind::kSystem ? call.principal.subject : "";
}

absl::Status CheckInstruments(OutcomesNeighbour& outcomes, const api::Call& call,
                              const v1::PlanContent& before, const v1::PlanContent& content,
                              absl::string_view field) {
  std::map<std::string, bool> exists;
  for (const v1::PlannedMeasure& measure : before.measures()) {
    exists[measure.instrument()] = true;
  }
  std::vector<FieldViolation> violations;
  for (int i = 0; i < content.measures_size(); ++i) {
    const std::string& name = content.measures(i).instrument();
    const auto [found, is_new] = exists.try_emplace(name, true);
    if (is_new) {
      absl::Status status = outcomes.CheckInstrument(call, name);
      if (!status.ok() && status.code() != absl::StatusCode::kNotFound) {
        return status;
      }
      found->second = status.ok();
    }
    if (!found->second) {
      violations.push_back({absl::StrCat(field, ".measures[", i, "].instrument"),
                            "must be an instrument; ListInstruments has them all"});
    }
  }
  return InvalidFields(violations);
}

void HideFromParticipants(const api::Call& call, v1::Plan& plan) {
  if (api::IsParticipant(call)) {
    plan.clear_etag();
    plan.clear_update_time();
  }
}

void HideFromParticipants(const api::Call& call, v1::Revision& revision) {
  if (api::IsParticipant(call)) {
    revision.clear_etag();
    revision.clear_warnings();
  }
}

}  // namespace securebase::plans
