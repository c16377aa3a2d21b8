// A marked string in every field that may hold patient data must come back to those who may read
// it, and appear nowhere else: not in a log line, an error, a metric, a page token or the audit
// trail.

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/substitute.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "gtest/gtest.h"
#include "securebase/options/v1/options.pb.h"
#include "services/platform/api/field_options.h"
#include "tests/e2e/deployment.h"
#include "tests/e2e/eventually.h"
#include "tests/e2e/practice.h"
#include "tests/testing/status_matchers.h"

namespace securebase::testing {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using ::testing::HasSubstr;
using ::testing::Not;

namespace episodes = securebase::episodes::v1;
namespace goals = securebase::goals::v1;
namespace outcomes = securebase::outcomes::v1;
namespace plans = securebase::plans::v1;

// Fits ids and free text alike.
constexpr char kCanary[] = "Kanarienvogel-4711";
// Enough for each member of the largest oneof to have its turn.
constexpr int kVariants = 3;

bool HoldsPatientText(const FieldDescriptor* field) {
  return api::IsPatientData(field) && field->cpp_type() == FieldDescriptor::CPPTYPE_STRING;
}

bool IsInput(const FieldDescriptor* field) {
  return !api::HasBehavior(field, google::api::OUTPUT_ONLY);
}

// Fields of requests that may hold patient data as text, by full name.
void CollectPatientText(const Descriptor* type, std::set<const Descriptor*>& seen,
                        std::set<std::string>& fields) {
  if (!seen.insert(type).second) {
    return;
  }
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    if (!IsInput(field)) {
      continue;
    }
    if (HoldsPatientText(field)) {
      fields.insert(field->full_name());
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      CollectPatientText(field->message_type(), seen, fields);
    }
  }
}

// Makes requests of any type: the canary where patient data may stand, and elsewhere something that
// fits, as far as a field's rules say it.
class Filler {
 public:
  // `variant` chooses among the members of oneofs.
  explicit Filler(int variant) : variant_(variant) {}

  void Fill(Message& message) {
    for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
      const FieldDescriptor* field = message.GetDescriptor()->field(i);
      const auto* oneof = field->real_containing_oneof();
      if (IsInput(field) &&
          (oneof == nullptr || oneof->field(variant_ % oneof->field_count()) == field)) {
        FillField(message, field);
      }
    }
  }

  const std::set<std::string>& marked() const { return marked_; }

 private:
  std::string Text(const FieldDescriptor* field) {
    if (HoldsPatientText(field)) {
      marked_.insert(field->full_name());
      return kCanary;
    }
    const auto& rules = field->options().GetExtension(options::v1::rules);
    if (!rules.name().empty()) {
      const std::vector<std::string> patterns = absl::StrSplit(rules.name(), '|');
      return absl::StrReplaceAll(patterns[0], {{"{practice}", "p1"},
                                               {"{episode}", "ada"},
                                               {"{plan}", "ada"},
                                               {"{goal}", "closeness"},
                                               {"{revision}", "1"},
                                               {"{instrument}", "phq-9"},
                                               {"{technique}", "conflict-resolution"},
                                               {"{rating}", "r1"},
                                               {"{assessment}", "a0"},
                                               {"{version}", "1"},
                                               {"{language}", "en"},
                                               {"{consent}", "treatment"}});
    }
    // What limits results or names a version is left out.
    return rules.id() ? "ada" : "";
  }

  void FillField(Message& message, const FieldDescriptor* field) {
    const auto* reflection = message.GetReflection();
    const bool repeated = field->is_repeated();
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING: {
        const std::string text = Text(field);
        repeated ? reflection->AddString(&message, field, text)
                 : reflection->SetString(&message, field, text);
        break;
      }
      case FieldDescriptor::CPPTYPE_ENUM:
        repeated ? reflection->AddEnum(&message, field, field->enum_type()->value(1))
                 : reflection->SetEnum(&message, field, field->enum_type()->value(1));
        break;
      case FieldDescriptor::CPPTYPE_MESSAGE: {
        Message& child = repeated ? *reflection->AddMessage(&message, field)
                                  : *reflection->MutableMessage(&message, field);
        if (absl::StartsWith(field->message_type()->full_name(), "securebase.")) {
          Fill(child);
        }
        break;
      }
      default:
        break;
    }
  }

  const int variant_;
  std::set<std::string> marked_;
};

class CanaryTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_OK(deployment_.StartAll()); }

  // A call that must succeed. What it says about pages is kept.
  template <typename Response, typename Request>
  void Accept(const client::CallOptions& as, const std::string& package, const std::string& method,
              const std::string& text) {
    const absl::StatusOr<Response> response = deployment_.Call<Response, Request>(
        as, package, method, absl::StrReplaceAll(text, {{"CANARY", kCanary}}));
    ASSERT_TRUE(response.ok()) << method << ": " << response.status();
    Keep(*response);
  }

  void Keep(const Message& response) {
    came_back_ += absl::StrContains(response.SerializeAsString(), kCanary) ? 1 : 0;
    for (const char* name : {"next_page_token", "next_token", "etag"}) {
      const auto* field = response.GetDescriptor()->FindFieldByName(name);
      if (field != nullptr && field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
        tokens_.push_back(response.GetReflection()->GetString(response, field));
      }
    }
  }

  // Calls every rpc of a service with every variant of a request.
  void TryEveryRpc(const std::string& package, const Descriptor* any_of_its_requests,
                   const std::vector<client::CallOptions>& callers) {
    const auto* service = any_of_its_requests->file()->service(0);
    std::set<const Descriptor*> seen;
    for (int i = 0; i < service->method_count(); ++i) {
      const auto* method = service->method(i);
      CollectPatientText(method->input_type(), seen, expected_);
      for (int variant = 0; variant < kVariants; ++variant) {
        Filler filler(variant);
        const std::unique_ptr<Message> request = New(method->input_type());
        const std::unique_ptr<Message> response = New(method->output_type());
        filler.Fill(*request);
        marked_.insert(filler.marked().begin(), filler.marked().end());
        for (const client::CallOptions& as : callers) {
          client::FillRequestId(*request);
          const absl::Status status = deployment_.Client(package).CallMethod(
              Deployment::MethodPath(package, method->name()), as, *request, *response);
          if (status.ok()) {
            Keep(*response);
          } else {
            errors_.push_back(status);
          }
        }
      }
    }
  }

  static std::unique_ptr<Message> New(const Descriptor* type) {
    return std::unique_ptr<Message>(
        google::protobuf::MessageFactory::generated_factory()->GetPrototype(type)->New());
  }

  // The exported audit trail; a service exports when it starts.
  absl::StatusOr<std::string> AuditTrail() {
    std::stringstream all;
    for (const auto& file :
         std::filesystem::directory_iterator(deployment_.folder().PathOf("audit"))) {
      all << std::ifstream(file.path()).rdbuf();
    }
    for (const char* method : {"EpisodesService/CreateEpisode", "OutcomesService/GetCaseload",
                               "GoalsService/GetGoal", "PlansService/GetPlan"}) {
      if (!absl::StrContains(all.str(), method)) {
        return absl::UnavailableError(absl::StrCat("no ", method, " in the audit trail"));
      }
    }
    return all.str();
  }

  // A few requests that are accepted, each with the canary in its free text.
  void RunAccepted(const client::CallOptions& ehr, const client::CallOptions& wren,
                   const client::CallOptions& participant);

  Deployment deployment_;
  int came_back_ = 0;
  std::vector<std::string> tokens_;
  std::vector<absl::Status> errors_;
  std::set<std::string> expected_;
  std::set<std::string> marked_;
};

void CanaryTest::RunAccepted(const client::CallOptions& ehr, const client::CallOptions& wren,
                             const client::CallOptions& participant) {
  Accept<episodes::Episode, episodes::CreateEpisodeRequest>(ehr, "episodes", "CreateEpisode", R"pb(
    parent: "practices/p1"
    episode_id: "ada"
    episode {
      kind: EPISODE_KIND_COUPLE
      external_identifiers { system: "https://ehr.example.org" value: "CANARY" }
      participants {
        id: "ada"
        patient: "CANARY"
        role: PARTICIPANT_ROLE_PARTNER
        age_group: AGE_GROUP_ADULT
      }
      participants {
        id: "bo"
        patient: "CANARY-2"
        role: PARTICIPANT_ROLE_PARTNER
        age_group: AGE_GROUP_ADULT
      }
      care_team { staff: "dr-wren" role: CARE_TEAM_ROLE_LEAD_CLINICIAN }
      problems {
        code: "CANARY"
        codings { system: "x" code: "F32" display: "CANARY" }
      }
    })pb");
  Accept<episodes::SafetyHold, episodes::CreateSafetyHoldRequest>(wren, "episodes",
                                                                  "CreateSafetyHold", R"pb(
    parent: "practices/p1/episodes/ada"
    safety_hold { subject: "ada" withheld_from: "bo" reason: "CANARY" })pb");
  Accept<goals::Goal, goals::CreateGoalRequest>(wren, "goals", "CreateGoal", R"pb(
    parent: "practices/p1"
    goal_id: "closeness"
    active: true
    goal {
      episode: "practices/p1/episodes/ada"
      owner: "ada"
      statement: "CANARY"
      domain: GOAL_DOMAIN_RELATIONSHIP
      external_identifiers { system: "https://ehr.example.org" value: "CANARY" }
      gas {
        anchor: GAS_ANCHOR_MINUS_ONE
        levels { level: -2 description: "CANARY" }
        levels { level: -1 description: "CANARY" }
        levels { level: 0 description: "CANARY" }
        levels { level: 1 description: "CANARY" }
        levels { level: 2 description: "CANARY" }
      }
    })pb");
  Accept<goals::Goal, goals::FlagGoalRequest>(wren, "goals", "FlagGoal", R"pb(
    name: "practices/p1/goals/closeness"
    unsafe: true
    reason: "CANARY")pb");
  Accept<goals::Goal, goals::OverrideAchievementRequest>(wren, "goals", "OverrideAchievement", R"pb(
    name: "practices/p1/goals/closeness"
    status: ACHIEVEMENT_STATUS_NOT_ATTAINABLE
    reason: "CANARY")pb");
  Accept<plans::Plan, plans::CreatePlanRequest>(wren, "plans", "CreatePlan", R"pb(
    parent: "practices/p1"
    plan_id: "ada"
    plan {
      episode: "practices/p1/episodes/ada"
      content {
        population: POPULATION_COUPLE
        problems: "CANARY"
        subjects: "ada"
        summary: "CANARY"
        goals { id: "g1" theme: "CANARY" rationale: "CANARY" }
        techniques { technique: "practices/p1/techniques/conflict-resolution" comment: "CANARY" }
      }
    })pb");
  Accept<plans::Revision, plans::RevisePlanRequest>(wren, "plans", "RevisePlan", R"pb(
    name: "practices/p1/plans/ada"
    content { summary: "CANARY again" }
    change_reason: "CANARY")pb");
  // Those who may read it do.
  for (const client::CallOptions& as : {ehr, wren, participant}) {
    Accept<goals::Goal, goals::GetGoalRequest>(as, "goals", "GetGoal",
                                               "name: 'practices/p1/goals/closeness'");
    Accept<plans::Plan, plans::GetPlanRequest>(as, "plans", "GetPlan",
                                               "name: 'practices/p1/plans/ada'");
    Accept<episodes::Episode, episodes::GetEpisodeRequest>(as, "episodes", "GetEpisode",
                                                           "name: 'practices/p1/episodes/ada'");
  }
  // More than one page, found by what is marked.
  Accept<episodes::Episode, episodes::CreateEpisodeRequest>(ehr, "episodes", "CreateEpisode", R"pb(
    parent: "practices/p1"
    episode_id: "second"
    episode {
      kind: EPISODE_KIND_INDIVIDUAL
      participants {
        id: "second"
        patient: "CANARY"
        role: PARTICIPANT_ROLE_CLIENT
        age_group: AGE_GROUP_ADULT
      }
      care_team { staff: "dr-wren" role: CARE_TEAM_ROLE_LEAD_CLINICIAN }
    })pb");
  Accept<episodes::ListEpisodesResponse, episodes::ListEpisodesRequest>(
      ehr, "episodes", "ListEpisodes", "parent: 'practices/p1' page_size: 1 patient: 'CANARY'");
  Accept<outcomes::GetCaseloadResponse, outcomes::GetCaseloadRequest>(
      wren, "outcomes", "GetCaseload", "parent: 'practices/p1'");
}

TEST_F(CanaryTest, PatientDataIsNowhereButInTheAnswersOfThoseWhoMayReadIt) {
  const client::CallOptions ehr = deployment_.AsSystem();
  const client::CallOptions wren = deployment_.AsStaff("dr-wren");
  const client::CallOptions participant = deployment_.AsParticipant(kCanary, "participant-7");
  RunAccepted(ehr, wren, participant);
  if (HasFailure()) {
    return;
  }
  EXPECT_GE(came_back_, 15);

  const std::vector<client::CallOptions> callers = {ehr, wren, deployment_.AsStaff("dr-heron"),
                                                    participant};
  TryEveryRpc("episodes", episodes::CreateEpisodeRequest::descriptor(), callers);
  TryEveryRpc("outcomes", outcomes::SubmitAssessmentRequest::descriptor(), callers);
  TryEveryRpc("goals", goals::CreateGoalRequest::descriptor(), callers);
  TryEveryRpc("plans", plans::CreatePlanRequest::descriptor(), callers);
  EXPECT_EQ(marked_, expected_) << "every field that may hold patient data is to be tried";
  EXPECT_GT(errors_.size(), 100u);

  for (const absl::Status& error : errors_) {
    EXPECT_THAT(error.ToString(), Not(HasSubstr(kCanary)));
  }
  int tokens = 0;
  for (const std::string& token : tokens_) {
    tokens += token.empty() ? 0 : 1;
    std::string bytes;
    EXPECT_THAT(token, Not(HasSubstr(kCanary)));
    EXPECT_TRUE(!absl::WebSafeBase64Unescape(token, &bytes) || !absl::StrContains(bytes, kCanary));
  }
  EXPECT_GT(tokens, 10);
  for (const std::string service : {"outcomes", "goals", "plans"}) {
    ASSERT_OK_AND_ASSIGN(const std::string metrics,
                         HttpGet(deployment_.metrics_port(service), "/metrics"));
    EXPECT_THAT(metrics, HasSubstr("ListJournal")) << service;
    EXPECT_THAT(metrics, Not(HasSubstr(kCanary))) << service;
    ASSERT_OK(deployment_.Stop(service));
    ASSERT_OK(deployment_.Start(service));
    EXPECT_THAT(deployment_.Log(service), HasSubstr("\"msg\":\"call\"")) << service;
    EXPECT_THAT(deployment_.Log(service), Not(HasSubstr(kCanary))) << service;
  }
  EXPECT_OK(Eventually([&] { return AuditTrail().status(); }));
  ASSERT_OK_AND_ASSIGN(const std::string trail, AuditTrail());
  EXPECT_THAT(trail, Not(HasSubstr(kCanary)));
}

}  // namespace
}  // namespace securebase::testing
