#include <string>

#include "tests/unit/plans/handlers/plans_fixture.h"

namespace securebase::plans {
namespace {

using ::securebase::testing::HasViolation;
using ::securebase::testing::IsError;
using ::testing::ElementsAre;

const auto kNotFound = IsError(absl::StatusCode::kNotFound, Reason::kNotFound);

class SessionsTest : public PlansFixture {
 protected:
  v1::RecordSessionRequest Request(const std::string& id = "s1") {
    v1::RecordSessionRequest request;
    request.set_parent("practices/p1");
    request.set_session_id(id);
    *request.mutable_session() = FromText<v1::Session>(R"(
        episode: "practices/p1/episodes/e1" minutes: 50 participants: ["anna", "ben"]
        staff: "dr-a" mode: SESSION_MODE_IN_PERSON
        techniques { technique: "practices/p1/techniques/conflict-resolution" minutes: 20 })");
    *request.mutable_session()->mutable_start_time() = api::ToProto(fixture_.clock().Now());
    return request;
  }
  absl::StatusOr<v1::Session> Record(const v1::RecordSessionRequest& request) {
    return Do(&PlanHandlers::RecordSession, Staff(), request);
  }
  absl::StatusOr<v1::Session> GetSession(const api::Call& call) {
    v1::GetSessionRequest request;
    request.set_name("practices/p1/sessions/s1");
    return Do(&PlanHandlers::GetSession, call, request);
  }
  std::vector<std::string> List(const std::string& more = "") {
    v1::ListSessionsRequest request = FromText<v1::ListSessionsRequest>(more);
    request.set_parent("practices/p1");
    request.set_episode(kEpisode);
    const auto page = Do(&PlanHandlers::ListSessions, Staff(), request);
    EXPECT_OK(page);
    std::vector<std::string> ids;
    for (const v1::Session& session : page->sessions()) {
      ids.push_back(session.name().substr(session.name().rfind('/') + 1));
    }
    return ids;
  }
};
using TechniquesTest = PlansFixture;
using JournalTest = PlansFixture;

TEST_F(SessionsTest, HoldWhoMetAndWhatWasUsed) {
  ASSERT_OK(Record(Request()));
  ASSERT_OK_AND_ASSIGN(const v1::Session session, GetSession(Staff()));
  EXPECT_THAT(session.participants(), ElementsAre("anna", "ben"));
  EXPECT_EQ(session.techniques(0).minutes(), 20);
  EXPECT_EQ(session.recorded_by().subject(), "dr-a");
  EXPECT_FALSE(session.entered_in_error());
}

// Psychotherapy notes are kept out by design: prose in any field is refused or, where the server
// fills the field in, not kept.
TEST_F(SessionsTest, HaveNoFieldForText) {
  const std::string prose = "She said that it was hard, and we talked about it.";
  const auto* descriptor = v1::Session::descriptor();
  int tried = 0;
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const auto* field = descriptor->field(i);
    if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_STRING) {
      continue;
    }
    ++tried;
    v1::RecordSessionRequest request = Request("s" + std::to_string(i));
    const auto* reflection = request.session().GetReflection();
    if (field->is_repeated()) {
      reflection->AddString(request.mutable_session(), field, prose);
    } else {
      reflection->SetString(request.mutable_session(), field, prose);
    }
    const auto recorded = Record(request);
    EXPECT_TRUE(!recorded.ok() || recorded->DebugString().find(prose) == std::string::npos)
        << field->name();
  }
  EXPECT_GE(tried, 6);
}

TEST_F(SessionsTest, AreOfAnEpisodeThatWas) {
  auto& episode = episodes_.episodes[kEpisode];
  episode.set_status(episodes::v1::EPISODE_STATUS_FINISHED);
  EXPECT_OK(Record(Request("late")));
  for (const auto never :
       {episodes::v1::EPISODE_STATUS_CANCELLED, episodes::v1::EPISODE_STATUS_ENTERED_IN_ERROR}) {
    episode.set_status(never);
    EXPECT_THAT(Record(Request()),
                IsError(absl::StatusCode::kFailedPrecondition, Reason::kStateNotAllowed));
  }
}

TEST_F(SessionsTest, NameEveryWrongField) {
  v1::RecordSessionRequest request = Request();
  request.mutable_session()->add_participants("cleo");
  request.mutable_session()->mutable_techniques(0)->set_minutes(51);
  const auto session = Record(request);
  EXPECT_THAT(session, HasViolation("session.participants[2]"));
  EXPECT_THAT(session, HasViolation("session.techniques"));
  request = Request();
  *request.mutable_session()->mutable_start_time() =
      api::ToProto(fixture_.clock().Now() + absl::Hours(1));
  EXPECT_THAT(Record(request), HasViolation("session.start_time"));
}

TEST_F(SessionsTest, RefuseAContraindicatedTechnique) {
  v1::RecordSessionRequest request = Request();
  request.mutable_session()->mutable_techniques(0)->set_technique(
      "practices/p1/techniques/rage-reduction");
  EXPECT_THAT(Record(request),
              IsError(absl::StatusCode::kFailedPrecondition, Reason::kTechniqueContraindicated));
}

TEST_F(SessionsTest, BelongToAPlanOfTheirEpisode) {
  v1::RecordSessionRequest request = Request();
  request.mutable_session()->set_plan(kPlan);
  EXPECT_THAT(Record(request), kNotFound);
  v1::CreatePlanRequest other = CreateRequest({}, "x");
  other.mutable_plan()->set_episode(kOtherEpisode);
  ASSERT_OK(Do(&PlanHandlers::CreatePlan, System(), other));
  EXPECT_THAT(Do(&PlanHandlers::RecordSession, System(), request), HasViolation("session.plan"));
}

TEST_F(SessionsTest, AreVisibleToThoseWhoMaySeeEverybodyInThem) {
  ASSERT_OK(Record(Request()));
  EXPECT_THAT(GetSession(Anna()), kNotFound);
  EXPECT_OK(GetSession(Ben()));
  EXPECT_THAT(GetSession(Staff("dr-c")), kNotFound);
  EXPECT_THAT(Do(&PlanHandlers::RecordSession, Staff("dr-c"), Request("s2")), kNotFound);
}

TEST_F(SessionsTest, AreListedByTimeWithoutThoseInError) {
  ASSERT_OK(Create());
  v1::RecordSessionRequest earlier = Request("s1");
  earlier.mutable_session()->set_plan(kPlan);
  *earlier.mutable_session()->mutable_start_time() =
      api::ToProto(fixture_.clock().Now() - absl::Hours(24));
  ASSERT_OK(Record(Request("s2")));
  ASSERT_OK_AND_ASSIGN(const v1::Session session, Record(earlier));
  EXPECT_THAT(List(), ElementsAre("s2", "s1"));
  EXPECT_THAT(List(R"(plan: "practices/p1/plans/x")"), ElementsAre("s1"));
  v1::MarkSessionEnteredInErrorRequest request;
  request.set_name(session.name());
  request.set_etag("stale");
  EXPECT_THAT(Do(&PlanHandlers::MarkSessionEnteredInError, Staff(), request),
              IsError(absl::StatusCode::kAborted, Reason::kEtagMismatch));
  request.set_etag(session.etag());
  ASSERT_OK(Do(&PlanHandlers::MarkSessionEnteredInError, Staff(), request));
  EXPECT_THAT(List(), ElementsAre("s2"));
  EXPECT_THAT(List("include_entered_in_error: true"), ElementsAre("s2", "s1"));
}

TEST_F(SessionsTest, ARepeatGivesTheFirstResult) {
  v1::RecordSessionRequest request = Request("");
  request.set_request_id("r1");
  ASSERT_OK_AND_ASSIGN(const v1::Session first, Record(request));
  ASSERT_OK_AND_ASSIGN(const v1::Session again, Record(request));
  EXPECT_EQ(first.name(), again.name());
  request.mutable_session()->set_minutes(51);
  EXPECT_THAT(Record(request),
              IsError(absl::StatusCode::kInvalidArgument, Reason::kRequestIdReused));
}

TEST_F(TechniquesTest, ThePracticeAddsItsOwn) {
  v1::CreateTechniqueRequest request;
  request.set_parent("practices/p1");
  request.set_technique_id("sand-tray");
  *request.mutable_technique() = FromText<v1::Technique>(R"(
      title: "Sand tray" family: TECHNIQUE_FAMILY_OTHER description: "Building worlds in sand."
      populations: POPULATION_CHILD problems: "trauma-abuse")");
  ASSERT_OK(Do(&PlanHandlers::CreateTechnique, Staff(), request));
  const auto kTaken = IsError(absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists);
  EXPECT_THAT(Do(&PlanHandlers::CreateTechnique, Staff(), request), kTaken);
  request.set_technique_id("emotion-regulation");
  EXPECT_THAT(Do(&PlanHandlers::CreateTechnique, Staff(), request), kTaken);
  request.set_technique_id("ht");
  request.mutable_technique()->set_title("Holding Therapy");
  EXPECT_THAT(Do(&PlanHandlers::CreateTechnique, Staff(), request),
              IsError(absl::StatusCode::kFailedPrecondition, Reason::kTechniqueContraindicated));

  v1::ListTechniquesRequest list;
  list.set_parent("practices/p1");
  EXPECT_EQ(Do(&PlanHandlers::ListTechniques, Staff(), list)->techniques_size(), 1);
  list.set_problem("depression");
  EXPECT_EQ(Do(&PlanHandlers::ListTechniques, Staff(), list)->techniques_size(), 0);
  list.set_problem("trauma-abuse");
  list.set_population(v1::POPULATION_CHILD);
  list.set_family(v1::TECHNIQUE_FAMILY_OTHER);
  EXPECT_EQ(Do(&PlanHandlers::ListTechniques, Staff(), list)->techniques_size(), 1);
}

TEST_F(TechniquesTest, BuiltInOnesAreInEveryPractice) {
  v1::GetTechniqueRequest request;
  request.set_name("practices/p1/techniques/circle-of-security");
  ASSERT_OK_AND_ASSIGN(const v1::Technique technique,
                       Do(&PlanHandlers::GetTechnique, Staff(), request));
  EXPECT_TRUE(technique.built_in());
  EXPECT_EQ(technique.name(), request.name());
  request.set_name("practices/p1/techniques/none");
  EXPECT_THAT(Do(&PlanHandlers::GetTechnique, Staff(), request), kNotFound);
  v1::GetLibraryRequest library;
  library.set_parent("practices/p1");
  EXPECT_EQ(Do(&PlanHandlers::GetLibrary, Staff(), library)->techniques(0).name(),
            "practices/p1/techniques/exploration-early-relationships");
}

TEST_F(JournalTest, NamesWhatHappenedInOrder) {
  CreateActivePlan();
  v1::ListJournalRequest request;
  request.set_parent("practices/p1");
  ASSERT_OK_AND_ASSIGN(const auto journal, Do(&PlanHandlers::ListJournal, System(), request));
  std::vector<std::string> resources;
  for (const auto& entry : journal.entries()) {
    resources.push_back(entry.resource());
    EXPECT_EQ(entry.episode(), kEpisode);
  }
  EXPECT_EQ(resources.size(), 7U);  // revision, plan, 2 screenings, 2 signatures, plan
  EXPECT_EQ(resources.front(), RevisionNameOf(1));
  EXPECT_EQ(resources.back(), kPlan);
}

}  // namespace
}  // namespace securebase::plans
