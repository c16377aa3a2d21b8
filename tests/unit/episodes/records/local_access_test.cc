#include "services/episodes/records/local_access.h"

#include "gmock/gmock.h"
#include "tests/testing/counting_store.h"
#include "tests/unit/episodes/episodes_fixture.h"

namespace securebase::episodes {
namespace {

using securebase::testing::CountingStore;
using securebase::testing::StoreWork;
using testing::Couple;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class LocalAccessTest : public testing::EpisodesFixture {
 protected:
  void SetUp() override { OpenBoth(); }

  type::v1::AccessView View(const api::Call& call) {
    const auto view = access_.ViewFor(call);
    EXPECT_OK(view);
    return view.ok() ? **view : type::v1::AccessView();
  }
  // Something happens in the practice that changes nobody's view.
  void ChangeSettings() {
    ASSERT_OK(Do(&EpisodeHandlers::UpdatePracticeSettings, System(),
                 "settings { name: 'practices/p1/settings' solo_practice: true }"));
  }
};

TEST_F(LocalAccessTest, ViewsAreOrderedAndKnowTheParticipant) {
  EXPECT_THAT(Sees(Staff()), ElementsAre("e1: all", "e2: all"));
  EXPECT_THAT(Sees(Staff("dr-kay")), IsEmpty());
  const type::v1::AccessView view = View(Patient("ehr-1"));
  EXPECT_EQ(view.practice(), "p1");
  ASSERT_EQ(view.episodes_size(), 1);
  EXPECT_EQ(view.episodes(0).episode(), "e1");
  EXPECT_EQ(view.episodes(0).self(), "ann");
}

// What belongs to no episode (a technique of the practice's own) is for everybody but participants.
TEST_F(LocalAccessTest, StaffSeeTheRecordsOfThePracticeAndParticipantsDoNot) {
  EXPECT_TRUE(View(Staff()).practice_records());
  EXPECT_TRUE(View(Staff("dr-kay")).practice_records()) << "who treats nobody, too";
  EXPECT_FALSE(View(Patient("ehr-1")).practice_records());
}

TEST_F(LocalAccessTest, AViewIsComputedOnceUntilSomethingChangesIt) {
  View(Staff());
  const int64_t computed = access_.computed();
  View(Staff());
  ChangeSettings();
  View(Staff());
  EXPECT_EQ(access_.computed(), computed);
  ASSERT_OK(Disclose(System(), "bob", "bob", "ann"));
  View(Staff());
  EXPECT_EQ(access_.computed(), computed + 1);
}

TEST_F(LocalAccessTest, AViewOfAnotherReplicaIsNeverStale) {
  // Two processes on one store: what one writes, the other sees with its next call.
  LocalAccess replica(fixture_.store());
  ASSERT_OK(replica.ViewFor(Patient("ehr-1")));
  ASSERT_OK(Disclose(System(), "bob", "bob", "ann"));
  ASSERT_OK_AND_ASSIGN(const auto view, replica.ViewFor(Patient("ehr-1")));
  EXPECT_THAT(view->episodes(0).subjects(), ElementsAre("ann", "bob"));
}

TEST_F(LocalAccessTest, WhoIsFarBehindForgetsEverything) {
  View(Patient("ehr-1"));
  LocalAccess replica(fixture_.store());
  ASSERT_OK(replica.ViewFor(Patient("ehr-1")));
  ASSERT_OK(Disclose(System(), "bob", "bob", "ann"));
  for (int i = 0; i < LocalAccess::kMaxCatchUp + 1; ++i) {
    ChangeSettings();
  }
  ASSERT_OK_AND_ASSIGN(const auto view, replica.ViewFor(Patient("ehr-1")));
  EXPECT_THAT(view->episodes(0).subjects(), ElementsAre("ann", "bob"));
}

TEST_F(LocalAccessTest, ACliniciansViewReadsOnlyTheEpisodesThatChanged) {
  constexpr int kCaseload = 40;
  for (int i = 10; i < 10 + kCaseload; ++i) {
    v1::Episode episode = Couple();
    episode.set_name(absl::StrCat("practices/p1/episodes/e", i));
    ASSERT_OK(Open(System(), episode));
  }
  CountingStore store(fixture_.store());
  LocalAccess replica(store);
  ASSERT_OK_AND_ASSIGN(const auto all, replica.ViewFor(Staff()));
  EXPECT_EQ(all->episodes_size(), 2 + kCaseload);
  EXPECT_EQ(store.TakeWork().rows, 2 + kCaseload);
  // Dr Kay joins one, Dr Lee leaves it; another is new.
  ASSERT_OK(Do(&EpisodeHandlers::AddCareTeamMember, System(),
               "name: 'practices/p1/episodes/e12' member { staff: 'dr-kay' "
               "role: CARE_TEAM_ROLE_LEAD_CLINICIAN }"));
  ASSERT_OK(Do(&EpisodeHandlers::EndCareTeamMembership, System(),
               "name: 'practices/p1/episodes/e12' staff: 'dr-lee'"));
  v1::Episode episode = Couple();
  episode.set_name("practices/p1/episodes/e100");
  ASSERT_OK(Open(System(), episode));
  ASSERT_OK_AND_ASSIGN(const auto changed, replica.ViewFor(Staff()));
  const StoreWork work = store.TakeWork();
  EXPECT_EQ(work.rows, 0);
  EXPECT_EQ(work.reads, 2);
  ASSERT_OK_AND_ASSIGN(const auto afresh, LocalAccess(fixture_.store()).ViewFor(Staff()));
  EXPECT_EQ(changed->SerializeAsString(), afresh->SerializeAsString());
  EXPECT_EQ(changed->episodes_size(), 2 + kCaseload);
  EXPECT_NE(changed->version(), all->version());
}

TEST_F(LocalAccessTest, ATrimmedJournalIsNoDanger) {
  LocalAccess replica(fixture_.store());
  ASSERT_OK(replica.ViewFor(Patient("ehr-1")));
  ASSERT_OK(Disclose(System(), "bob", "bob", "ann"));
  fixture_.clock().Advance(absl::Hours(1));
  storage::TrimRequest trim;
  trim.practice = "p1";
  trim.journal_before = fixture_.clock().Now();
  ASSERT_OK(fixture_.store().Trim({}, trim));
  ASSERT_OK_AND_ASSIGN(const auto view, replica.ViewFor(Patient("ehr-1")));
  EXPECT_THAT(view->episodes(0).subjects(), ElementsAre("ann", "bob"));
}

TEST_F(LocalAccessTest, TheVersionChangesWithWhatIsGrantedAndNotOtherwise) {
  const std::string before = View(Patient("ehr-1")).version();
  EXPECT_FALSE(before.empty());
  ASSERT_OK(Disclose(System(), "ann", "ann", "bob"));  // changes what Bob sees
  EXPECT_EQ(View(Patient("ehr-1")).version(), before);
  ASSERT_OK(Disclose(System(), "bob", "bob", "ann"));
  EXPECT_NE(View(Patient("ehr-1")).version(), before);
}

TEST_F(LocalAccessTest, TheViewSaysWhenTimeMayChangeIt) {
  EXPECT_FALSE(View(Patient("ehr-1")).has_expire_time());
  const absl::Time end = fixture_.clock().Now() + absl::Hours(5);
  v1::CreateConsentRequest request = DisclosureRequest("bob", "bob", "ann");
  *request.mutable_consent()->mutable_period()->mutable_end_time() = api::ToProto(end);
  ASSERT_OK(Do(&EpisodeHandlers::CreateConsent, System(), request));
  EXPECT_EQ(api::FromProto(View(Patient("ehr-1")).expire_time()), end);
  EXPECT_FALSE(View(Staff()).has_expire_time());
  fixture_.clock().Set(end);
  EXPECT_FALSE(View(Patient("ehr-1")).has_expire_time());
}

// What others decided and Ann may not see must not show in when her view ends.
TEST_F(LocalAccessTest, TheViewsEndTellsOfNothingThatItDoesNotShow) {
  const auto until = [&](v1::CreateConsentRequest request, int hours) {
    *request.mutable_consent()->mutable_period()->mutable_end_time() =
        api::ToProto(fixture_.clock().Now() + absl::Hours(hours));
    return request;
  };
  v1::CreateConsentRequest refusal = until(DisclosureRequest("bob", "bob", "ann"), 1);
  refusal.mutable_consent()->set_status(v1::CONSENT_STATUS_REJECTED);
  ASSERT_OK(Do(&EpisodeHandlers::CreateConsent, System(), refusal));
  v1::CreateConsentRequest treatment = until(DisclosureRequest("bob", "bob", ""), 2);
  treatment.mutable_consent()->set_purpose(v1::CONSENT_PURPOSE_TREATMENT);
  ASSERT_OK(Do(&EpisodeHandlers::CreateConsent, System(), treatment));
  ASSERT_OK(Do(&EpisodeHandlers::CreateConsent, System(),
               until(DisclosureRequest("ann", "ann", "bob"), 3)));
  EXPECT_FALSE(View(Patient("ehr-1")).has_expire_time());
  EXPECT_TRUE(View(Patient("ehr-2")).has_expire_time());

  fixture_.clock().Advance(absl::Minutes(1));
  ASSERT_OK(Do(&EpisodeHandlers::CreateConsent, System(),
               until(DisclosureRequest("bob", "bob", "ann"), 4)));
  EXPECT_TRUE(View(Patient("ehr-1")).has_expire_time());
  ASSERT_OK(Do(&EpisodeHandlers::CreateSafetyHold, System(),
               "parent: 'practices/p1/episodes/e1' "
               "safety_hold { subject: 'bob' withheld_from: 'ann' reason: 'threats' }"));
  EXPECT_FALSE(View(Patient("ehr-1")).has_expire_time());
}

TEST_F(LocalAccessTest, PracticesAndPrincipalsDoNotMix) {
  ASSERT_OK(Open(System("p2"), Couple()));
  EXPECT_THAT(Sees(Staff("dr-lee", "p2")), ElementsAre("e1: all"));
  EXPECT_THAT(Sees(Staff("dr-lee", "p1")), ElementsAre("e1: all", "e2: all"));
  api::Call participant = Patient("ehr-1");
  participant.principal.subject = "dr-lee";
  EXPECT_THAT(Sees(participant), ElementsAre("ann"));
  EXPECT_THAT(Sees(Staff("dr-lee", "p3")), IsEmpty());
}

TEST_F(LocalAccessTest, GetAccessViewAnswersForOneEpisodeOrAll) {
  const auto get = [&](const api::Call& call, const std::string& episode = "") {
    const auto view = Do(&EpisodeHandlers::GetAccessView, call,
                         absl::StrCat("parent: 'practices/p1' episode: '", episode, "'"));
    EXPECT_OK(view);
    return view.value_or(type::v1::AccessView());
  };
  EXPECT_TRUE(get(System()).practice_wide());
  EXPECT_EQ(get(Staff()).episodes_size(), 2);
  const type::v1::AccessView one = get(Staff(), "practices/p1/episodes/e2");
  ASSERT_EQ(one.episodes_size(), 1);
  EXPECT_EQ(one.episodes(0).episode(), "e2");
  EXPECT_FALSE(one.practice_wide());
  EXPECT_TRUE(get(System(), "practices/p1/episodes/e2").episodes(0).all_subjects());
  EXPECT_EQ(get(Patient("ehr-1"), "practices/p1/episodes/e2").episodes_size(), 0);
  EXPECT_EQ(get(Staff(), "practices/p1/episodes/e99").episodes_size(), 0);
}

}  // namespace
}  // namespace securebase::episodes
