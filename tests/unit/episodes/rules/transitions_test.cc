#include "services/episodes/rules/transitions.h"

#include "absl/strings/str_format.h"
#include "services/platform/base/error.h"
#include "tests/testing/golden.h"
#include "tests/testing/status_matchers.h"

namespace securebase::episodes {
namespace {

std::vector<v1::EpisodeStatus> AllStatuses() {
  std::vector<v1::EpisodeStatus> all;
  for (int number = 1; v1::EpisodeStatus_IsValid(number); ++number) {
    all.push_back(static_cast<v1::EpisodeStatus>(number));
  }
  return all;
}

TEST(EpisodeTransitions, AreTheseAndNoOthers) {
  std::string table = absl::StrFormat("%-17s", "from \\ to");
  for (const v1::EpisodeStatus to : AllStatuses()) {
    absl::StrAppend(&table, " ", StatusWord(to));
  }
  for (const v1::EpisodeStatus from : AllStatuses()) {
    absl::StrAppendFormat(&table, "\n%-17s", StatusWord(from));
    for (const v1::EpisodeStatus to : AllStatuses()) {
      absl::StrAppendFormat(&table, " %*s", StatusWord(to).size(),
                            CanTransition(from, to) ? "yes" : "-");
    }
  }
  table += "\n";
  testing::ExpectGolden("episode_transitions.txt", table);
}

TEST(EpisodeTransitions, AnErrorNamesWhatIsAllowed) {
  const absl::Status status =
      CheckTransition(v1::EPISODE_STATUS_PLANNED, v1::EPISODE_STATUS_FINISHED);
  EXPECT_THAT(status, testing::IsError(absl::StatusCode::kFailedPrecondition,
                                       Reason::kTransitionNotAllowed));
  EXPECT_EQ(MetadataOf(status)["state"], "PLANNED");
  EXPECT_EQ(MetadataOf(status)["allowed"], "ACTIVE, CANCELLED, ENTERED_IN_ERROR");
}

TEST(EpisodeTransitions, EveryStatusIsOpenClosedOrInError) {
  for (const v1::EpisodeStatus status : AllStatuses()) {
    const int count = (IsOpen(status) ? 1 : 0) + (IsClosed(status) ? 1 : 0) +
                      (status == v1::EPISODE_STATUS_ENTERED_IN_ERROR ? 1 : 0);
    EXPECT_EQ(count, 1) << StatusWord(status);
  }
}

}  // namespace
}  // namespace securebase::episodes
