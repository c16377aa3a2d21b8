#include "gmock/gmock.h"
#include "services/episodes/handlers/episode_handlers.h"
#include "services/episodes/records/kinds.h"
#include "services/episodes/rules/consent.h"
#include "services/episodes/rules/members.h"
#include "services/platform/base/status_macros.h"
#include "tests/unit/episodes/episodes_fixture.h"

namespace securebase::episodes {
namespace {

using securebase::testing::HasViolation;
using securebase::testing::IsError;
using ::testing::ElementsAre;
using testing::FromText;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr auto kNotFound = absl::StatusCode::kNotFound;
constexpr auto kFailedPrecondition = absl::StatusCode::kFailedPrecondition;
constexpr auto kPermissionDenied = absl::StatusCode::kPermissionDenied;

class ConsentsTest : public testing::EpisodesFixture {
 protected:
  void SetUp() override { OpenBoth(); }

  absl::StatusOr<v1::Consent> Get(const api::Call& call, const std::string& name) {
    return Do(&EpisodeHandlers::GetConsent, call, absl::StrCat("name: '", name, "'"));
  }
  absl::StatusOr<v1::Consent> Withdraw(const api::Call& call, const std::string& name,
                                       const std::string& more = "") {
    return Do(&EpisodeHandlers::WithdrawConsent, call, absl::StrCat("name: '", name, "' ", more));
  }
  std::vector<std::string> List(const api::Call& call, const std::string& episode = "e1") {
    const auto page = Do(&EpisodeHandlers::ListConsents, call,
                         absl::StrCat("parent: 'practices/p1/episodes/", episode, "'"));
    EXPECT_OK(page);
    std::vector<std::string> names;
    if (page.ok()) {
      for (const v1::Consent& consent : page->consents()) {
        names.push_back(consent.name());
      }
    }
    return names;
  }
  absl::StatusOr<v1::SafetyHold> Hold(const api::Call& call, const std::string& subject,
                                      const std::string& from) {
    return Do(&EpisodeHandlers::CreateSafetyHold, call,
              absl::StrCat("parent: 'practices/p1/episodes/e1' safety_hold { subject: '", subject,
                           "' withheld_from: '", from, "' reason: 'threats' }"));
  }
};

TEST_F(ConsentsTest, DisclosureTakesEffectAtOnceAndSoDoesItsWithdrawal) {
  EXPECT_THAT(Sees(Patient("ehr-1")), ElementsAre("ann"));
  ASSERT_OK_AND_ASSIGN(const v1::Consent consent, Disclose(Patient("ehr-2"), "bob", "bob", "ann"));
  EXPECT_EQ(consent.recorded_by().kind(), type::v1::PRINCIPAL_KIND_PARTICIPANT);
  EXPECT_THAT(Sees(Patient("ehr-1")), ElementsAre("ann", "bob"));
  ASSERT_OK_AND_ASSIGN(const v1::Consent withdrawn, Withdraw(Patient("ehr-2"), consent.name()));
  EXPECT_EQ(withdrawn.status(), v1::CONSENT_STATUS_INACTIVE);
  EXPECT_NE(withdrawn.etag(), consent.etag());
  EXPECT_THAT(Sees(Patient("ehr-1")), ElementsAre("ann"));
  EXPECT_THAT(Withdraw(Staff(), consent.name()),
              IsError(kFailedPrecondition, Reason::kStateNotAllowed));
}

TEST_F(ConsentsTest, TimeEndsAConsentWithoutAnybodyDoingAnything) {
  v1::CreateConsentRequest request = DisclosureRequest("bob", "bob", "ann");
  *request.mutable_consent()->mutable_period()->mutable_end_time() =
      api::ToProto(fixture_.clock().Now() + absl::Hours(2));
  ASSERT_OK(Do(&EpisodeHandlers::CreateConsent, Staff(), request));
  EXPECT_THAT(Sees(Patient("ehr-1")), ElementsAre("ann", "bob"));
  fixture_.clock().Advance(absl::Hours(2) - absl::Microseconds(1));
  EXPECT_THAT(Sees(Patient("ehr-1")), ElementsAre("ann", "bob"));
  fixture_.clock().Advance(absl::Microseconds(1));
  EXPECT_THAT(Sees(Patient("ehr-1")), ElementsAre("ann"));
}

TEST_F(ConsentsTest, AParticipantDecidesForThemselfOnly) {
  EXPECT_THAT(Disclose(Patient("ehr-1"), "bob", "bob", "ann"),
              IsError(kPermissionDenied, Reason::kPrincipalNotAllowed));
  ASSERT_OK_AND_ASSIGN(const v1::Consent consent, Disclose(Staff(), "bob", "bob", "ann"));
  // Ann sees what she was given and may not take it from herself in Bob's name.
  EXPECT_THAT(Withdraw(Patient("ehr-1"), consent.name()),
              IsError(kPermissionDenied, Reason::kPrincipalNotAllowed));
  EXPECT_THAT(Withdraw(Patient("ehr-2"), consent.name(), "entered_in_error: true"),
              IsError(kPermissionDenied, Reason::kPrincipalNotAllowed));
  EXPECT_THAT(Withdraw(Patient("ehr-3"), consent.name()), IsError(kNotFound, Reason::kNotFound));
  ASSERT_OK_AND_ASSIGN(const v1::Consent mistaken,
                       Withdraw(Staff(), consent.name(), "entered_in_error: true"));
  EXPECT_EQ(mistaken.status(), v1::CONSENT_STATUS_ENTERED_IN_ERROR);
}

TEST_F(ConsentsTest, ParticipantsChooseNoIds) {
  v1::CreateConsentRequest request = DisclosureRequest("bob", "bob", "ann");
  request.set_consent_id("c1");
  EXPECT_THAT(Do(&EpisodeHandlers::CreateConsent, Patient("ehr-2"), request),
              IsError(kPermissionDenied, Reason::kPrincipalNotAllowed));
  EXPECT_OK(Do(&EpisodeHandlers::CreateConsent, Staff(), request));
}

TEST_F(ConsentsTest, AGuardiansDisclosureToThemselfIsRecordedByStaff) {
  EXPECT_THAT(Disclose(Patient("ehr-3"), "mum", "kim", "mum", "e2"),
              IsError(kPermissionDenied, Reason::kPrincipalNotAllowed));
  EXPECT_OK(Disclose(Staff(), "mum", "kim", "mum", "e2"));
  EXPECT_THAT(Sees(Patient("ehr-3")), ElementsAre("kim", "mum"));
}

// Else each could open it for the other.
TEST_F(ConsentsTest, SoIsOneToAnotherGuardian) {
  EXPECT_THAT(Disclose(Patient("ehr-3"), "mum", "kim", "dad", "e2"),
              IsError(kPermissionDenied, Reason::kPrincipalNotAllowed));
  EXPECT_THAT(Sees(Patient("ehr-4")), ElementsAre("dad"));
  v1::CreateConsentRequest refusal = DisclosureRequest("mum", "kim", "dad", "e2");
  refusal.mutable_consent()->set_status(v1::CONSENT_STATUS_REJECTED);
  EXPECT_OK(Do(&EpisodeHandlers::CreateConsent, Patient("ehr-3"), refusal))
      << "what opens nothing she may say herself";
  fixture_.clock().Advance(absl::Seconds(1));
  EXPECT_OK(Disclose(System(), "mum", "kim", "dad", "e2"));
  EXPECT_THAT(Sees(Patient("ehr-4")), ElementsAre("dad", "kim"));
}

TEST_F(ConsentsTest, ARefusalIsNotWithdrawnButReplaced) {
  ASSERT_OK(Disclose(Staff(), "mum", "kim", "dad", "e2"));
  v1::CreateConsentRequest refusal = DisclosureRequest("kim", "kim", "dad", "e2");
  refusal.mutable_consent()->set_status(v1::CONSENT_STATUS_REJECTED);
  ASSERT_OK_AND_ASSIGN(const v1::Consent refused,
                       Do(&EpisodeHandlers::CreateConsent, Patient("ehr-5"), refusal));
  EXPECT_THAT(Sees(Patient("ehr-4")), ElementsAre("dad"));
  EXPECT_THAT(Withdraw(Patient("ehr-5"), refused.name()),
              IsError(kFailedPrecondition, Reason::kStateNotAllowed));
  fixture_.clock().Advance(absl::Seconds(1));
  ASSERT_OK(Disclose(Patient("ehr-5"), "kim", "kim", "dad", "e2"));
  EXPECT_THAT(Sees(Patient("ehr-4")), ElementsAre("dad", "kim"));
}

TEST_F(ConsentsTest, WhatIsWrongIsReportedWhole) {
  v1::CreateConsentRequest request = DisclosureRequest("bob", "ann", "zoe");
  const auto result = Do(&EpisodeHandlers::CreateConsent, Staff(), request);
  EXPECT_THAT(result, HasViolation("consent.recipient"));
  EXPECT_THAT(result, HasViolation("consent.capacity"));
  request.set_parent("practices/p1/episodes/e9");
  EXPECT_THAT(Do(&EpisodeHandlers::CreateConsent, Staff(), request),
              IsError(kNotFound, Reason::kNotFound));
  EXPECT_THAT(
      Do(&EpisodeHandlers::CreateConsent, Staff("dr-kay"), DisclosureRequest("bob", "bob", "ann")),
      IsError(kNotFound, Reason::kNotFound));
}

TEST_F(ConsentsTest, ARepeatedConsentIsRecordedOnce) {
  v1::CreateConsentRequest request = DisclosureRequest("bob", "bob", "ann");
  request.set_request_id("r1");
  ASSERT_OK_AND_ASSIGN(const v1::Consent first,
                       Do(&EpisodeHandlers::CreateConsent, Staff(), request));
  ASSERT_OK_AND_ASSIGN(const v1::Consent again,
                       Do(&EpisodeHandlers::CreateConsent, Staff(), request));
  EXPECT_EQ(again.DebugString(), first.DebugString());
  EXPECT_THAT(List(Staff()), SizeIs(1));
  request.mutable_consent()->set_recipient("");
  request.mutable_consent()->set_purpose(v1::CONSENT_PURPOSE_TREATMENT);
  EXPECT_THAT(Do(&EpisodeHandlers::CreateConsent, Staff(), request),
              IsError(absl::StatusCode::kInvalidArgument, Reason::kRequestIdReused));
}

TEST_F(ConsentsTest, ParticipantsSeeTheirOwnAndWhatTheyWereGivenWhileItLasts) {
  ASSERT_OK_AND_ASSIGN(const v1::Consent given, Disclose(Staff(), "bob", "bob", "ann"));
  v1::CreateConsentRequest request = DisclosureRequest("ann", "ann", "bob");
  request.mutable_consent()->set_status(v1::CONSENT_STATUS_REJECTED);
  fixture_.clock().Advance(absl::Seconds(1));
  ASSERT_OK_AND_ASSIGN(const v1::Consent refused,
                       Do(&EpisodeHandlers::CreateConsent, Staff(), request));
  EXPECT_THAT(List(Staff()), ElementsAre(given.name(), refused.name()));
  EXPECT_THAT(List(Patient("ehr-1")), ElementsAre(given.name(), refused.name()));
  EXPECT_THAT(List(Patient("ehr-2")), ElementsAre(given.name()));  // not that Ann refused him
  EXPECT_THAT(Get(Patient("ehr-2"), refused.name()), IsError(kNotFound, Reason::kNotFound));
  EXPECT_OK(Get(Patient("ehr-1"), given.name()));
  ASSERT_OK(Withdraw(Patient("ehr-2"), given.name()));
  EXPECT_THAT(Get(Patient("ehr-1"), given.name()), IsError(kNotFound, Reason::kNotFound));
  EXPECT_THAT(List(Patient("ehr-1")), ElementsAre(refused.name()));
  EXPECT_THAT(
      Do(&EpisodeHandlers::ListConsents, Patient("ehr-3"), "parent: 'practices/p1/episodes/e1'"),
      IsError(kNotFound, Reason::kNotFound));
}

TEST_F(ConsentsTest, AnEpisodeHoldsABoundedNumber) {
  for (int i = 0; i < kMaxConsents; ++i) {
    ASSERT_OK(Disclose(System(), "bob", "bob", "ann"));
  }
  EXPECT_THAT(Disclose(System(), "bob", "bob", "ann"),
              IsError(kFailedPrecondition, Reason::kLimitExceeded));
}

TEST_F(ConsentsTest, AHoldOverridesConsentAndParticipantsCannotTell) {
  ASSERT_OK_AND_ASSIGN(const v1::Consent given, Disclose(Staff(), "bob", "bob", "ann"));
  ASSERT_OK_AND_ASSIGN(const v1::Episode before, Do(&EpisodeHandlers::GetEpisode, Patient("ehr-2"),
                                                    "name: 'practices/p1/episodes/e1'"));
  const std::vector<std::string> consents = List(Patient("ehr-1"));
  ASSERT_OK_AND_ASSIGN(const v1::SafetyHold hold, Hold(Staff(), "bob", "ann"));
  EXPECT_EQ(hold.placed_by().subject(), "dr-lee");
  EXPECT_THAT(Sees(Patient("ehr-1")), ElementsAre("ann"));
  EXPECT_THAT(Sees(Patient("ehr-2")), ElementsAre("bob"));
  EXPECT_THAT(List(Patient("ehr-1")), IsEmpty()) << "as if it had been withdrawn";
  EXPECT_THAT(Get(Patient("ehr-1"), given.name()), IsError(kNotFound, Reason::kNotFound));
  EXPECT_EQ(List(Patient("ehr-2")), consents);
  ASSERT_OK_AND_ASSIGN(const v1::Episode after, Do(&EpisodeHandlers::GetEpisode, Patient("ehr-2"),
                                                   "name: 'practices/p1/episodes/e1'"));
  EXPECT_EQ(after.DebugString(), before.DebugString());

  const std::string name = absl::StrCat("name: '", hold.name(), "'");
  EXPECT_OK(Do(&EpisodeHandlers::GetSafetyHold, Staff(), name));
  EXPECT_THAT(Do(&EpisodeHandlers::GetSafetyHold, Staff("dr-kay"), name),
              IsError(kNotFound, Reason::kNotFound));
  ASSERT_OK_AND_ASSIGN(const v1::SafetyHold released,
                       Do(&EpisodeHandlers::ReleaseSafetyHold, Staff(), name));
  EXPECT_EQ(api::FromProto(released.release_time()), fixture_.clock().Now());
  EXPECT_EQ(released.released_by().subject(), "dr-lee");
  EXPECT_THAT(Sees(Patient("ehr-1")), ElementsAre("ann", "bob"));
  EXPECT_EQ(List(Patient("ehr-1")), consents);
  EXPECT_THAT(Do(&EpisodeHandlers::ReleaseSafetyHold, Staff(), name),
              IsError(kFailedPrecondition, Reason::kStateNotAllowed));
  ASSERT_OK_AND_ASSIGN(const auto page, Do(&EpisodeHandlers::ListSafetyHolds, Staff(),
                                           "parent: 'practices/p1/episodes/e1'"));
  ASSERT_EQ(page.safety_holds_size(), 1);
  EXPECT_EQ(page.safety_holds(0).DebugString(), released.DebugString());
}

// A guardian sees what they decided, a withdrawn consent too; held or withdrawn, it reads the same.
TEST_F(ConsentsTest, AHeldConsentReadsAsAWithdrawnOne) {
  ASSERT_OK_AND_ASSIGN(const v1::Consent consent, Disclose(Staff(), "mum", "kim", "mum", "e2"));
  fixture_.clock().Advance(absl::Hours(1));
  ASSERT_OK_AND_ASSIGN(const v1::SafetyHold hold,
                       Do(&EpisodeHandlers::CreateSafetyHold, Staff(),
                          "parent: 'practices/p1/episodes/e2' "
                          "safety_hold { subject: 'kim' withheld_from: 'mum' reason: 'threats' }"));
  ASSERT_OK_AND_ASSIGN(const v1::Consent held, Get(Patient("ehr-3"), consent.name()));
  const std::vector<std::string> listed = List(Patient("ehr-3"), "e2");
  const auto refused = Withdraw(Patient("ehr-3"), consent.name()).status();
  EXPECT_EQ(Get(Staff(), consent.name())->status(), v1::CONSENT_STATUS_ACTIVE);
  ASSERT_OK(Withdraw(Staff(), consent.name()));
  ASSERT_OK(
      Do(&EpisodeHandlers::ReleaseSafetyHold, Staff(), absl::StrCat("name: '", hold.name(), "'")));
  EXPECT_EQ(Get(Patient("ehr-3"), consent.name())->DebugString(), held.DebugString());
  EXPECT_EQ(List(Patient("ehr-3"), "e2"), listed);
  EXPECT_EQ(Withdraw(Patient("ehr-3"), consent.name()).status(), refused);
}

TEST_F(ConsentsTest, NoHoldIsPlacedOnAnEpisodeEnteredInError) {
  ASSERT_OK(Do(&EpisodeHandlers::TransitionEpisode, System(),
               "name: 'practices/p1/episodes/e1' status: EPISODE_STATUS_CANCELLED"));
  EXPECT_OK(Hold(Staff(), "bob", "ann")) << "whoever took part still sees it";
  ASSERT_OK(Do(&EpisodeHandlers::TransitionEpisode, System(),
               "name: 'practices/p1/episodes/e1' status: EPISODE_STATUS_ENTERED_IN_ERROR"));
  EXPECT_THAT(Hold(Staff(), "bob", "ann"), IsError(kFailedPrecondition, Reason::kStateNotAllowed));
}

// Whom an alert about Ann was escalated to sees her data, and does not decide who else does.
TEST_F(ConsentsTest, WhoCoversAnAlertDecidesNothing) {
  ASSERT_OK_AND_ASSIGN(const v1::Consent consent, Disclose(Staff(), "bob", "bob", "ann"));
  ASSERT_OK_AND_ASSIGN(const v1::SafetyHold hold, Hold(Staff(), "ann", "bob"));
  ASSERT_OK(database_.Transact<v1::Episode>(
      System(), v1::GetEpisodeRequest(), [&](records::Write& write) -> absl::StatusOr<v1::Episode> {
        SB_ASSIGN_OR_RETURN(v1::Episode episode,
                            write.Get(EpisodeKind(), "practices/p1/episodes/e1"));
        AddCovers("practices/p1/alerts/a1", {"dr-kay"}, {"ann"}, write.now(), episode);
        return write.Update(EpisodeKind(), std::move(episode));
      }));
  ASSERT_THAT(Sees(Staff("dr-kay")), ElementsAre("ann"));
  const auto kRefused = IsError(kPermissionDenied, Reason::kPrincipalNotAllowed);
  const std::string episode = "name: 'practices/p1/episodes/e1' ";
  EXPECT_THAT(Do(&EpisodeHandlers::AddCareTeamMember, Staff("dr-kay"),
                 episode + "member { staff: 'dr-kay' role: CARE_TEAM_ROLE_CLINICIAN }"),
              kRefused);
  EXPECT_THAT(
      Do(&EpisodeHandlers::EndCareTeamMembership, Staff("dr-kay"), episode + "staff: 'dr-lee'"),
      kRefused);
  EXPECT_THAT(Do(&EpisodeHandlers::UpdateParticipant, Staff("dr-kay"),
                 episode + "participant { id: 'bob' patient: 'ehr-9' } "
                           "update_mask { paths: 'patient' }"),
              kRefused);
  EXPECT_THAT(Disclose(Staff("dr-kay"), "bob", "bob", "ann"), kRefused);
  EXPECT_THAT(Withdraw(Staff("dr-kay"), consent.name()), kRefused);
  EXPECT_THAT(Hold(Staff("dr-kay"), "bob", "ann"), kRefused);
  EXPECT_THAT(Do(&EpisodeHandlers::ReleaseSafetyHold, Staff("dr-kay"),
                 absl::StrCat("name: '", hold.name(), "'")),
              kRefused);
  EXPECT_OK(Do(&EpisodeHandlers::AddCareTeamMember, System(),
               episode + "member { staff: 'dr-kay' role: CARE_TEAM_ROLE_CLINICIAN }"));
  EXPECT_OK(Withdraw(Staff("dr-kay"), consent.name()));
}

TEST_F(ConsentsTest, AHoldNamesParticipants) {
  EXPECT_THAT(Hold(Staff(), "zoe", "ann"), HasViolation("safety_hold.subject"));
  EXPECT_THAT(Hold(Staff(), "ann", "ann"), HasViolation("safety_hold.withheld_from"));
  EXPECT_THAT(Hold(Staff("dr-kay"), "ann", "bob"), IsError(kNotFound, Reason::kNotFound));
}

TEST_F(ConsentsTest, TreatmentIsConsentedToByEachAdultAndAGuardian) {
  const auto states = [&] {
    std::vector<std::string> found;
    const auto consent =
        Do(&EpisodeHandlers::GetTreatmentConsent, Staff(), "name: 'practices/p1/episodes/e2'");
    EXPECT_OK(consent);
    if (consent.ok()) {
      for (const v1::ParticipantConsent& entry : consent->participants()) {
        found.push_back(absl::StrCat(entry.participant(), " ",
                                     v1::ConsentState_Name(entry.state()).substr(14)));
      }
    }
    return found;
  };
  const auto decide = [&](const std::string& grantor, const std::string& subject,
                          v1::ConsentStatus status) {
    v1::CreateConsentRequest request = DisclosureRequest(grantor, subject, "", "e2");
    request.mutable_consent()->set_purpose(v1::CONSENT_PURPOSE_TREATMENT);
    request.mutable_consent()->set_status(status);
    fixture_.clock().Advance(absl::Seconds(1));
    EXPECT_OK(Do(&EpisodeHandlers::CreateConsent, Staff(), request));
  };
  EXPECT_THAT(states(), ElementsAre("mum MISSING", "dad MISSING", "kim MISSING"));
  decide("mum", "mum", v1::CONSENT_STATUS_ACTIVE);
  decide("mum", "kim", v1::CONSENT_STATUS_ACTIVE);
  EXPECT_THAT(states(), ElementsAre("mum GIVEN", "dad MISSING", "kim GIVEN"));
  decide("dad", "kim", v1::CONSENT_STATUS_REJECTED);
  EXPECT_THAT(states(), ElementsAre("mum GIVEN", "dad MISSING", "kim REFUSED"));
  EXPECT_THAT(Do(&EpisodeHandlers::GetTreatmentConsent, Staff("dr-kay"),
                 "name: 'practices/p1/episodes/e2'"),
              IsError(kNotFound, Reason::kNotFound));
}

}  // namespace
}  // namespace securebase::episodes
