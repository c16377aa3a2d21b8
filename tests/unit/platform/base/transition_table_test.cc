#include "services/platform/base/transition_table.h"

#include "gmock/gmock.h"
#include "tests/testing/status_matchers.h"

namespace securebase {
namespace {

using ::securebase::testing::IsError;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

enum class Light { kRed, kGreen, kBroken };

std::string Word(Light light) {
  return light == Light::kRed ? "RED" : light == Light::kGreen ? "GREEN" : "BROKEN";
}

const TransitionTable<Light>& Table() {
  static const auto* const kTable =
      new TransitionTable<Light>(Word, {{Light::kRed, {Light::kGreen, Light::kBroken}},
                                        {Light::kGreen, {Light::kRed, Light::kBroken}}});
  return *kTable;
}

TEST(TransitionTableTest, OnlyWhatIsInTheTableIsAllowed) {
  EXPECT_THAT(Table().From(Light::kRed), ElementsAre(Light::kGreen, Light::kBroken));
  EXPECT_THAT(Table().From(Light::kBroken), IsEmpty());
  EXPECT_TRUE(Table().Allows(Light::kRed, Light::kGreen));
  EXPECT_FALSE(Table().Allows(Light::kRed, Light::kRed)) << "a state does not lead to itself";
  EXPECT_FALSE(Table().Allows(Light::kBroken, Light::kRed));
  EXPECT_OK(Table().Check(Light::kGreen, Light::kBroken));
}

TEST(TransitionTableTest, ARefusalIsASentenceAndNamesWhatIsAllowed) {
  const absl::Status refused = Table().Check(Light::kGreen, Light::kGreen);
  EXPECT_THAT(refused,
              IsError(absl::StatusCode::kFailedPrecondition, Reason::kTransitionNotAllowed));
  EXPECT_EQ(refused.message(), "cannot become GREEN from state GREEN; allowed: RED, BROKEN");
  EXPECT_EQ(MetadataOf(refused)["state"], "GREEN");
  EXPECT_EQ(MetadataOf(refused)["allowed"], "RED, BROKEN");
  EXPECT_EQ(Table().Check(Light::kBroken, Light::kRed).message(),
            "cannot become RED from state BROKEN; allowed: none");
}

}  // namespace
}  // namespace securebase
