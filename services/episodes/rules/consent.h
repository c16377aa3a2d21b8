#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "securebase/episodes/v1/episode.pb.h"
#include "securebase/type/v1/type.pb.h"
#include "services/platform/base/error.h"

// Consent, and who may see whose data. These are rules of this project: FHIR R4's Consent gives the
// words, and leaves what follows from them to policy. They fail closed: whatever is not clearly
// consented to is not.
namespace securebase::episodes {

// Consents and holds of one episode, released and withdrawn ones included.
inline constexpr int kMaxConsents = 250;
inline constexpr int kMaxSafetyHolds = 250;

// All that decides who may see what of an episode.
struct EpisodeRecords {
  v1::Episode episode;
  std::vector<v1::Consent> consents;
  std::vector<v1::SafetyHold> holds;
};

enum class Decision { kGiven, kRefused, kMissing };

// What is decided at `now` about the treatment of `subject`, a participant's id.
//
// Each grantor's latest recorded decision in force counts: ACTIVE or REJECTED, now within its
// period (which begins when it was recorded if it does not say), the grantor still having the
// capacity. A consent lapses when its grantor leaves, who could no longer withdraw it; a refusal
// stays. An adult decides alone. For a minor, one guardian's consent is needed, and a refusal by a
// guardian or the minor outweighs it; the minor's own consent opens nothing by itself.
Decision DecideTreatment(const EpisodeRecords& records, absl::string_view subject, absl::Time now);

// The same for `recipient` seeing the data of `subject`, holds left aside. Missing when either has
// left.
Decision DecideDisclosure(const EpisodeRecords& records, absl::string_view subject,
                          absl::string_view recipient, absl::Time now);

// Whether a hold keeps the data of `subject` from `recipient`.
bool IsHeld(const std::vector<v1::SafetyHold>& holds, absl::string_view subject,
            absl::string_view recipient);

// Who asks. An EHR's `patient` identifies a participant, a `subject` a member of staff.
struct Viewer {
  type::v1::PrincipalKind kind = type::v1::PRINCIPAL_KIND_UNSPECIFIED;
  std::string subject;
  std::string patient;
};

// What the viewer may see of the episode at `now`; nullopt: not even that it exists.
//   - Systems and services see everything.
//   - Staff see everything while they are in the care team.
//   - A participant who takes part sees what is theirs and what is disclosed to them and not held;
//     nothing of an episode entered in error. `subjects` are ordered by id.
std::optional<type::v1::EpisodeAccess> Visible(const EpisodeRecords& records, const Viewer& viewer,
                                               absl::Time now);

// The next moment after `now` at which a consent begins or ends, so that time alone may change a
// decision; InfiniteFuture without one.
absl::Time NextChange(const std::vector<v1::Consent>& consents, absl::Time now);
// The next moment after `now` at which time alone changes what the viewer may see (Visible);
// InfiniteFuture without one. What others decided shows in it only where it shows in the view.
absl::Time NextChange(const EpisodeRecords& records, const Viewer& viewer, absl::Time now);

// Everything that is wrong with a consent that is to be recorded in the episode, by path under
// "consent": grantor, subject and recipient take part; the capacity is true; SELF is for oneself; a
// disclosure has a recipient other than the subject, and a treatment none; the status is ACTIVE or
// REJECTED; the period ends after it begins.
std::vector<FieldViolation> CheckConsent(const v1::Episode& episode, const v1::Consent& consent);

// Whether a guardian discloses a minor's data to themself or to another guardian. The minor has
// confidentiality of their own, which guardians could else open for each other, so this is recorded
// by staff, after they have weighed it.
bool IsDisclosureAmongGuardians(const v1::Episode& episode, const v1::Consent& consent);

// What a participant is shown of an ACTIVE consent to disclose to them while a hold keeps the data
// from them: to the byte what it would be had it been withdrawn when the hold began, since they
// must not be able to tell a hold.
v1::Consent AsIfWithdrawn(const std::vector<v1::SafetyHold>& holds, v1::Consent consent);

// The consent withdrawn, or declared to have been recorded by mistake. FAILED_PRECONDITION
// (STATE_NOT_ALLOWED) when it does not stand any more; or when a refusal is to be withdrawn: that
// would open what somebody else consented to, so it takes a new decision.
absl::StatusOr<v1::Consent> Withdraw(v1::Consent consent, bool entered_in_error);

// Everything that is wrong with a hold that is to be placed, by path under "safety_hold".
std::vector<FieldViolation> CheckSafetyHold(const v1::Episode& episode, const v1::SafetyHold& hold);

}  // namespace securebase::episodes
