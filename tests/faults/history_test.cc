// The checker itself: it must accept what a register does and find what it cannot do.

#include "tests/faults/history.h"

#include <algorithm>
#include <functional>
#include <random>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace securebase::faults {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Event Write(int64_t begin, int64_t end, int64_t version, const std::string& value) {
  return {Event::Kind::kWrite, begin, end, version, value};
}
Event Read(int64_t begin, int64_t end, int64_t version, const std::string& value = "") {
  return {Event::Kind::kRead, begin, end, version, value};
}
Event Beyond(int64_t begin, int64_t end, int64_t version) {
  return {Event::Kind::kBeyond, begin, end, version, ""};
}

TEST(CheckRegisterTest, AcceptsWhatARegisterDoes) {
  EXPECT_THAT(CheckRegister({}), IsEmpty());
  EXPECT_THAT(CheckRegister({Read(1, 2, 0), Write(3, 4, 1, "a"), Read(5, 6, 1, "a"),
                             Write(7, 8, 2, "b"), Read(9, 10, 2, "b")}),
              IsEmpty());
  // While a write is under way, reads may see it or not, until one has.
  EXPECT_THAT(CheckRegister({Write(1, 10, 1, "a"), Read(2, 3, 0), Read(4, 5, 1, "a")}), IsEmpty());
  // A write that never returned, and was seen long after.
  EXPECT_THAT(CheckRegister({Write(1, INT64_MAX, 1, "a"), Read(2, 3, 0), Read(90, 91, 1, "a")}),
              IsEmpty());
  EXPECT_THAT(CheckRegister({Write(1, 2, 1, "a"), Write(3, 6, 2, "b"), Beyond(4, 5, 2)}),
              IsEmpty());
}

TEST(CheckRegisterTest, FindsAReadThatIsOlderThanWhatWasAcknowledged) {
  EXPECT_THAT(CheckRegister({Write(1, 2, 1, "a"), Read(3, 4, 0)}),
              ElementsAre("read of 0 [3,4] after write of 1=a [1,2]"));
}

TEST(CheckRegisterTest, FindsAReadThatIsOlderThanAnotherRead) {
  EXPECT_THAT(CheckRegister({Write(1, 10, 1, "a"), Read(2, 3, 1, "a"), Read(4, 5, 0)}),
              ElementsAre("read of 0 [4,5] after read of 1=a [2,3]"));
}

TEST(CheckRegisterTest, FindsALostUpdate) {
  EXPECT_THAT(CheckRegister({Write(1, 2, 1, "a"), Write(3, 4, 1, "b"), Read(5, 6, 1, "b")}),
              ElementsAre(HasSubstr("made twice"), HasSubstr("read of 1=b [5,6] is not the")));
}

TEST(CheckRegisterTest, FindsAnUndoneWrite) {
  EXPECT_THAT(CheckRegister({Write(1, 2, 1, "a"), Write(3, 4, 2, "b"), Write(5, 6, 2, "c")}),
              ElementsAre(HasSubstr("made twice")));
}

TEST(CheckRegisterTest, FindsAVersionThatNobodyMade) {
  EXPECT_THAT(CheckRegister({Write(1, 2, 1, "a"), Read(3, 4, 2, "b")}),
              ElementsAre("nobody made version 2"));
}

TEST(CheckRegisterTest, FindsAReadOfWhatWasWrittenLater) {
  EXPECT_THAT(CheckRegister({Read(1, 2, 1, "a"), Write(3, 4, 1, "a")}),
              ElementsAre("write of 1=a [3,4] after read of 1=a [1,2]"));
}

TEST(CheckRegisterTest, FindsAnotherValue) {
  EXPECT_THAT(CheckRegister({Write(1, 2, 1, "a"), Read(3, 4, 1, "x")}),
              ElementsAre("read of 1=x [3,4] is not the write of 1=a [1,2]"));
}

TEST(CheckRegisterTest, FindsWritesInAnotherOrderThanTheirVersions) {
  EXPECT_THAT(CheckRegister({Write(1, 2, 2, "b"), Write(3, 4, 1, "a")}),
              ElementsAre("write of 1=a [3,4] after write of 2=b [1,2]"));
}

TEST(CheckRegisterTest, FindsAConflictWithoutACause) {
  EXPECT_THAT(CheckRegister({Write(1, 2, 1, "a"), Beyond(3, 4, 2), Write(5, 6, 2, "b")}),
              ElementsAre("write of 2=b [5,6] after conflict beyond 2 [3,4]"));
  EXPECT_THAT(
      CheckRegister({Write(1, 9, 1, "a"), Write(2, 9, 2, "b"), Beyond(3, 4, 2), Read(5, 6, 1)}),
      ElementsAre("read of 1 [5,6] after conflict beyond 2 [3,4]"));
}

// Tries every order: what the checker must agree with.
bool IsLinearizable(const std::vector<Event>& events) {
  std::vector<bool> done(events.size());
  std::vector<std::string> values = {""};  // by version
  const std::function<bool(size_t)> search = [&](size_t left) {
    if (left == 0) {
      return true;
    }
    for (size_t i = 0; i < events.size(); ++i) {
      const Event& event = events[i];
      bool may = !done[i];
      for (size_t j = 0; j < events.size() && may; ++j) {
        may = done[j] || j == i || events[j].end >= event.begin;
      }
      const int64_t now = static_cast<int64_t>(values.size()) - 1;
      const bool is_write = event.kind == Event::Kind::kWrite;
      if (!may || (is_write && event.version != now + 1) ||
          (event.kind == Event::Kind::kRead &&
           (event.version != now || (!event.value.empty() && event.value != values.back()))) ||
          (event.kind == Event::Kind::kBeyond && event.version > now)) {
        continue;
      }
      done[i] = true;
      if (is_write) {
        values.push_back(event.value);
      }
      if (search(left - 1)) {
        return true;
      }
      if (is_write) {
        values.pop_back();
      }
      done[i] = false;
    }
    return false;
  };
  return search(events.size());
}

TEST(CheckRegisterTest, AgreesWithTryingEveryOrder) {
  std::mt19937_64 random(1);
  const auto pick = [&](int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random);
  };
  int linearizable = 0;
  for (int round = 0; round < 40'000; ++round) {
    // Calls of what a register does, each at one moment of its interval; then maybe some are
    // changed.
    std::vector<Event> events;
    int64_t version = 0;
    const int count = static_cast<int>(pick(1, 7));
    for (int i = 0; i < count; ++i) {
      const int64_t moment = 100 * (i + 1);
      const int64_t begin = moment - 1 - pick(0, 250);
      const int64_t end = moment + 1 + pick(0, 250);
      switch (pick(0, 2)) {
        case 0:
          ++version;
          events.push_back(Write(begin, end, version, absl::StrCat("v", version)));
          break;
        case 1:
          events.push_back(
              Read(begin, end, version, version == 0 ? "" : absl::StrCat("v", version)));
          break;
        default:
          events.push_back(Beyond(begin, end, pick(0, version)));
      }
    }
    for (int64_t change = pick(0, 3); change > 0; --change) {
      Event& event = events[static_cast<size_t>(pick(0, count - 1))];
      switch (pick(0, 3)) {
        case 0:
          event.version = std::max<int64_t>(event.kind == Event::Kind::kWrite ? 1 : 0,
                                            event.version + pick(-1, 1));
          break;
        case 1:
          event.value = absl::StrCat("v", pick(1, 3));
          break;
        case 2:
          event.begin += 300;
          event.end += 300;
          break;
        default:
          event.begin -= 300;
          event.end -= 300;
      }
    }
    const bool expected = IsLinearizable(events);
    linearizable += expected ? 1 : 0;
    ASSERT_EQ(CheckRegister(events).empty(), expected)
        << "round " << round << ": " << absl::StrJoin(CheckRegister(events), "; ");
  }
  // Both verdicts were frequent.
  EXPECT_GT(linearizable, 10'000);
  EXPECT_LT(linearizable, 30'000);
}

}  // namespace
}  // namespace securebase::faults
