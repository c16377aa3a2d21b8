// A client that is none of ours: buf curl, which learns the API from the server by reflection.

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/deployment.h"
#include "tests/e2e/practice.h"
#include "tests/testing/status_matchers.h"

namespace securebase::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr char kBuf[] = SECUREBASE_SOURCE_DIR "/build/tools/node_modules/.bin/buf";

class ForeignClientTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(std::filesystem::exists(kBuf))
        << "there is no " << kBuf << "; scripts/install-dependencies installs it";
    ASSERT_OK(deployment_.Start("outcomes", {"--reflection=true"}));
  }

  absl::StatusOr<Finished> Curl(const std::string& package, const std::string& method,
                                const std::string& json, const std::string& token) {
    return RunProgram({kBuf, "curl", "--protocol", "grpc", "--cacert",
                       deployment_.folder().PathOf("ca.crt"), "--cert",
                       deployment_.folder().PathOf("client.crt"), "--key",
                       deployment_.folder().PathOf("client.key"), "--header",
                       absl::StrCat("authorization: Bearer ", token), "--data", json,
                       absl::StrCat("https://", deployment_.address("outcomes"),
                                    Deployment::MethodPath(package, method))});
  }

  Deployment deployment_;
};

TEST_F(ForeignClientTest, OpensAnEpisodeAndSubmitsAnAssessment) {
  const std::string token = deployment_.AsSystem().token;
  ASSERT_OK_AND_ASSIGN(const Finished created,
                       Curl("episodes", "CreateEpisode",
                            R"({"parent": "practices/p1", "episodeId": "ada", "episode": {
                "kind": "EPISODE_KIND_INDIVIDUAL", "startTime": "2026-01-05T10:00:00Z",
                "participants": [{"id": "ada", "patient": "patient-ada",
                  "role": "PARTICIPANT_ROLE_CLIENT", "ageGroup": "AGE_GROUP_ADULT"}],
                "careTeam": [{"staff": "dr-wren", "role": "CARE_TEAM_ROLE_LEAD_CLINICIAN"}]}})",
                            token));
  ASSERT_EQ(created.exit_code, 0) << created.error;
  EXPECT_THAT(created.out, HasSubstr("practices/p1/episodes/ada"));

  ASSERT_OK_AND_ASSIGN(const Finished submitted,
                       Curl("outcomes", "SubmitAssessment",
                            R"({"parent": "practices/p1", "assessmentId": "a1", "assessment": {
                "episode": "practices/p1/episodes/ada",
                "instrument": "practices/p1/instruments/phq-2", "subject": "ada",
                "informant": "ada", "answeredTime": "2026-01-06T10:00:00Z",
                "answers": [{"item": "1", "value": 2}, {"item": "2", "value": 3}]}})",
                            token));
  ASSERT_EQ(submitted.exit_code, 0) << submitted.error;
  // Go's protojson varies its white space on purpose.
  EXPECT_THAT(absl::StrReplaceAll(submitted.out, {{" ", ""}, {"\n", ""}}),
              HasSubstr("\"id\":\"total\",\"value\":5,"));
  ASSERT_OK_AND_ASSIGN(const auto stored, ListAssessments(deployment_, "ada"));
  EXPECT_THAT(stored, SizeIs(1));
}

TEST_F(ForeignClientTest, ReadsWhatIsWrong) {
  ASSERT_OK_AND_ASSIGN(const Finished refused,
                       Curl("episodes", "GetEpisode", R"({"name": "practices/p1/episodes/none"})",
                            deployment_.AsSystem().token));
  EXPECT_NE(refused.exit_code, 0);
  EXPECT_THAT(refused.error, HasSubstr("not_found"));
  ASSERT_OK_AND_ASSIGN(
      const Finished stranger,
      Curl("episodes", "GetEpisode", R"({"name": "practices/p1/episodes/none"})", "nonsense"));
  EXPECT_NE(stranger.exit_code, 0);
  EXPECT_THAT(stranger.error, HasSubstr("unauthenticated"));
}

}  // namespace
}  // namespace securebase::testing
