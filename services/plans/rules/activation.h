#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "securebase/plans/v1/library.pb.h"
#include "securebase/plans/v1/plan.pb.h"
#include "services/plans/rules/episode.h"

// Who signs, who answers warnings, and what must be there before a revision may be in force.
namespace securebase::plans::rules {

// Ids of unanswered warnings.
std::vector<std::string> UnansweredWarnings(const v1::Revision& revision);

// "clinician" and "supervisor", where missing. Clinician: the authorship of a clinician who is in
// the care team now. Supervisor: where the policy asks for it and no author is unsupervised, the
// approval of a supervisor who is in the care team now and is not the author.
std::vector<std::string> MissingSignatures(const v1::Revision& revision, const Episode& episode,
                                           const Policy& policy);

// Ids of all whom the plan concerns (DataSubjects) who are treated (observers and those who left
// are not) and whose treatment is not consented to. Empty where the policy does not ask for
// consent.
std::vector<std::string> MissingConsents(const v1::PlanContent& content, const Episode& episode,
                                         const Policy& policy);

// Ids of the partners who must still be screened alone before conjoint work. `screenings`: the
// plan's, newest first; the first of each participant counts.
std::vector<std::string> MissingScreenings(const v1::PlanContent& content, const Episode& episode,
                                           const std::vector<v1::Requirement>& requirements,
                                           const std::vector<v1::Screening>& screenings);

// FAILED_PRECONDITION with the first of these that applies, and metadata for all of them
// (`missing` for the first, and `missing_signatures`, `missing_consents`, `missing_screenings`,
// `unanswered_warnings`):
//   STATE_NOT_ALLOWED    the episode is not under way, the content has no population, or a partner
//                        was found unsuitable for conjoint work
//   WARNING_UNANSWERED, SCREENING_MISSING, CONSENT_MISSING, SIGNATURE_MISSING
absl::Status CheckMayBeInForce(const v1::Revision& revision, const Episode& episode,
                               const Policy& policy,
                               const std::vector<v1::Requirement>& requirements,
                               const std::vector<v1::Screening>& screenings);

// Whether `signer` (a staff id or a participant's) may sign in this role with this meaning.
// INVALID_ARGUMENT (INVALID_FIELDS) when the meaning does not go with the role; FAILED_PRECONDITION
// (STATE_NOT_ALLOWED) when the signer is not what the role says, or the revision is not that which
// was seen; WARNING_UNANSWERED; ALREADY_EXISTS when they signed in this role.
absl::Status CheckSignature(const v1::Revision& revision, const Episode& episode,
                            absl::string_view signer, v1::SignerRole role,
                            v1::SignatureMeaning meaning, absl::string_view digest);

// Whether this member of staff may answer warnings: a supervisor of the care team, in a solo
// practice one of its clinicians. PERMISSION_DENIED (PRINCIPAL_NOT_ALLOWED).
absl::Status CheckMayAnswerWarning(const Episode& episode, const Policy& policy,
                                   absl::string_view staff);

// The day, in the practice's time zone, on which a review falls due that is counted from `from`.
absl::CivilDay ReviewDueDay(absl::Time from, const v1::PlanContent& content, const Policy& policy);

}  // namespace securebase::plans::rules
