#include "services/plans/rules/activation.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/plans/rules/content.h"
#include "services/platform/base/error.h"
#include "services/platform/base/status_macros.h"

namespace securebase::plans::rules {
namespace {

bool IsClinician(const StaffMember* staff) {
  return staff != nullptr && staff->role == StaffRole::kClinician;
}

bool IsSupervisor(const StaffMember* staff) {
  return staff != nullptr && staff->role == StaffRole::kSupervisor;
}

// The latest screening of a participant; null: none.
const v1::Screening* LatestScreening(const std::vector<v1::Screening>& newest_first,
                                     absl::string_view participant) {
  for (const v1::Screening& screening : newest_first) {
    if (screening.participant() == participant) {
      return &screening;
    }
  }
  return nullptr;
}

// Those whom the library wants screened: the partners who take part.
std::vector<std::string> ToBeScreened(const v1::PlanContent& content, const Episode& episode,
                                      const std::vector<v1::Requirement>& requirements) {
  const bool required = std::count(requirements.begin(), requirements.end(),
                                   v1::REQUIREMENT_SCREEN_PARTNERS_ALONE) > 0;
  std::vector<std::string> ids;
  if (!required || content.separate_sessions_only()) {
    return ids;
  }
  for (const Member& member : episode.members) {
    if (member.role == MemberRole::kPartner && !member.left) {
      ids.push_back(member.id);
    }
  }
  return ids;
}

bool GuardianOf(const Episode& episode, absl::string_view id) {
  return std::any_of(episode.members.begin(), episode.members.end(), [&](const Member& member) {
    return member.minor && std::count(member.guardians.begin(), member.guardians.end(), id) > 0;
  });
}

bool MeaningFits(v1::SignerRole role, v1::SignatureMeaning meaning) {
  switch (role) {
    case v1::SIGNER_ROLE_CLINICIAN:
      return meaning == v1::SIGNATURE_MEANING_AUTHORSHIP;
    case v1::SIGNER_ROLE_SUPERVISOR:
      return meaning == v1::SIGNATURE_MEANING_APPROVAL;
    case v1::SIGNER_ROLE_PARTICIPANT:
    case v1::SIGNER_ROLE_GUARDIAN:
      return meaning == v1::SIGNATURE_MEANING_AGREEMENT;
    default:
      return false;
  }
}

bool RoleFits(const Episode& episode, v1::SignerRole role, absl::string_view signer) {
  const Member* member = FindMember(episode, signer);
  const bool takes_part = member != nullptr && !member->left;
  switch (role) {
    case v1::SIGNER_ROLE_CLINICIAN:
      return IsClinician(FindStaff(episode, signer));
    case v1::SIGNER_ROLE_SUPERVISOR:
      return IsSupervisor(FindStaff(episode, signer));
    case v1::SIGNER_ROLE_PARTICIPANT:
      return takes_part && member->role != MemberRole::kObserver;
    case v1::SIGNER_ROLE_GUARDIAN:
      return takes_part && GuardianOf(episode, signer);
    default:
      return false;
  }
}

}  // namespace

std::vector<std::string> UnansweredWarnings(const v1::Revision& revision) {
  std::vector<std::string> ids;
  for (const v1::GuardWarning& warning : revision.warnings()) {
    if (!warning.has_answer()) {
      ids.push_back(warning.id());
    }
  }
  return ids;
}

std::vector<std::string> MissingSignatures(const v1::Revision& revision, const Episode& episode,
                                           const Policy& policy) {
  std::vector<std::string> authors;
  std::vector<std::string> approvers;
  bool unsupervised_author = false;
  for (const v1::Signature& signature : revision.signatures()) {
    if (signature.digest() != revision.digest()) {
      continue;
    }
    const StaffMember* staff = FindStaff(episode, signature.signer());
    if (signature.role() == v1::SIGNER_ROLE_CLINICIAN && IsClinician(staff)) {
      authors.push_back(staff->id);
      unsupervised_author = unsupervised_author || !staff->supervised;
    } else if (signature.role() == v1::SIGNER_ROLE_SUPERVISOR && IsSupervisor(staff)) {
      approvers.push_back(staff->id);
    }
  }
  std::vector<std::string> missing;
  if (authors.empty()) {
    missing.emplace_back("clinician");
  }
  const bool any_clinician_unsupervised =
      std::any_of(episode.team.begin(), episode.team.end(), [](const StaffMember& staff) {
        return staff.role == StaffRole::kClinician && !staff.supervised;
      });
  // Before anybody signed, whether a supervisor will be needed depends on who will.
  const bool supervisor_needed =
      authors.empty() ? !any_clinician_unsupervised : !unsupervised_author;
  const bool approved =
      std::any_of(approvers.begin(), approvers.end(), [&](const std::string& approver) {
        return std::count(authors.begin(), authors.end(), approver) == 0;
      });
  if (policy.supervisor_signature_required && supervisor_needed && !approved) {
    missing.emplace_back("supervisor");
  }
  return missing;
}

std::vector<std::string> MissingConsents(const v1::PlanContent& content, const Episode& episode,
                                         const Policy& policy) {
  std::vector<std::string> missing;
  if (!policy.participant_consent_required) {
    return missing;
  }
  for (const std::string& subject : DataSubjects(content)) {
    const Member* member = FindMember(episode, subject);
    const bool treated =
        member != nullptr && !member->left && member->role != MemberRole::kObserver;
    if (treated && std::count(episode.consented.begin(), episode.consented.end(), subject) == 0) {
      missing.push_back(subject);
    }
  }
  return missing;
}

std::vector<std::string> MissingScreenings(const v1::PlanContent& content, const Episode& episode,
                                           const std::vector<v1::Requirement>& requirements,
                                           const std::vector<v1::Screening>& screenings) {
  std::vector<std::string> missing;
  for (std::string& id : ToBeScreened(content, episode, requirements)) {
    if (LatestScreening(screenings, id) == nullptr) {
      missing.push_back(std::move(id));
    }
  }
  return missing;
}

absl::Status CheckMayBeInForce(const v1::Revision& revision, const Episode& episode,
                               const Policy& policy,
                               const std::vector<v1::Requirement>& requirements,
                               const std::vector<v1::Screening>& screenings) {
  const v1::PlanContent& content = revision.content();
  if (!episode.under_way) {
    return StateNotAllowed(
        "the episode has ended; a plan can be in force only while it is under way");
  }
  if (content.population() == v1::POPULATION_UNSPECIFIED) {
    return StateNotAllowed("the plan does not say for which population it is; revise it");
  }
  for (const std::string& id : ToBeScreened(content, episode, requirements)) {
    const v1::Screening* screening = LatestScreening(screenings, id);
    if (screening != nullptr &&
        screening->result() != v1::SCREENING_RESULT_CONJOINT_WORK_SUITABLE) {
      return StateNotAllowed(
          "the screening speaks against seeing the partners together; revise the plan with "
          "separate_sessions_only");
    }
  }
  struct Missing {
    Reason reason;
    std::string key;
    std::vector<std::string> what;
    absl::string_view message;
  };
  const std::vector<Missing> checks = {
      {Reason::kWarningUnanswered, "unanswered_warnings", UnansweredWarnings(revision),
       "the revision has warnings that nobody answered; call AnswerWarning, or revise it"},
      {Reason::kScreeningMissing, "missing_screenings",
       MissingScreenings(content, episode, requirements, screenings),
       "partners must be screened alone for violence and coercion first; call RecordScreening, or "
       "revise the plan with separate_sessions_only"},
      {Reason::kConsentMissing, "missing_consents", MissingConsents(content, episode, policy),
       "participants' consents to treatment are missing or refused; record them with the episode"},
      {Reason::kSignatureMissing, "missing_signatures",
       MissingSignatures(revision, episode, policy),
       "the revision lacks signatures that the practice's policy asks for; call SignRevision"}};
  const Missing* first = nullptr;
  std::map<std::string, std::string> metadata;
  for (const Missing& check : checks) {
    if (!check.what.empty()) {
      first = first == nullptr ? &check : first;
      metadata[check.key] = absl::StrJoin(check.what, ",");
    }
  }
  if (first == nullptr) {
    return absl::OkStatus();
  }
  metadata["missing"] = absl::StrJoin(first->what, ",");
  return MakeError(absl::StatusCode::kFailedPrecondition, first->reason, first->message, metadata);
}

absl::Status CheckSignature(const v1::Revision& revision, const Episode& episode,
                            absl::string_view signer, v1::SignerRole role,
                            v1::SignatureMeaning meaning, absl::string_view digest) {
  if (!MeaningFits(role, meaning)) {
    return InvalidFields(
        {{"meaning",
          "must go with the role: AUTHORSHIP with CLINICIAN, APPROVAL with SUPERVISOR, AGREEMENT "
          "with PARTICIPANT and GUARDIAN"}});
  }
  if (digest != revision.digest()) {
    return StateNotAllowed(
        "the digest is not this revision's; read the revision again and sign that");
  }
  if (!RoleFits(episode, role, signer)) {
    return StateNotAllowed("the signer is not in the episode what the role says");
  }
  const std::vector<std::string> warnings = UnansweredWarnings(revision);
  if (!warnings.empty()) {
    return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kWarningUnanswered,
                     "the revision has warnings that nobody answered; call AnswerWarning, or "
                     "revise it",
                     {{"missing", absl::StrJoin(warnings, ",")},
                      {"unanswered_warnings", absl::StrJoin(warnings, ",")}});
  }
  for (const v1::Signature& signature : revision.signatures()) {
    if (signature.signer() == signer && signature.role() == role) {
      return AlreadyExists("a signature of this signer in this role");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckMayAnswerWarning(const Episode& episode, const Policy& policy,
                                   absl::string_view staff) {
  const StaffMember* member = FindStaff(episode, staff);
  if (IsSupervisor(member) || (policy.solo_practice && IsClinician(member))) {
    return absl::OkStatus();
  }
  return MakeError(absl::StatusCode::kPermissionDenied, Reason::kPrincipalNotAllowed,
                   "a warning is answered by a supervisor of the care team, or in a solo practice "
                   "by its clinician");
}

absl::CivilDay ReviewDueDay(absl::Time from, const v1::PlanContent& content, const Policy& policy) {
  const int days = content.review_interval_days() > 0 ? content.review_interval_days()
                                                      : policy.review_interval_days;
  return absl::ToCivilDay(from, policy.time_zone) + days;
}

}  // namespace securebase::plans::rules
