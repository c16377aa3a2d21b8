// A practice's own instrument with the command line alone: from the file to the verdict.

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/deployment.h"
#include "tests/e2e/practice.h"
#include "tests/testing/golden.h"
#include "tests/testing/status_matchers.h"

namespace securebase::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class OwnInstrumentTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(deployment_.Start("outcomes"));
    ASSERT_OK(OpenEpisode(deployment_, "ada"));
  }

  // The standard output of a command that must succeed.
  std::string Run(std::vector<std::string> arguments) {
    const absl::StatusOr<Finished> finished = deployment_.Cli(std::move(arguments));
    EXPECT_OK(finished);
    EXPECT_EQ(finished->exit_code, 0) << finished->error;
    return finished->out;
  }
  std::string RunAsStaff(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--token", deployment_.AsStaff("dr-wren").token});
    return Run(std::move(arguments));
  }

  Deployment deployment_;
  const std::string definition_ = ReadRepositoryFile("docs/clinical/own-closeness.textproto");
};

TEST_F(OwnInstrumentTest, IsCheckedSentUsedAndJudged) {
  const std::string file = deployment_.folder().Write("own.textproto", definition_);
  const absl::StatusOr<Finished> checked =  // asks no server
      RunProgram({Deployment::Binary("securebase"), "catalogue", "check", file});
  ASSERT_OK(checked);
  EXPECT_EQ(checked->exit_code, 0) << checked->error;
  EXPECT_THAT(Run({"instruments", "create", "--definition", "@" + file}), HasSubstr("draft"));
  EXPECT_THAT(Run({"instrument-versions", "transition", "own-closeness/1", "--status", "active"}),
              HasSubstr("active"));
  EXPECT_THAT(Run({"instruments", "list", "--all"}),
              AllOf(HasSubstr("own-closeness"), HasSubstr("phq-9")));

  const std::string texts = deployment_.folder().Write("texts.csv",
                                                       "language,part,id,text\n"
                                                       "en,item,1,Item one\n"
                                                       "en,item,2,\"Item two, longer\"\n"
                                                       "en,item,3,Item three\n"
                                                       "en,item,4,Item four\n"
                                                       "en,answer,0,never\n");
  EXPECT_THAT(Run({"instrument-texts", "import", "own-closeness/1", texts, "--licence-statement",
                   "our own"}),
              AllOf(HasSubstr("own-closeness/1/en"), Not(HasSubstr("Item two"))));
  EXPECT_THAT(Run({"instrument-texts", "show", "own-closeness/1/en"}),
              HasSubstr("Item two, longer"));

  // Answers as `securebase score` takes them: the order comes from the server.
  EXPECT_THAT(Run({"assessments", "submit", "--episode", "ada", "--instrument", "own-closeness",
                   "--subject", "ada", "--informant", "ada", "--answered-time", "2026-02-02",
                   "--answers", "4,4,0,0"}),
              HasSubstr("12"));
  const std::string history =
      deployment_.folder().Write("history.csv",
                                 "episode,instrument,subject,informant,answered_time,answers\n"
                                 "ada,own-closeness,ada,ada,2026-02-16,\"1,1,4,0\"\n"
                                 "ada,own-closeness,ada,ada,2026-02-09,\"3,3,2,0\"\n");
  EXPECT_EQ(Run({"assessments", "import", history}), "2 rows: 2 stored, 0 failed\n");

  ASSERT_OK_AND_ASSIGN(
      const auto list,
      (deployment_.Call<outcomes::v1::ListSeriesResponse, outcomes::v1::ListSeriesRequest>(
          deployment_.AsSystem(), "outcomes", "ListSeries", "parent: 'practices/p1'")));
  ASSERT_EQ(list.series_size(), 1);
  const std::string series = list.series(0).name();
  EXPECT_THAT(Run({"series", "show", series}),
              AllOf(HasSubstr("own-closeness version 1"), HasSubstr("insufficient data")));

  Run({"norms",
       "create",
       "--norm-id",
       "ours",
       "--instrument",
       "own-closeness",
       "--instrument-version",
       "1",
       "--scale",
       "total",
       "--threshold",
       "5",
       "--comparator",
       "at-least",
       "--cut-off",
       R"({"value": 8, "clinical": "COMPARATOR_AT_LEAST"})",
       "--sample-size",
       "64",
       "--population",
       "couples at intake",
       "--source",
       "own report 7",
       "--confidence",
       "high"});
  EXPECT_THAT(RunAsStaff({"norms", "transition", "ours", "--status", "active"}),
              HasSubstr("dr-wren"));
  EXPECT_THAT(Run({"series", "show", series}),
              AllOf(HasSubstr("recovered, 12 → 2"), HasSubstr("by dr-wren, norm ours"),
                    HasSubstr("own report 7")));
  EXPECT_THAT(RunAsStaff({"caseload"}), HasSubstr("own-closeness/total ada"));
}

TEST_F(OwnInstrumentTest, SurvivesARestartAndOutlivesItsVersion) {
  const std::string file = deployment_.folder().Write("own.textproto", definition_);
  Run({"instruments", "create", "--definition", "@" + file});
  Run({"instrument-versions", "transition", "own-closeness/1", "--status", "active"});
  Run({"assessments", "submit", "--episode", "ada", "--instrument", "own-closeness", "--subject",
       "ada", "--informant", "ada", "--answered-time", "2026-02-02", "--answers", "4,4,0,0"});
  deployment_.Kill("outcomes");
  ASSERT_OK(deployment_.Start("outcomes"));

  std::string next = definition_;
  next.replace(next.find("version: 1"), 10, "version: 2");
  const std::string second = deployment_.folder().Write("next.textproto", next);
  Run({"instrument-versions", "create", "own-closeness", "--definition", "@" + second});
  Run({"instrument-versions", "transition", "own-closeness/2", "--status", "active"});
  Run({"assessments", "submit", "--episode", "ada", "--instrument", "own-closeness", "--subject",
       "ada", "--informant", "ada", "--answered-time", "2026-02-09", "--answers", "0,0,0,0"});
  const std::string listed = Run({"series", "list", "--output", "json"});
  EXPECT_THAT(listed,
              AllOf(HasSubstr("\"instrumentVersion\": 1"), HasSubstr("\"instrumentVersion\": 2")));
  const absl::StatusOr<Finished> refused = deployment_.Cli(
      {"instrument-versions", "create", "own-closeness", "--definition", "@" + second});
  ASSERT_OK(refused);
  EXPECT_EQ(refused->exit_code, 2);
  EXPECT_THAT(refused->error, HasSubstr("definition.version: must be 3"));
}

}  // namespace
}  // namespace securebase::testing
