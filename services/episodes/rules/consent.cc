#include "services/episodes/rules/consent.h"

#include <map>
#include <set>
#include <tuple>

#include "services/episodes/rules/members.h"
#include "services/platform/api/timestamp.h"

namespace securebase::episodes {
namespace {

absl::Time StartOf(const v1::Consent& consent) {
  return api::FromProto(consent.period().has_start_time() ? consent.period().start_time()
                                                          : consent.create_time());
}

absl::Time EndOf(const v1::Consent& consent) {
  return consent.period().has_end_time() ? api::FromProto(consent.period().end_time())
                                         : absl::InfiniteFuture();
}

// Neither withdrawn nor recorded by mistake.
bool Stands(const v1::Consent& consent) {
  return consent.status() == v1::CONSENT_STATUS_ACTIVE ||
         consent.status() == v1::CONSENT_STATUS_REJECTED;
}

// The moments after `now` at which one of the consents begins or ends.
std::set<absl::Time> TimesAfter(const std::vector<v1::Consent>& consents, absl::Time now) {
  std::set<absl::Time> times;
  for (const v1::Consent& consent : consents) {
    if (!Stands(consent)) {
      continue;
    }
    for (const absl::Time time : {StartOf(consent), EndOf(consent)}) {
      if (time > now && time != absl::InfiniteFuture()) {
        times.insert(time);
      }
    }
  }
  return times;
}

bool IsGuardianOf(const v1::Participant& minor, absl::string_view id) {
  return minor.age_group() == v1::AGE_GROUP_MINOR &&
         std::find(minor.guardians().begin(), minor.guardians().end(), id) !=
             minor.guardians().end();
}

// Whether the grantor may speak about the subject at all, now and in the consent's capacity.
bool HasCapacity(const v1::Participant& subject, const v1::Consent& consent) {
  switch (consent.capacity()) {
    case v1::CONSENT_CAPACITY_SELF:
      return consent.grantor() == subject.id();
    case v1::CONSENT_CAPACITY_GUARDIAN:
      return IsGuardianOf(subject, consent.grantor());
    default:
      return false;
  }
}

// Of two decisions of one grantor the later recorded counts; the id decides between equal times, so
// that the order in which they are read does not matter.
bool RecordedBefore(const v1::Consent& a, const v1::Consent& b) {
  const absl::Time a_time = api::FromProto(a.create_time());
  const absl::Time b_time = api::FromProto(b.create_time());
  return std::tie(a_time, a.name()) < std::tie(b_time, b.name());
}

Decision Decide(const EpisodeRecords& records, const v1::Participant& subject,
                v1::ConsentPurpose purpose, absl::string_view recipient, absl::Time now) {
  std::map<absl::string_view, const v1::Consent*> latest;  // by grantor
  for (const v1::Consent& consent : records.consents) {
    if (!Stands(consent) || consent.purpose() != purpose || consent.subject() != subject.id() ||
        consent.recipient() != recipient || now < StartOf(consent) || now >= EndOf(consent) ||
        !HasCapacity(subject, consent)) {
      continue;
    }
    const v1::Consent*& known = latest[consent.grantor()];
    if (known == nullptr || RecordedBefore(*known, consent)) {
      known = &consent;
    }
  }
  const bool minor = subject.age_group() != v1::AGE_GROUP_ADULT;
  bool given = false;
  for (const auto& [grantor, consent] : latest) {
    if (consent->status() == v1::CONSENT_STATUS_REJECTED) {
      return Decision::kRefused;
    }
    const v1::Participant* who = FindParticipant(records.episode, grantor);
    given = given || (who != nullptr && IsPresent(*who) &&
                      (!minor || consent->capacity() == v1::CONSENT_CAPACITY_GUARDIAN));
  }
  return given ? Decision::kGiven : Decision::kMissing;
}

void CheckTakesPart(const v1::Episode& episode, const std::string& id, const std::string& path,
                    std::vector<FieldViolation>& violations) {
  const v1::Participant* participant = FindParticipant(episode, id);
  if (participant == nullptr || !IsPresent(*participant)) {
    violations.push_back({path, "must be the id of somebody who takes part in the episode"});
  }
}

// What an escalated alert lets a member of staff outside of the care team see.
std::optional<type::v1::EpisodeAccess> CoveredBy(const v1::Episode& episode,
                                                 const std::string& staff,
                                                 type::v1::EpisodeAccess access) {
  std::set<std::string> subjects;
  bool covers = false;
  for (const v1::Cover& cover : episode.covers()) {
    if (cover.staff() == staff) {
      covers = true;
      subjects.insert(cover.subjects().begin(), cover.subjects().end());
    }
  }
  if (!covers) {
    return std::nullopt;
  }
  access.mutable_subjects()->Assign(subjects.begin(), subjects.end());
  return access;
}

}  // namespace

Decision DecideTreatment(const EpisodeRecords& records, absl::string_view subject, absl::Time now) {
  const v1::Participant* participant = FindParticipant(records.episode, subject);
  if (participant == nullptr) {
    return Decision::kMissing;
  }
  return Decide(records, *participant, v1::CONSENT_PURPOSE_TREATMENT, "", now);
}

Decision DecideDisclosure(const EpisodeRecords& records, absl::string_view subject,
                          absl::string_view recipient, absl::Time now) {
  const v1::Participant* whose = FindParticipant(records.episode, subject);
  const v1::Participant* to = FindParticipant(records.episode, recipient);
  if (whose == nullptr || to == nullptr || !IsPresent(*whose) || !IsPresent(*to)) {
    return Decision::kMissing;
  }
  return Decide(records, *whose, v1::CONSENT_PURPOSE_DISCLOSURE, recipient, now);
}

bool IsHeld(const std::vector<v1::SafetyHold>& holds, absl::string_view subject,
            absl::string_view recipient) {
  return std::any_of(holds.begin(), holds.end(), [&](const v1::SafetyHold& hold) {
    return !hold.has_release_time() && hold.subject() == subject &&
           (hold.withheld_from().empty() || hold.withheld_from() == recipient);
  });
}

std::optional<type::v1::EpisodeAccess> Visible(const EpisodeRecords& records, const Viewer& viewer,
                                               absl::Time now) {
  const v1::Episode& episode = records.episode;
  type::v1::EpisodeAccess access;
  access.set_episode(episode.name().substr(episode.name().rfind('/') + 1));
  switch (viewer.kind) {
    case type::v1::PRINCIPAL_KIND_SYSTEM:
    case type::v1::PRINCIPAL_KIND_SERVICE:
      access.set_all_subjects(true);
      return access;
    case type::v1::PRINCIPAL_KIND_STAFF:
      for (const v1::CareTeamMember& member : episode.care_team()) {
        if (IsPresent(member) && member.staff() == viewer.subject) {
          access.set_all_subjects(true);
          return access;
        }
      }
      return CoveredBy(episode, viewer.subject, std::move(access));
    case type::v1::PRINCIPAL_KIND_PARTICIPANT:
      break;
    default:
      return std::nullopt;
  }
  if (viewer.patient.empty() || episode.status() == v1::EPISODE_STATUS_ENTERED_IN_ERROR) {
    return std::nullopt;
  }
  std::set<std::string> subjects;
  // After the EHR has merged two patients, one person may be two participants.
  for (const v1::Participant& self : episode.participants()) {
    if (!IsPresent(self) || self.patient() != viewer.patient) {
      continue;
    }
    if (access.self().empty()) {
      access.set_self(self.id());
    }
    subjects.insert(self.id());
    for (const v1::Participant& other : episode.participants()) {
      if (other.id() != self.id() && !IsHeld(records.holds, other.id(), self.id()) &&
          DecideDisclosure(records, other.id(), self.id(), now) == Decision::kGiven) {
        subjects.insert(other.id());
      }
    }
  }
  if (access.self().empty()) {
    return std::nullopt;
  }
  access.mutable_subjects()->Assign(subjects.begin(), subjects.end());
  return access;
}

absl::Time NextChange(const std::vector<v1::Consent>& consents, absl::Time now) {
  const std::set<absl::Time> times = TimesAfter(consents, now);
  return times.empty() ? absl::InfiniteFuture() : *times.begin();
}

absl::Time NextChange(const EpisodeRecords& records, const Viewer& viewer, absl::Time now) {
  const std::optional<type::v1::EpisodeAccess> access = Visible(records, viewer, now);
  if (!access.has_value() || access->all_subjects()) {
    return absl::InfiniteFuture();
  }
  // Only what is disclosed to the viewer can change what they see.
  EpisodeRecords bearing;
  bearing.episode = records.episode;
  bearing.holds = records.holds;
  for (const v1::Consent& consent : records.consents) {
    const v1::Participant* recipient = FindParticipant(records.episode, consent.recipient());
    if (recipient != nullptr && recipient->patient() == viewer.patient &&
        consent.purpose() == v1::CONSENT_PURPOSE_DISCLOSURE) {
      bearing.consents.push_back(consent);
    }
  }
  for (const absl::Time time : TimesAfter(bearing.consents, now)) {
    const auto then = Visible(bearing, viewer, time);
    if (!then.has_value() || !std::equal(then->subjects().begin(), then->subjects().end(),
                                         access->subjects().begin(), access->subjects().end())) {
      return time;
    }
  }
  return absl::InfiniteFuture();
}

std::vector<FieldViolation> CheckConsent(const v1::Episode& episode, const v1::Consent& consent) {
  std::vector<FieldViolation> violations;
  CheckTakesPart(episode, consent.grantor(), "consent.grantor", violations);
  CheckTakesPart(episode, consent.subject(), "consent.subject", violations);
  if (consent.purpose() == v1::CONSENT_PURPOSE_DISCLOSURE) {
    if (consent.recipient() == consent.subject()) {
      violations.push_back({"consent.recipient", "must be somebody other than the subject"});
    } else {
      CheckTakesPart(episode, consent.recipient(), "consent.recipient", violations);
    }
  } else if (!consent.recipient().empty()) {
    violations.push_back({"consent.recipient", "must be empty for a consent to treatment"});
  }
  const v1::Participant* subject = FindParticipant(episode, consent.subject());
  if (consent.capacity() == v1::CONSENT_CAPACITY_SELF && consent.grantor() != consent.subject()) {
    violations.push_back({"consent.capacity", "SELF: the grantor must be the subject"});
  } else if (consent.capacity() == v1::CONSENT_CAPACITY_GUARDIAN && subject != nullptr &&
             !IsGuardianOf(*subject, consent.grantor())) {
    violations.push_back(
        {"consent.capacity", "GUARDIAN: the grantor must be among the minor's guardians"});
  }
  if (!Stands(consent)) {
    violations.push_back({"consent.status", "must be ACTIVE or REJECTED when it is recorded"});
  }
  if (consent.period().has_end_time() && EndOf(consent) <= StartOf(consent)) {
    violations.push_back({"consent.period.end_time", "must be later than the start"});
  }
  return violations;
}

bool IsDisclosureAmongGuardians(const v1::Episode& episode, const v1::Consent& consent) {
  const v1::Participant* subject = FindParticipant(episode, consent.subject());
  return consent.capacity() == v1::CONSENT_CAPACITY_GUARDIAN &&
         consent.status() == v1::CONSENT_STATUS_ACTIVE && subject != nullptr &&
         (consent.recipient() == consent.grantor() || IsGuardianOf(*subject, consent.recipient()));
}

v1::Consent AsIfWithdrawn(const std::vector<v1::SafetyHold>& holds, v1::Consent consent) {
  absl::Time since = absl::InfiniteFuture();
  for (const v1::SafetyHold& hold : holds) {
    if (IsHeld({hold}, consent.subject(), consent.recipient())) {
      since = std::min(since, api::FromProto(hold.create_time()));
    }
  }
  consent.set_status(v1::CONSENT_STATUS_INACTIVE);
  *consent.mutable_update_time() =
      api::ToProto(std::max(since, api::FromProto(consent.create_time())));
  return consent;
}

absl::StatusOr<v1::Consent> Withdraw(v1::Consent consent, bool entered_in_error) {
  if (!Stands(consent)) {
    return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kStateNotAllowed,
                     "the consent is no longer in force");
  }
  if (!entered_in_error && consent.status() == v1::CONSENT_STATUS_REJECTED) {
    return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kStateNotAllowed,
                     "a refusal is not withdrawn; record a consent, which replaces it");
  }
  consent.set_status(entered_in_error ? v1::CONSENT_STATUS_ENTERED_IN_ERROR
                                      : v1::CONSENT_STATUS_INACTIVE);
  return consent;
}

std::vector<FieldViolation> CheckSafetyHold(const v1::Episode& episode,
                                            const v1::SafetyHold& hold) {
  std::vector<FieldViolation> violations;
  if (FindParticipant(episode, hold.subject()) == nullptr) {
    violations.push_back({"safety_hold.subject", "must be the id of a participant"});
  }
  if (!hold.withheld_from().empty()) {
    if (hold.withheld_from() == hold.subject()) {
      violations.push_back(
          {"safety_hold.withheld_from", "must be somebody other than the subject"});
    } else if (FindParticipant(episode, hold.withheld_from()) == nullptr) {
      violations.push_back({"safety_hold.withheld_from", "must be the id of a participant"});
    }
  }
  return violations;
}

}  // namespace securebase::episodes
