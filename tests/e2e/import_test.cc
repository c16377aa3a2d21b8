// `securebase assessments import` against a running service.

#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/deployment.h"
#include "tests/e2e/practice.h"
#include "tests/testing/status_matchers.h"

namespace securebase::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class ImportTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(deployment_.Start("outcomes"));
    ASSERT_OK(OpenEpisode(deployment_, "ada"));
    ASSERT_OK(OpenEpisode(deployment_, "bo"));
  }
  Deployment deployment_;
};

TEST_F(ImportTest, AHistoryOfCsvIsStoredOnceHoweverOftenItIsRun) {
  std::string csv = "episode,instrument,subject,informant,answered_time,answers\n";
  for (int i = 0; i < 60; ++i) {
    const std::string who = i % 2 == 0 ? "ada" : "bo";
    absl::StrAppend(&csv, who, ",phq-9,", who, ",", who, ",2026-0", 2 + i / 20, "-1", i / 2 % 10,
                    ",\"", i % 4, ",1,1,1,1,1,", i / 4 % 4, ",", i / 16 % 4, ",0\"\n");
  }
  const std::string file = deployment_.folder().Write("history.csv", csv);
  ASSERT_OK_AND_ASSIGN(const Finished first, deployment_.Cli({"assessments", "import", file}));
  EXPECT_EQ(first.exit_code, 0) << first.error;
  EXPECT_EQ(first.out, "60 rows: 60 stored, 0 failed\n");
  ASSERT_OK_AND_ASSIGN(const auto stored, ListAssessments(deployment_, "ada"));
  EXPECT_THAT(stored, SizeIs(30));

  ASSERT_OK_AND_ASSIGN(const Finished again, deployment_.Cli({"assessments", "import", file}));
  EXPECT_EQ(again.exit_code, 0) << again.error;
  ASSERT_OK_AND_ASSIGN(const auto unchanged, ListAssessments(deployment_, "ada"));
  ASSERT_EQ(unchanged.size(), stored.size());
  for (size_t i = 0; i < stored.size(); ++i) {
    EXPECT_EQ(stored[i].SerializeAsString(), unchanged[i].SerializeAsString());
  }
}

TEST_F(ImportTest, RowsThatFailAreReportedWithTheirLinesAndTheOthersStored) {
  const auto row = [&](const std::string& id, const std::string& episode, const char* value) {
    return absl::StrCat(R"({"assessmentId": ")", id, R"(", "assessment": {"episode": ")", episode,
                        R"(", "instrument": "phq-9", "subject": "ada", "informant": "ada", )",
                        R"("answeredTime": "2026-01-07T10:00:00Z", "answers": [{"item": "1", )",
                        R"("value": )", value, "}]}}\n");
  };
  const std::string file = deployment_.folder().Write(
      "history.ndjson",
      row("a1", "ada", "2") + "{broken\n" + row("a3", "nobody", "1") + row("a4", "ada", "1"));
  const std::string report = deployment_.folder().PathOf("report");
  ASSERT_OK_AND_ASSIGN(const Finished finished,
                       deployment_.Cli({"assessments", "import", file, "--report", report}));
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_EQ(finished.out, "4 rows: 2 stored, 2 failed\n");
  EXPECT_THAT(finished.error, HasSubstr("2 rows failed"));
  std::stringstream reported;
  reported << std::ifstream(report).rdbuf();
  EXPECT_THAT(reported.str(), HasSubstr(file + ":2: the line is no SubmitAssessmentRequest"));
  EXPECT_THAT(reported.str(), HasSubstr(file + ":3: "));
  ASSERT_OK_AND_ASSIGN(const auto stored, ListAssessments(deployment_, "ada"));
  EXPECT_THAT(stored, SizeIs(2));

  // The same id with other answers is another assessment, and is not taken for the first.
  const std::string changed = deployment_.folder().Write("changed.ndjson", row("a1", "ada", "3"));
  ASSERT_OK_AND_ASSIGN(const Finished refused, deployment_.Cli({"assessments", "import", changed}));
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.error, HasSubstr("with other content"));
}

TEST_F(ImportTest, WithoutTheServerItStopsAndSaysHowToGoOn) {
  const std::string file =
      deployment_.folder().Write("history.csv",
                                 "episode,instrument,subject,informant,answered_time,answers\n"
                                 "ada,phq-9,ada,ada,2026-01-07,\"1,1,1,1,1,1,1,1,0\"\n");
  deployment_.Kill("outcomes");
  ASSERT_OK_AND_ASSIGN(const Finished finished, deployment_.Cli({"assessments", "import", file}));
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_THAT(finished.error, HasSubstr("stopped at line 2"));
  EXPECT_THAT(finished.error, HasSubstr("run it again"));
  ASSERT_OK(deployment_.Start("outcomes"));
  ASSERT_OK_AND_ASSIGN(const Finished again, deployment_.Cli({"assessments", "import", file}));
  EXPECT_EQ(again.out, "1 row: 1 stored, 0 failed\n");
}

}  // namespace
}  // namespace securebase::testing
