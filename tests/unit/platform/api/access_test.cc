#include "services/platform/api/access.h"

#include <string>

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace securebase::api {
namespace {

using type::v1::AccessView;

AccessView Parse(const std::string& text) {
  AccessView view;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &view)) << text;
  return view;
}

TEST(MaySeeTest, AnEmptyViewSeesNothing) {
  EXPECT_FALSE(MaySee(AccessView(), "e1", {}));
  EXPECT_FALSE(MaySee(AccessView(), "", {}));
}

TEST(MaySeeTest, APracticeWideViewSeesEverything) {
  const AccessView view = Parse("practice_wide: true");
  EXPECT_TRUE(MaySee(view, "e1", {"anna"}));
  EXPECT_TRUE(MaySee(view, "", {}));
}

TEST(MaySeeTest, OnlyTheEpisodesOfTheView) {
  const AccessView view = Parse(
      "episodes { episode: 'e1' all_subjects: true } "
      "episodes { episode: 'e3' all_subjects: true }");
  EXPECT_TRUE(MaySee(view, "e1", {"anna"}));
  EXPECT_FALSE(MaySee(view, "e2", {"anna"}));
  EXPECT_TRUE(MaySee(view, "e3", {}));
  EXPECT_FALSE(MaySee(view, "e4", {}));
}

TEST(MaySeeTest, EverySubjectOfTheRecordMustBeVisible) {
  const AccessView view = Parse("episodes { episode: 'e1' subjects: 'anna' subjects: 'ben' }");
  EXPECT_TRUE(MaySee(view, "e1", {"anna"}));
  EXPECT_TRUE(MaySee(view, "e1", {"ben", "anna"}));
  EXPECT_FALSE(MaySee(view, "e1", {"anna", "cleo"}));
  EXPECT_TRUE(MaySee(view, "e1", {}));
}

TEST(MaySeeTest, RecordsWithoutEpisodeAreThePractices) {
  EXPECT_TRUE(MaySee(Parse("practice_records: true"), "", {}));
  EXPECT_FALSE(MaySee(Parse("practice_records: true"), "e1", {}));
  EXPECT_FALSE(MaySee(Parse("episodes { episode: 'e1' all_subjects: true }"), "", {}));
}

TEST(IsCurrentTest, EndsAtItsExpireTime) {
  const AccessView view = Parse("expire_time { seconds: 100 nanos: 5 }");
  EXPECT_TRUE(IsCurrent(view, absl::FromUnixSeconds(100)));
  EXPECT_FALSE(IsCurrent(view, absl::FromUnixSeconds(100) + absl::Nanoseconds(5)));
  EXPECT_TRUE(IsCurrent(AccessView(), absl::InfiniteFuture()));
}

}  // namespace
}  // namespace securebase::api
