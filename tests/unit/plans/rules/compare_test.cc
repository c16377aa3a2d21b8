#include "services/plans/rules/compare.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "securebase/plans/v1/plan.pb.h"

namespace securebase::plans::rules {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

v1::PlanContent Content(const char* text) {
  v1::PlanContent content;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &content));
  return content;
}

std::vector<std::string> Compare(const char* before, const char* after) {
  std::vector<std::string> lines;
  for (const v1::FieldChange& change :
       CompareMessages(Content(before), Content(after), "content")) {
    lines.push_back(absl::StrCat(v1::ChangeKind_Name(change.kind()).substr(12), " ", change.path(),
                                 ": ", change.before(), " -> ", change.after()));
  }
  return lines;
}

TEST(CompareTest, EqualContentsHaveNoDifference) {
  const char* text = R"(summary: "s" goals { id: "g1" theme: "t" } problems: "loss")";
  EXPECT_THAT(Compare(text, text), IsEmpty());
}

TEST(CompareTest, NamesWhatIsAddedRemovedAndChanged) {
  EXPECT_THAT(
      Compare(R"(summary: "old" population: POPULATION_ADULT review_interval_days: 30)",
              R"(summary: "new" population: POPULATION_COUPLE separate_sessions_only: true)"),
      ElementsAre("CHANGED content.population: POPULATION_ADULT -> POPULATION_COUPLE",
                  "CHANGED content.summary: old -> new",
                  "ADDED content.separate_sessions_only:  -> true",
                  "REMOVED content.review_interval_days: 30 -> "));
}

TEST(CompareTest, FollowsElementsByTheirIdAndNotByTheirPlace) {
  EXPECT_THAT(Compare(R"(goals { id: "g1" theme: "a" } goals { id: "g2" theme: "b" })",
                      R"(goals { id: "g0" theme: "n" } goals { id: "g1" theme: "a" }
                         goals { id: "g2" theme: "c" })"),
              ElementsAre(R"(ADDED content.goals[g0]:  -> {"id":"g0","theme":"n"})",
                          "CHANGED content.goals[g2].theme: b -> c"));
  EXPECT_THAT(Compare(R"(goals { id: "g1" } goals { id: "g2" })", R"(goals { id: "g2" })"),
              ElementsAre(R"(REMOVED content.goals[g1]: {"id":"g1"} -> )"));
}

TEST(CompareTest, SaysWhatMoved) {
  EXPECT_THAT(
      Compare(R"(techniques { technique: "x" } techniques { technique: "y" })",
              R"(techniques { technique: "y" } techniques { technique: "x" })"),
      ElementsAre("MOVED content.techniques[y]: 2 -> 1", "MOVED content.techniques[x]: 1 -> 2"));
}

TEST(CompareTest, ComparesListsOfWordsAsAWhole) {
  EXPECT_THAT(Compare(R"(problems: ["a", "b"])", R"(problems: ["b"])"),
              ElementsAre(R"(CHANGED content.problems: ["a", "b"] -> ["b"])"));
}

// Elements are told apart by their first field: every list of a content must have such elements.
TEST(CompareTest, EveryListOfAContentHasElementsWithAnId) {
  const auto* content = v1::PlanContent::descriptor();
  int lists = 0;
  for (int i = 0; i < content->field_count(); ++i) {
    const auto* field = content->field(i);
    if (field->is_repeated() && field->message_type() != nullptr) {
      ++lists;
      EXPECT_EQ(field->message_type()->field(0)->cpp_type(),
                google::protobuf::FieldDescriptor::CPPTYPE_STRING)
          << field->full_name();
    }
  }
  EXPECT_EQ(lists, 4);
}

}  // namespace
}  // namespace securebase::plans::rules
