#include "services/outcomes/rules/publication.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "services/platform/api/timestamp.h"
#include "services/platform/base/error.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/base/transition_table.h"

namespace securebase::outcomes {
namespace {

const TransitionTable<v1::PublicationStatus>& Transitions() {
  static const auto* const kTable = new TransitionTable<v1::PublicationStatus>(
      StatusWord, {{v1::PUBLICATION_STATUS_DRAFT,
                    {v1::PUBLICATION_STATUS_ACTIVE, v1::PUBLICATION_STATUS_RETIRED}},
                   {v1::PUBLICATION_STATUS_ACTIVE, {v1::PUBLICATION_STATUS_RETIRED}},
                   {v1::PUBLICATION_STATUS_RETIRED, {v1::PUBLICATION_STATUS_ACTIVE}}});
  return *kTable;
}

}  // namespace

std::string StatusWord(v1::PublicationStatus status) {
  return std::string(absl::StripPrefix(v1::PublicationStatus_Name(status), "PUBLICATION_STATUS_"));
}

std::vector<v1::PublicationStatus> AllowedTransitions(v1::PublicationStatus from) {
  return Transitions().From(from);
}

absl::Status CheckTransition(v1::PublicationStatus from, v1::PublicationStatus to,
                             const PublicationChanges& changes) {
  SB_RETURN_IF_ERROR(Transitions().Check(from, to));
  if (changes.size() >= kMaxPublicationChanges) {
    return MakeError(
        absl::StatusCode::kFailedPrecondition, Reason::kLimitExceeded,
        absl::StrCat("the status has changed ", kMaxPublicationChanges, " times; add a new one"),
        {{"limit", absl::StrCat(kMaxPublicationChanges)}});
  }
  return absl::OkStatus();
}

void AddChange(v1::PublicationStatus status, absl::Time time, const type::v1::Actor& actor,
               absl::string_view reason, PublicationChanges& changes) {
  v1::PublicationChange& change = *changes.Add();
  change.set_status(status);
  *change.mutable_time() = api::ToProto(time);
  *change.mutable_actor() = actor;
  change.set_reason(std::string(reason));
}

v1::PublicationStatus StatusAt(const PublicationChanges& changes, absl::Time time) {
  v1::PublicationStatus status = v1::PUBLICATION_STATUS_UNSPECIFIED;
  for (const v1::PublicationChange& change : changes) {
    if (api::FromProto(change.time()) <= time) {
      status = change.status();
    }
  }
  return status;
}

}  // namespace securebase::outcomes
