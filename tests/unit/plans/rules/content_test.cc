#include "services/plans/rules/content.h"

#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace securebase::plans::rules {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Episode TwoPeople() {
  Episode episode;
  episode.name = "practices/p/episodes/e";
  episode.members = {{"a", MemberRole::kPartner, false, false, {}},
                     {"b", MemberRole::kPartner, false, false, {}}};
  return episode;
}

bool Known(absl::string_view name) { return name == "practices/p/techniques/t"; }

std::vector<std::string> FieldsOf(const std::vector<FieldViolation>& violations) {
  std::vector<std::string> fields;
  fields.reserve(violations.size());
  for (const FieldViolation& violation : violations) {
    fields.push_back(violation.field);
  }
  return fields;
}

v1::PlanContent Content(const char* text) {
  v1::PlanContent content;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &content));
  return content;
}

TEST(ContentTest, AcceptsWhatAddsUp) {
  EXPECT_THAT(CheckContent(Content(R"(
      problems: "couple" subjects: ["a", "b"]
      formulations { id: "f1" participant: "a" }
      goals { id: "g1" theme: "x" problem: "couple" }
      techniques { technique: "practices/p/techniques/t" goals: "g1" participants: "a" }
      measures { id: "m1" instrument: "i" subject: "a" informants: ["a", "b"] goals: "g1" }
      measures { id: "m2" instrument: "i" subject: "b" informants: ["a", "b"] })"),
                           TwoPeople(), Known, "content"),
              IsEmpty());
}

TEST(ContentTest, NamesEveryContradictionAtOnce) {
  EXPECT_THAT(
      FieldsOf(CheckContent(Content(R"(
      problems: ["couple", "couple"] subjects: ["a", "x"]
      formulations { id: "f1" participant: "x" } formulations { id: "f1" participant: "a" }
      goals { id: "g1" problem: "loss" } goals { id: "g1" }
      techniques { technique: "practices/p/techniques/u" goals: "g2" participants: "x" }
      measures { id: "m1" instrument: "i" subject: "x" informants: ["a", "x"] goals: "g2" }
      measures { id: "m1" instrument: "i" subject: "x" informants: "a" })"),
                            TwoPeople(), Known, "content")),
      ElementsAre("content.problems[1]", "content.subjects[1]", "content.formulations[1].id",
                  "content.formulations[0].participant", "content.goals[1].id",
                  "content.goals[0].problem", "content.techniques[0].technique",
                  "content.techniques[0].goals[0]", "content.techniques[0].participants[0]",
                  "content.measures[1].id", "content.measures[0].subject",
                  "content.measures[0].informants[1]", "content.measures[0].goals[0]",
                  "content.measures[1].subject", "content.measures[1].informants[0]"));
}

TEST(ContentTest, HoldsDataOfWhoeverItMentions) {
  EXPECT_THAT(DataSubjects(Content(R"(subjects: "a" formulations { participant: "b" }
                                      techniques { participants: ["e", "a"] }
                                      measures { subject: "d" informants: ["c", "a"] })")),
              ElementsAre("a", "b", "c", "d", "e"));
}

TEST(SessionTest, NamesEveryContradictionAtOnce) {
  v1::Session session;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
      minutes: 50 participants: ["a", "x"] staff: ["dr-a", "dr-a"]
      techniques { technique: "practices/p/techniques/t" minutes: 30 }
      techniques { technique: "practices/p/techniques/t" minutes: 21 }
      techniques { technique: "practices/p/techniques/u" })",
                                                            &session));
  EXPECT_THAT(
      FieldsOf(CheckSession(session, TwoPeople(), Known, "session")),
      ElementsAre("session.participants[1]", "session.staff[1]", "session.techniques[1].technique",
                  "session.techniques[2].technique", "session.techniques"));
}

TEST(SessionTest, TechniquesMayFillTheSession) {
  v1::Session session;
  session.set_minutes(50);
  session.add_participants("a");
  session.add_techniques()->set_technique("practices/p/techniques/t");
  session.mutable_techniques(0)->set_minutes(50);
  EXPECT_THAT(CheckSession(session, TwoPeople(), Known, "session"), IsEmpty());
}

}  // namespace
}  // namespace securebase::plans::rules
