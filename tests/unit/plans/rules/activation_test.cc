#include "services/plans/rules/activation.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace securebase::plans::rules {
namespace {

using ::testing::ElementsAre;
using testing::HasViolation;
using ::testing::IsEmpty;
using testing::IsError;

constexpr auto kFailed = absl::StatusCode::kFailedPrecondition;

// A couple, treated by a supervised clinician with a supervisor.
Episode Couple() {
  Episode episode;
  episode.name = "practices/p1/episodes/e1";
  episode.under_way = true;
  episode.population = v1::POPULATION_COUPLE;
  episode.members = {{"a", MemberRole::kPartner, false, false, {}},
                     {"b", MemberRole::kPartner, false, false, {}}};
  episode.team = {{"dr-a", StaffRole::kClinician, true}, {"dr-s", StaffRole::kSupervisor, false}};
  episode.consented = {"a", "b"};
  return episode;
}

// Two guardians with a child.
Episode Family() {
  Episode episode;
  episode.name = "practices/p1/episodes/e2";
  episode.under_way = true;
  episode.members = {{"mother", MemberRole::kCaregiver, false, false, {}},
                     {"father", MemberRole::kCaregiver, false, false, {}},
                     {"child", MemberRole::kChild, true, false, {"mother", "father"}}};
  episode.team = {{"dr-a", StaffRole::kClinician, false}};
  return episode;
}

v1::Revision RevisionFor(const Episode& episode) {
  v1::Revision revision;
  revision.set_digest("d1");
  v1::PlanContent& content = *revision.mutable_content();
  content.set_population(v1::POPULATION_COUPLE);
  for (const std::string& id : DefaultSubjects(episode)) {
    content.add_subjects(id);
  }
  return revision;
}

void Sign(v1::Revision& revision, const std::string& signer, v1::SignerRole role,
          const std::string& digest = "d1") {
  v1::Signature& signature = *revision.add_signatures();
  signature.set_signer(signer);
  signature.set_role(role);
  signature.set_digest(digest);
}

v1::Screening Screened(const std::string& participant, v1::ScreeningResult result) {
  v1::Screening screening;
  screening.set_participant(participant);
  screening.set_result(result);
  return screening;
}

const std::vector<v1::Requirement> kScreen = {v1::REQUIREMENT_SCREEN_PARTNERS_ALONE};
const auto kSuitable = v1::SCREENING_RESULT_CONJOINT_WORK_SUITABLE;
const auto kUnsuitable = v1::SCREENING_RESULT_CONJOINT_WORK_UNSUITABLE;

TEST(SignaturesTest, ASupervisedCliniciansNeedsASupervisorsBesideIt) {
  const Episode episode = Couple();
  v1::Revision revision = RevisionFor(episode);
  EXPECT_THAT(MissingSignatures(revision, episode, Policy()),
              ElementsAre("clinician", "supervisor"));
  Sign(revision, "dr-a", v1::SIGNER_ROLE_CLINICIAN);
  EXPECT_THAT(MissingSignatures(revision, episode, Policy()), ElementsAre("supervisor"));
  Policy lenient;
  lenient.supervisor_signature_required = false;
  EXPECT_THAT(MissingSignatures(revision, episode, lenient), IsEmpty());
  Sign(revision, "dr-s", v1::SIGNER_ROLE_SUPERVISOR);
  EXPECT_THAT(MissingSignatures(revision, episode, Policy()), IsEmpty());
}

TEST(SignaturesTest, AnUnsupervisedCliniciansSuffices) {
  Episode episode = Couple();
  episode.team[0].supervised = false;
  v1::Revision revision = RevisionFor(episode);
  EXPECT_THAT(MissingSignatures(revision, episode, Policy()), ElementsAre("clinician"));
  Sign(revision, "dr-a", v1::SIGNER_ROLE_CLINICIAN);
  EXPECT_THAT(MissingSignatures(revision, episode, Policy()), IsEmpty());
}

TEST(SignaturesTest, OfAnotherDigestOrAFormerMemberOfTheTeamDoNotCount) {
  Episode episode = Couple();
  episode.team[0].supervised = false;
  v1::Revision revision = RevisionFor(episode);
  Sign(revision, "dr-a", v1::SIGNER_ROLE_CLINICIAN, "another");
  Sign(revision, "dr-gone", v1::SIGNER_ROLE_CLINICIAN);
  EXPECT_THAT(MissingSignatures(revision, episode, Policy()), ElementsAre("clinician"));
}

TEST(ConsentsTest, EverySubjectOfThePlanNeedsOne) {
  Episode episode = Couple();
  const v1::PlanContent content = RevisionFor(episode).content();
  EXPECT_THAT(MissingConsents(content, episode, Policy()), IsEmpty());
  episode.consented = {"a"};
  EXPECT_THAT(MissingConsents(content, episode, Policy()), ElementsAre("b"));
  Policy lenient;
  lenient.participant_consent_required = false;
  EXPECT_THAT(MissingConsents(content, episode, lenient), IsEmpty());
}

TEST(ConsentsTest, WhoeverTheContentNamesNeedsOneToo) {
  Episode episode = Couple();
  episode.consented = {"a"};
  v1::PlanContent content;
  content.add_subjects("a");
  EXPECT_THAT(MissingConsents(content, episode, Policy()), IsEmpty());
  v1::PlanContent with_technique = content;
  with_technique.add_techniques()->add_participants("b");
  EXPECT_THAT(MissingConsents(with_technique, episode, Policy()), ElementsAre("b"));
  v1::PlanContent with_measure = content;
  with_measure.add_measures()->add_informants("b");
  with_measure.mutable_measures(0)->set_subject("a");
  EXPECT_THAT(MissingConsents(with_measure, episode, Policy()), ElementsAre("b"));
}

TEST(ConsentsTest, WhoLeftIsNotAsked) {
  Episode episode = Couple();
  const v1::PlanContent content = RevisionFor(episode).content();
  episode.consented.clear();
  episode.members[1].left = true;
  EXPECT_THAT(MissingConsents(content, episode, Policy()), ElementsAre("a"));
}

TEST(ScreeningsTest, EachPartnerIsScreenedUnlessTheyAreNeverSeenTogether) {
  const Episode episode = Couple();
  v1::PlanContent content = RevisionFor(episode).content();
  EXPECT_THAT(MissingScreenings(content, episode, kScreen, {}), ElementsAre("a", "b"));
  EXPECT_THAT(MissingScreenings(content, episode, kScreen, {Screened("a", kSuitable)}),
              ElementsAre("b"));
  EXPECT_THAT(MissingScreenings(content, episode, {}, {}), IsEmpty());
  content.set_separate_sessions_only(true);
  EXPECT_THAT(MissingScreenings(content, episode, kScreen, {}), IsEmpty());
}

TEST(MayBeInForceTest, NamesTheFirstThingMissingAndListsTheOthers) {
  Episode episode = Couple();
  episode.consented.clear();
  v1::Revision revision = RevisionFor(episode);
  revision.add_warnings()->set_id("w1");
  absl::Status status = CheckMayBeInForce(revision, episode, Policy(), kScreen, {});
  EXPECT_THAT(status, IsError(kFailed, Reason::kWarningUnanswered));
  EXPECT_EQ(MetadataOf(status).at("missing"), "w1");
  EXPECT_EQ(MetadataOf(status).at("missing_screenings"), "a,b");
  EXPECT_EQ(MetadataOf(status).at("missing_consents"), "a,b");
  EXPECT_EQ(MetadataOf(status).at("missing_signatures"), "clinician,supervisor");

  revision.mutable_warnings(0)->mutable_answer()->set_kind(v1::WARNING_ANSWER_KIND_OPPOSITE);
  status = CheckMayBeInForce(revision, episode, Policy(), kScreen, {});
  EXPECT_THAT(status, IsError(kFailed, Reason::kScreeningMissing));

  const std::vector<v1::Screening> screenings = {Screened("a", kSuitable),
                                                 Screened("b", kSuitable)};
  status = CheckMayBeInForce(revision, episode, Policy(), kScreen, screenings);
  EXPECT_THAT(status, IsError(kFailed, Reason::kConsentMissing));

  episode.consented = {"a", "b"};
  status = CheckMayBeInForce(revision, episode, Policy(), kScreen, screenings);
  EXPECT_THAT(status, IsError(kFailed, Reason::kSignatureMissing));
  EXPECT_EQ(MetadataOf(status).at("missing"), "clinician,supervisor");

  Sign(revision, "dr-a", v1::SIGNER_ROLE_CLINICIAN);
  Sign(revision, "dr-s", v1::SIGNER_ROLE_SUPERVISOR);
  EXPECT_OK(CheckMayBeInForce(revision, episode, Policy(), kScreen, screenings));
}

TEST(MayBeInForceTest, TheLatestScreeningOfAPartnerCounts) {
  const Episode episode = Couple();
  v1::Revision revision = RevisionFor(episode);
  Sign(revision, "dr-a", v1::SIGNER_ROLE_CLINICIAN);
  Sign(revision, "dr-s", v1::SIGNER_ROLE_SUPERVISOR);
  std::vector<v1::Screening> newest_first = {Screened("b", kUnsuitable), Screened("b", kSuitable),
                                             Screened("a", kSuitable)};
  EXPECT_THAT(CheckMayBeInForce(revision, episode, Policy(), kScreen, newest_first),
              IsError(kFailed, Reason::kStateNotAllowed));
  std::swap(newest_first[0], newest_first[1]);
  EXPECT_OK(CheckMayBeInForce(revision, episode, Policy(), kScreen, newest_first));
}

TEST(MayBeInForceTest, NeedsAPopulationAndAnEpisodeUnderWay) {
  Episode episode = Couple();
  v1::Revision revision = RevisionFor(episode);
  revision.mutable_content()->clear_population();
  EXPECT_THAT(CheckMayBeInForce(revision, episode, Policy(), {}, {}),
              IsError(kFailed, Reason::kStateNotAllowed));
  revision = RevisionFor(episode);
  episode.under_way = false;
  EXPECT_THAT(CheckMayBeInForce(revision, episode, Policy(), {}, {}),
              IsError(kFailed, Reason::kStateNotAllowed));
}

TEST(SignatureTest, TheDigestAndTheRoleMustBeRight) {
  const Episode episode = Couple();
  v1::Revision revision = RevisionFor(episode);
  const auto check = [&](const char* signer, v1::SignerRole role, v1::SignatureMeaning meaning,
                         const char* digest = "d1") {
    return CheckSignature(revision, episode, signer, role, meaning, digest);
  };
  EXPECT_OK(check("dr-a", v1::SIGNER_ROLE_CLINICIAN, v1::SIGNATURE_MEANING_AUTHORSHIP));
  EXPECT_OK(check("dr-s", v1::SIGNER_ROLE_SUPERVISOR, v1::SIGNATURE_MEANING_APPROVAL));
  EXPECT_OK(check("a", v1::SIGNER_ROLE_PARTICIPANT, v1::SIGNATURE_MEANING_AGREEMENT));
  EXPECT_THAT(check("dr-a", v1::SIGNER_ROLE_CLINICIAN, v1::SIGNATURE_MEANING_AUTHORSHIP, "d0"),
              IsError(kFailed, Reason::kStateNotAllowed));
  EXPECT_THAT(check("dr-a", v1::SIGNER_ROLE_CLINICIAN, v1::SIGNATURE_MEANING_APPROVAL),
              HasViolation("meaning"));
  EXPECT_THAT(check("dr-a", v1::SIGNER_ROLE_SUPERVISOR, v1::SIGNATURE_MEANING_APPROVAL),
              IsError(kFailed, Reason::kStateNotAllowed));
  EXPECT_THAT(check("dr-x", v1::SIGNER_ROLE_CLINICIAN, v1::SIGNATURE_MEANING_AUTHORSHIP),
              IsError(kFailed, Reason::kStateNotAllowed));
  EXPECT_THAT(check("a", v1::SIGNER_ROLE_GUARDIAN, v1::SIGNATURE_MEANING_AGREEMENT),
              IsError(kFailed, Reason::kStateNotAllowed));
  Sign(revision, "dr-a", v1::SIGNER_ROLE_CLINICIAN);
  EXPECT_THAT(check("dr-a", v1::SIGNER_ROLE_CLINICIAN, v1::SIGNATURE_MEANING_AUTHORSHIP),
              IsError(absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists));
  revision.add_warnings()->set_id("w1");
  EXPECT_THAT(check("dr-s", v1::SIGNER_ROLE_SUPERVISOR, v1::SIGNATURE_MEANING_APPROVAL),
              IsError(kFailed, Reason::kWarningUnanswered));
}

TEST(SignatureTest, GuardiansSignForTheChild) {
  const Episode episode = Family();
  const v1::Revision revision = RevisionFor(episode);
  EXPECT_OK(CheckSignature(revision, episode, "mother", v1::SIGNER_ROLE_GUARDIAN,
                           v1::SIGNATURE_MEANING_AGREEMENT, "d1"));
}

TEST(WarningTest, ASupervisorAnswersOrInASoloPracticeItsClinician) {
  const Episode episode = Couple();
  constexpr auto kDenied = absl::StatusCode::kPermissionDenied;
  EXPECT_OK(CheckMayAnswerWarning(episode, Policy(), "dr-s"));
  EXPECT_THAT(CheckMayAnswerWarning(episode, Policy(), "dr-a"),
              IsError(kDenied, Reason::kPrincipalNotAllowed));
  Policy solo;
  solo.solo_practice = true;
  EXPECT_OK(CheckMayAnswerWarning(episode, solo, "dr-a"));
  EXPECT_THAT(CheckMayAnswerWarning(episode, solo, "dr-x"),
              IsError(kDenied, Reason::kPrincipalNotAllowed));
}

TEST(ReviewTest, FallsDueInThePracticesTimeZone) {
  Policy policy;
  ASSERT_TRUE(absl::LoadTimeZone("Pacific/Auckland", &policy.time_zone));
  // 2026-01-01 12:30 UTC is the 2nd in Auckland; 90 days on is April 2.
  const absl::Time from =
      absl::FromCivil(absl::CivilSecond(2026, 1, 1, 12, 30), absl::UTCTimeZone());
  EXPECT_EQ(ReviewDueDay(from, v1::PlanContent(), policy), absl::CivilDay(2026, 4, 2));
  v1::PlanContent content;
  content.set_review_interval_days(30);
  EXPECT_EQ(ReviewDueDay(from, content, policy), absl::CivilDay(2026, 2, 1));
}

}  // namespace
}  // namespace securebase::plans::rules
