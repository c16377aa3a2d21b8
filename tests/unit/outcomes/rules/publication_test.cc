#include "services/outcomes/rules/publication.h"

#include "absl/strings/str_format.h"
#include "services/platform/base/error.h"
#include "tests/testing/golden.h"
#include "tests/testing/status_matchers.h"

namespace securebase::outcomes {
namespace {

using securebase::testing::IsError;

constexpr auto kDraft = v1::PUBLICATION_STATUS_DRAFT;
constexpr auto kActive = v1::PUBLICATION_STATUS_ACTIVE;
constexpr auto kRetired = v1::PUBLICATION_STATUS_RETIRED;

TEST(PublicationTest, TransitionsAreTheseAndNoOthers) {
  std::string table = absl::StrFormat("%-9s DRAFT ACTIVE RETIRED\n", "from \\ to");
  for (const auto from : {kDraft, kActive, kRetired}) {
    absl::StrAppendFormat(&table, "%-9s", StatusWord(from));
    for (const auto to : {kDraft, kActive, kRetired}) {
      absl::StrAppendFormat(&table, " %*s", StatusWord(to).size(),
                            CheckTransition(from, to, {}).ok() ? "yes" : "-");
    }
    table += "\n";
  }
  securebase::testing::ExpectGolden("outcomes/publication_transitions.txt", table);
}

TEST(PublicationTest, ARefusalNamesWhatIsAllowed) {
  const absl::Status status = CheckTransition(kActive, kDraft, {});
  EXPECT_THAT(status,
              IsError(absl::StatusCode::kFailedPrecondition, Reason::kTransitionNotAllowed));
  EXPECT_EQ(MetadataOf(status)["state"], "ACTIVE");
  EXPECT_EQ(MetadataOf(status)["allowed"], "RETIRED");
}

TEST(PublicationTest, ChangesAreLimited) {
  PublicationChanges changes;
  type::v1::Actor actor;
  for (int i = 0; i < kMaxPublicationChanges - 1; ++i) {
    AddChange(i % 2 == 0 ? kDraft : kActive, absl::FromUnixSeconds(i), actor, "", changes);
  }
  EXPECT_OK(CheckTransition(kActive, kRetired, changes));
  AddChange(kRetired, absl::FromUnixSeconds(100), actor, "", changes);
  EXPECT_THAT(CheckTransition(kRetired, kActive, changes),
              IsError(absl::StatusCode::kFailedPrecondition, Reason::kLimitExceeded));
}

TEST(PublicationTest, TheStatusOfAnyTimeIsThatOfTheLastChangeBeforeIt) {
  PublicationChanges changes;
  type::v1::Actor actor;
  AddChange(kDraft, absl::FromUnixSeconds(10), actor, "", changes);
  AddChange(kActive, absl::FromUnixSeconds(20), actor, "", changes);
  AddChange(kRetired, absl::FromUnixSeconds(30), actor, "", changes);
  EXPECT_EQ(StatusAt(changes, absl::FromUnixSeconds(9)), v1::PUBLICATION_STATUS_UNSPECIFIED);
  EXPECT_EQ(StatusAt(changes, absl::FromUnixSeconds(10)), kDraft);
  EXPECT_EQ(StatusAt(changes, absl::FromUnixSeconds(20)), kActive);
  EXPECT_EQ(StatusAt(changes, absl::FromUnixMicros(29'999'999)), kActive);
  EXPECT_EQ(StatusAt(changes, absl::FromUnixSeconds(30)), kRetired);
}

}  // namespace
}  // namespace securebase::outcomes
