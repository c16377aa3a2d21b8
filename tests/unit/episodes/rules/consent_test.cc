#include "services/episodes/rules/consent.h"

#include <random>
#include <set>

#include "gmock/gmock.h"
#include "services/episodes/rules/lifecycle.h"
#include "services/episodes/rules/members.h"
#include "services/platform/api/timestamp.h"
#include "tests/unit/episodes/builders.h"

namespace securebase::episodes {
namespace {

using testing::Couple;
using ::testing::ElementsAre;
using testing::Family;
using ::testing::IsEmpty;

const absl::Time kNow = absl::FromUnixSeconds(1767258000);

v1::Consent Disclosure(const std::string& grantor, const std::string& subject,
                       const std::string& recipient, absl::Time recorded = kNow) {
  v1::Consent consent;
  consent.set_name(absl::StrCat("practices/p1/episodes/e1/consents/", absl::ToUnixMicros(recorded),
                                grantor, subject, recipient));
  *consent.mutable_create_time() = api::ToProto(recorded);
  consent.set_grantor(grantor);
  consent.set_capacity(grantor == subject ? v1::CONSENT_CAPACITY_SELF
                                          : v1::CONSENT_CAPACITY_GUARDIAN);
  consent.set_subject(subject);
  consent.set_purpose(v1::CONSENT_PURPOSE_DISCLOSURE);
  consent.set_recipient(recipient);
  consent.set_status(v1::CONSENT_STATUS_ACTIVE);
  return consent;
}

v1::Consent Refusal(const std::string& grantor, const std::string& subject,
                    const std::string& recipient, absl::Time recorded = kNow) {
  v1::Consent consent = Disclosure(grantor, subject, recipient, recorded);
  consent.set_status(v1::CONSENT_STATUS_REJECTED);
  return consent;
}

v1::Consent ForTreatment(v1::Consent consent) {
  consent.set_purpose(v1::CONSENT_PURPOSE_TREATMENT);
  consent.clear_recipient();
  return consent;
}

v1::SafetyHold Hold(const std::string& subject, const std::string& withheld_from) {
  v1::SafetyHold hold;
  hold.set_subject(subject);
  hold.set_withheld_from(withheld_from);
  return hold;
}

Viewer Patient(const std::string& patient) {
  return {type::v1::PRINCIPAL_KIND_PARTICIPANT, "token-subject", patient};
}
Viewer Staff(const std::string& subject) { return {type::v1::PRINCIPAL_KIND_STAFF, subject, ""}; }

std::vector<std::string> SeenBy(const EpisodeRecords& records, const std::string& patient,
                                absl::Time now = kNow) {
  const auto access = Visible(records, Patient(patient), now);
  if (!access.has_value()) {
    return {};
  }
  EXPECT_FALSE(access->all_subjects());
  return {access->subjects().begin(), access->subjects().end()};
}

TEST(Visible, StaffSeeTheEpisodesTheyTreatAndNoOthers) {
  EpisodeRecords records{Couple(), {}, {}};
  EXPECT_TRUE(Visible(records, Staff("dr-lee"), kNow)->all_subjects());
  EXPECT_EQ(Visible(records, Staff("dr-lee"), kNow)->episode(), "e1");
  EXPECT_FALSE(Visible(records, Staff("dr-kay"), kNow).has_value());
  records.episode.mutable_care_team(0)->mutable_end_time()->set_seconds(1);
  EXPECT_FALSE(Visible(records, Staff("dr-lee"), kNow).has_value());
}

TEST(Visible, ACoverShowsThePeopleOfItsAlertsUntilTheyEnd) {
  EpisodeRecords records{Couple(), {}, {}};
  v1::Episode& episode = records.episode;
  EXPECT_FALSE(AddCovers("alert-1", {"dr-lee"}, {"ann"}, kNow, episode)) << "treats them";
  EXPECT_TRUE(AddCovers("alert-1", {"dr-lee", "dr-kay"}, {"ann"}, kNow, episode));
  EXPECT_FALSE(AddCovers("alert-1", {"dr-kay"}, {"ann"}, kNow, episode)) << "has it already";
  const auto access = Visible(records, Staff("dr-kay"), kNow);
  ASSERT_TRUE(access.has_value());
  EXPECT_FALSE(access->all_subjects());
  EXPECT_THAT(access->subjects(), ElementsAre("ann"));
  EXPECT_FALSE(Visible(records, Staff("dr-zoe"), kNow).has_value());
  EXPECT_TRUE(AddCovers("alert-2", {"dr-kay"}, {"bob"}, kNow, episode));
  EXPECT_THAT(Visible(records, Staff("dr-kay"), kNow)->subjects(), ElementsAre("ann", "bob"));
  EXPECT_TRUE(EndCovers("alert-1", episode));
  EXPECT_FALSE(EndCovers("alert-1", episode));
  EXPECT_THAT(Visible(records, Staff("dr-kay"), kNow)->subjects(), ElementsAre("bob"));
  EXPECT_TRUE(EndCovers("alert-2", episode));
  EXPECT_FALSE(Visible(records, Staff("dr-kay"), kNow).has_value());
}

// Nobody gives themself a cover.
TEST(OpenEpisode, TakesNoCoversFromTheClient) {
  v1::Episode draft = Couple();
  draft.add_covers()->set_staff("dr-kay");
  const auto opened = OpenEpisode(draft, /*planned=*/false, kNow);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_THAT(opened->covers(), IsEmpty());
}

TEST(Visible, SystemsAndServicesSeeEverythingAndAnUnknownKindNothing) {
  const EpisodeRecords records{Couple(), {}, {}};
  for (const auto kind : {type::v1::PRINCIPAL_KIND_SYSTEM, type::v1::PRINCIPAL_KIND_SERVICE}) {
    EXPECT_TRUE(Visible(records, {kind, "ehr", ""}, kNow)->all_subjects());
  }
  EXPECT_FALSE(Visible(records, {type::v1::PRINCIPAL_KIND_UNSPECIFIED, "dr-lee", "ehr-1"}, kNow)
                   .has_value());
}

TEST(Visible, AParticipantSeesThemselfUntilSomebodyConsents) {
  EpisodeRecords records{Couple(), {}, {}};
  EXPECT_THAT(SeenBy(records, "ehr-1"), ElementsAre("ann"));
  EXPECT_EQ(Visible(records, Patient("ehr-1"), kNow)->self(), "ann");
  EXPECT_THAT(SeenBy(records, "ehr-99"), IsEmpty());
  EXPECT_THAT(SeenBy(records, ""), IsEmpty());
  records.consents = {Disclosure("bob", "bob", "ann")};
  EXPECT_THAT(SeenBy(records, "ehr-1"), ElementsAre("ann", "bob"));
  EXPECT_THAT(SeenBy(records, "ehr-2"), ElementsAre("bob"));
}

TEST(Visible, WhoIsNoPatientIsNobodysParticipant) {
  EpisodeRecords records{Couple(), {}, {}};
  records.episode.mutable_participants(0)->clear_patient();
  EXPECT_FALSE(Visible(records, Patient(""), kNow).has_value());
}

TEST(Visible, AConsentHoldsWithinItsPeriod) {
  EpisodeRecords records{Couple(), {Disclosure("bob", "bob", "ann")}, {}};
  v1::Consent& consent = records.consents[0];
  EXPECT_THAT(SeenBy(records, "ehr-1", kNow - absl::Microseconds(1)), ElementsAre("ann"));
  *consent.mutable_period()->mutable_start_time() = api::ToProto(kNow - absl::Hours(1));
  *consent.mutable_period()->mutable_end_time() = api::ToProto(kNow + absl::Hours(1));
  EXPECT_THAT(SeenBy(records, "ehr-1", kNow - absl::Hours(1)), ElementsAre("ann", "bob"));
  EXPECT_THAT(SeenBy(records, "ehr-1", kNow + absl::Hours(1)), ElementsAre("ann"));
  EXPECT_EQ(NextChange(records.consents, kNow - absl::Hours(2)), kNow - absl::Hours(1));
  EXPECT_EQ(NextChange(records.consents, kNow), kNow + absl::Hours(1));
  EXPECT_EQ(NextChange(records.consents, kNow + absl::Hours(1)), absl::InfiniteFuture());
}

TEST(Visible, OnlyAConsentThatStandsCounts) {
  for (const v1::ConsentStatus status :
       {v1::CONSENT_STATUS_UNSPECIFIED, v1::CONSENT_STATUS_REJECTED, v1::CONSENT_STATUS_INACTIVE,
        v1::CONSENT_STATUS_ENTERED_IN_ERROR}) {
    EpisodeRecords records{Couple(), {Disclosure("bob", "bob", "ann")}, {}};
    records.consents[0].set_status(status);
    EXPECT_THAT(SeenBy(records, "ehr-1"), ElementsAre("ann")) << status;
  }
}

TEST(Visible, AConsentToTreatmentDisclosesNothing) {
  const EpisodeRecords records{Couple(), {ForTreatment(Disclosure("bob", "bob", "ann"))}, {}};
  EXPECT_THAT(SeenBy(records, "ehr-1"), ElementsAre("ann"));
}

TEST(Visible, TheLatestDecisionOfAGrantorCounts) {
  const absl::Time later = kNow + absl::Hours(1);
  EpisodeRecords records{
      Couple(), {Refusal("bob", "bob", "ann", later), Disclosure("bob", "bob", "ann")}, {}};
  EXPECT_THAT(SeenBy(records, "ehr-1", kNow), ElementsAre("ann", "bob"));
  EXPECT_THAT(SeenBy(records, "ehr-1", later), ElementsAre("ann"));
  records.consents = {Refusal("bob", "bob", "ann"), Disclosure("bob", "bob", "ann", later)};
  EXPECT_THAT(SeenBy(records, "ehr-1", later), ElementsAre("ann", "bob"));
}

TEST(Visible, AHoldOutweighsEveryConsent) {
  EpisodeRecords records{Couple(), {Disclosure("bob", "bob", "ann")}, {Hold("bob", "ann")}};
  EXPECT_THAT(SeenBy(records, "ehr-1"), ElementsAre("ann"));
  EXPECT_THAT(SeenBy(records, "ehr-2"), ElementsAre("bob"));  // nobody is kept from their own
  records.holds = {Hold("bob", "")};
  EXPECT_THAT(SeenBy(records, "ehr-1"), ElementsAre("ann"));
  EXPECT_THAT(SeenBy(records, "ehr-2"), ElementsAre("bob"));
  *records.holds[0].mutable_release_time() = api::ToProto(kNow);
  EXPECT_THAT(SeenBy(records, "ehr-1"), ElementsAre("ann", "bob"));
}

TEST(Visible, LeavingEndsAccessAndDisclosure) {
  EpisodeRecords records{
      Couple(), {Disclosure("bob", "bob", "ann"), Disclosure("ann", "ann", "bob")}, {}};
  records.episode.mutable_participants(1)->mutable_leave_time()->set_seconds(1);
  EXPECT_THAT(SeenBy(records, "ehr-1"), ElementsAre("ann"));
  EXPECT_FALSE(Visible(records, Patient("ehr-2"), kNow).has_value());
}

TEST(Visible, AnEpisodeEnteredInErrorShowsParticipantsNothing) {
  EpisodeRecords records{Couple(), {}, {}};
  records.episode.set_status(v1::EPISODE_STATUS_ENTERED_IN_ERROR);
  EXPECT_FALSE(Visible(records, Patient("ehr-1"), kNow).has_value());
  EXPECT_TRUE(Visible(records, Staff("dr-lee"), kNow).has_value());
}

TEST(Visible, OneGuardianSufficesUnlessAnotherOrTheMinorRefuses) {
  EpisodeRecords records{Family(), {}, {}};
  EXPECT_THAT(SeenBy(records, "ehr-3"), ElementsAre("mum"));
  records.consents = {Disclosure("dad", "kim", "mum")};
  EXPECT_THAT(SeenBy(records, "ehr-3"), ElementsAre("kim", "mum"));
  records.consents.push_back(Refusal("mum", "kim", "mum"));
  EXPECT_THAT(SeenBy(records, "ehr-3"), ElementsAre("mum"));
  records.consents[1] = Refusal("kim", "kim", "mum");
  EXPECT_THAT(SeenBy(records, "ehr-3"), ElementsAre("mum"));
}

TEST(Visible, AMinorsOwnConsentOpensNothing) {
  const EpisodeRecords records{Family(), {Disclosure("kim", "kim", "mum")}, {}};
  EXPECT_THAT(SeenBy(records, "ehr-3"), ElementsAre("mum"));
}

TEST(Visible, WhatGuardiansDecidedEndsWhenTheMinorComesOfAge) {
  EpisodeRecords records{Family(), {Disclosure("dad", "kim", "mum")}, {}};
  records.episode.mutable_participants(2)->set_age_group(v1::AGE_GROUP_ADULT);
  EXPECT_THAT(SeenBy(records, "ehr-3"), ElementsAre("mum"));
  records.consents.push_back(Disclosure("kim", "kim", "mum"));
  EXPECT_THAT(SeenBy(records, "ehr-3"), ElementsAre("kim", "mum"));
}

TEST(Visible, AGuardianWhoIsNoLongerOneDecidesNothing) {
  EpisodeRecords records{Family(), {Disclosure("dad", "kim", "mum")}, {}};
  records.episode.mutable_participants(2)->mutable_guardians()->RemoveLast();  // dad
  EXPECT_THAT(SeenBy(records, "ehr-3"), ElementsAre("mum"));
}

TEST(Visible, OnePersonWhoIsTwoParticipantsSeesBoth) {
  EpisodeRecords records{Couple(), {}, {}};
  records.episode.mutable_participants(1)->set_patient("ehr-1");
  EXPECT_THAT(SeenBy(records, "ehr-1"), ElementsAre("ann", "bob"));
}

TEST(Visible, AConsentLapsesWhenItsGrantorLeavesAndARefusalStays) {
  EpisodeRecords records{Family(), {Disclosure("mum", "kim", "dad")}, {}};
  EXPECT_THAT(SeenBy(records, "ehr-4"), ElementsAre("dad", "kim"));
  records.episode.mutable_participants(0)->mutable_leave_time()->set_seconds(1);
  EXPECT_THAT(SeenBy(records, "ehr-4"), ElementsAre("dad"));
  records.consents = {Disclosure("dad", "kim", "dad"), Refusal("mum", "kim", "dad")};
  EXPECT_THAT(SeenBy(records, "ehr-4"), ElementsAre("dad"));
}

TEST(DecideTreatment, AdultsDecideAloneAndGuardiansForMinors) {
  EpisodeRecords records{Family(), {}, {}};
  EXPECT_EQ(DecideTreatment(records, "kim", kNow), Decision::kMissing);
  records.consents = {ForTreatment(Disclosure("kim", "kim", ""))};
  EXPECT_EQ(DecideTreatment(records, "kim", kNow), Decision::kMissing);
  records.consents.push_back(ForTreatment(Disclosure("mum", "kim", "")));
  EXPECT_EQ(DecideTreatment(records, "kim", kNow), Decision::kGiven);
  records.consents.push_back(ForTreatment(Refusal("dad", "kim", "")));
  EXPECT_EQ(DecideTreatment(records, "kim", kNow), Decision::kRefused);
  EXPECT_EQ(DecideTreatment(records, "mum", kNow), Decision::kMissing);
  records.consents.push_back(ForTreatment(Disclosure("mum", "mum", "")));
  EXPECT_EQ(DecideTreatment(records, "mum", kNow), Decision::kGiven);
  EXPECT_EQ(DecideTreatment(records, "nobody", kNow), Decision::kMissing);
}

std::vector<std::string> Fields(const std::vector<FieldViolation>& violations) {
  std::vector<std::string> fields;
  for (const FieldViolation& violation : violations) {
    fields.push_back(violation.field);
  }
  return fields;
}

TEST(CheckConsent, AcceptsWhatIsTrue) {
  EXPECT_THAT(CheckConsent(Couple(), Disclosure("ann", "ann", "bob")), IsEmpty());
  EXPECT_THAT(CheckConsent(Couple(), ForTreatment(Refusal("ann", "ann", ""))), IsEmpty());
  EXPECT_THAT(CheckConsent(Family(), Disclosure("mum", "kim", "dad")), IsEmpty());
}

TEST(CheckConsent, ReportsEverythingThatIsWrong) {
  v1::Consent consent = Disclosure("ann", "bob", "bob");  // as a guardian of an adult
  consent.set_status(v1::CONSENT_STATUS_INACTIVE);
  *consent.mutable_period()->mutable_end_time() = api::ToProto(kNow);
  *consent.mutable_period()->mutable_start_time() = api::ToProto(kNow);
  EXPECT_THAT(Fields(CheckConsent(Couple(), consent)),
              ElementsAre("consent.recipient", "consent.capacity", "consent.status",
                          "consent.period.end_time"));
  consent = ForTreatment(Disclosure("zoe", "yan", ""));
  consent.set_recipient("bob");
  consent.set_capacity(v1::CONSENT_CAPACITY_SELF);
  EXPECT_THAT(
      Fields(CheckConsent(Couple(), consent)),
      ElementsAre("consent.grantor", "consent.subject", "consent.recipient", "consent.capacity"));
}

TEST(CheckConsent, WhoHasLeftNeitherGivesNorReceives) {
  v1::Episode episode = Couple();
  episode.mutable_participants(1)->mutable_leave_time()->set_seconds(1);
  EXPECT_THAT(Fields(CheckConsent(episode, Disclosure("ann", "ann", "bob"))),
              ElementsAre("consent.recipient"));
}

TEST(CheckSafetyHold, NamesParticipantsAndNotTheSubjectTwice) {
  EXPECT_THAT(CheckSafetyHold(Couple(), Hold("ann", "bob")), IsEmpty());
  EXPECT_THAT(CheckSafetyHold(Couple(), Hold("ann", "")), IsEmpty());
  EXPECT_THAT(Fields(CheckSafetyHold(Couple(), Hold("ann", "ann"))),
              ElementsAre("safety_hold.withheld_from"));
  EXPECT_THAT(Fields(CheckSafetyHold(Couple(), Hold("zoe", "yan"))),
              ElementsAre("safety_hold.subject", "safety_hold.withheld_from"));
}

// Random episodes with random consents and holds. Seeded, so that a failure can be repeated.
class RandomRecords {
 public:
  explicit RandomRecords(unsigned seed) : random_(seed) {}

  EpisodeRecords Make() {
    EpisodeRecords records;
    records.episode = Pick(2) == 0 ? Couple() : Family();
    for (v1::Participant& participant : *records.episode.mutable_participants()) {
      if (Pick(8) == 0) {
        participant.mutable_leave_time()->set_seconds(1);
      }
      if (Pick(6) == 0) {
        participant.set_age_group(Pick(2) == 0 ? v1::AGE_GROUP_ADULT : v1::AGE_GROUP_MINOR);
      }
    }
    for (int i = Pick(12); i > 0; --i) {
      v1::Consent consent = Disclosure(Anybody(records), Anybody(records), Anybody(records),
                                       kNow + absl::Hours(Pick(5) - 3));
      consent.set_name(absl::StrCat("practices/p1/episodes/e1/consents/", i));
      consent.set_status(static_cast<v1::ConsentStatus>(1 + Pick(4)));
      if (Pick(4) == 0) {
        *consent.mutable_period()->mutable_end_time() = api::ToProto(kNow + absl::Hours(Pick(4)));
      }
      records.consents.push_back(consent);
    }
    for (int i = Pick(3); i > 0; --i) {
      records.holds.push_back(AnyHold(records));
    }
    return records;
  }

  v1::SafetyHold AnyHold(const EpisodeRecords& records) {
    return Hold(Anybody(records), Pick(2) == 0 ? "" : Anybody(records));
  }
  std::string Anybody(const EpisodeRecords& records) {
    return records.episode.participants(Pick(records.episode.participants_size())).id();
  }
  int Pick(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random_); }

 private:
  std::mt19937 random_;
};

// Everything that anybody may see at several times: "viewer > subject @ hour".
std::set<std::string> AllThatIsSeen(const EpisodeRecords& records) {
  std::set<std::string> seen;
  for (int hour = -3; hour <= 4; ++hour) {
    for (const v1::Participant& viewer : records.episode.participants()) {
      for (const std::string& subject :
           SeenBy(records, viewer.patient(), kNow + absl::Hours(hour))) {
        seen.insert(absl::StrCat(viewer.id(), " > ", subject, " @ ", hour));
      }
    }
  }
  return seen;
}

void ExpectNoWider(const EpisodeRecords& before, const EpisodeRecords& after,
                   const std::string& what) {
  const std::set<std::string> was = AllThatIsSeen(before);
  for (const std::string& seen : AllThatIsSeen(after)) {
    ASSERT_EQ(was.count(seen), 1u) << what << " lets see " << seen << "\n"
                                   << before.episode.DebugString();
  }
}

TEST(VisibleProperty, NothingThatTakesAwayEverWidensWhatAnybodySees) {
  RandomRecords random(20260101);
  int narrowed = 0;
  for (int round = 0; round < 3000; ++round) {
    const EpisodeRecords before = random.Make();
    for (size_t i = 0; i < before.consents.size(); ++i) {
      if (before.consents[i].status() == v1::CONSENT_STATUS_ACTIVE) {
        EpisodeRecords after = before;
        after.consents[i].set_status(v1::CONSENT_STATUS_INACTIVE);
        ASSERT_NO_FATAL_FAILURE(ExpectNoWider(before, after, "withdrawing a consent"));
        narrowed += AllThatIsSeen(after).size() < AllThatIsSeen(before).size() ? 1 : 0;
      }
    }
    EpisodeRecords held = before;
    held.holds.push_back(random.AnyHold(before));
    ASSERT_NO_FATAL_FAILURE(ExpectNoWider(before, held, "placing a hold"));

    EpisodeRecords refused = before;
    const std::string grantor = random.Anybody(before);
    refused.consents.push_back(Refusal(grantor, random.Anybody(before), random.Anybody(before),
                                       kNow + absl::Hours(random.Pick(5) - 3)));
    ASSERT_NO_FATAL_FAILURE(ExpectNoWider(before, refused, "refusing"));

    EpisodeRecords left = before;
    left.episode.mutable_participants(random.Pick(left.episode.participants_size()))
        ->mutable_leave_time()
        ->set_seconds(1);
    ASSERT_NO_FATAL_FAILURE(ExpectNoWider(before, left, "leaving"));
  }
  // The histories are such that taking away does change something, often.
  EXPECT_GT(narrowed, 300);
}

// Whoever keeps a view until its end sees what they would see by asking again, at every time.
TEST(VisibleProperty, AViewHoldsUntilItsEnd) {
  RandomRecords random(11);
  int ends = 0;
  for (int round = 0; round < 500; ++round) {
    const EpisodeRecords records = random.Make();
    for (const v1::Participant& participant : records.episode.participants()) {
      const Viewer viewer{type::v1::PRINCIPAL_KIND_PARTICIPANT, "", participant.patient()};
      absl::Time kept_until = absl::InfinitePast();
      std::vector<std::string> kept;
      for (int hour = -3; hour <= 4; ++hour) {
        const absl::Time now = kNow + absl::Hours(hour);
        const std::vector<std::string> sees = SeenBy(records, participant.patient(), now);
        if (now < kept_until) {
          ASSERT_EQ(sees, kept) << hour;
        } else {
          kept = sees;
          kept_until = NextChange(records, viewer, now);
          ends += kept_until != absl::InfiniteFuture() ? 1 : 0;
        }
      }
    }
  }
  EXPECT_GT(ends, 50);
}

TEST(VisibleProperty, TheOrderInWhichRecordsAreReadDoesNotMatter) {
  RandomRecords random(7);
  for (int round = 0; round < 500; ++round) {
    const EpisodeRecords records = random.Make();
    EpisodeRecords reversed = records;
    std::reverse(reversed.consents.begin(), reversed.consents.end());
    ASSERT_EQ(AllThatIsSeen(records), AllThatIsSeen(reversed));
  }
}

}  // namespace
}  // namespace securebase::episodes
