#include "services/outcomes/records/string_table.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace securebase::outcomes {
namespace {

TEST(StringTableTest, NumberZeroIsTheEmptyString) {
  StringTable table;
  EXPECT_EQ(table.Add(""), 0U);
  EXPECT_EQ(table.Find(""), 0U);
  EXPECT_EQ(table.Get(0), "");
}

TEST(StringTableTest, FindAddsNothing) {
  StringTable table;
  EXPECT_EQ(table.Find("a"), std::nullopt);
  const StringId a = table.Add("a");
  EXPECT_EQ(a, 1U);
  EXPECT_EQ(table.Find("a"), a);
  EXPECT_EQ(table.Add("b"), 2U) << "Find took no number";
}

// Short ones, ones as large as a block and larger, through many blocks and growths of the set: what
// was handed out stays where it is.
TEST(StringTableTest, KeepsEachStringOnceAndInPlace) {
  StringTable table;
  std::vector<std::string> texts;
  for (int i = 0; i < 3000; ++i) {
    texts.push_back(absl::StrCat("episode-", i));
  }
  for (const size_t size : {1023, 1024, 1025, 65535, 65536, 65537, 200000}) {
    texts.emplace_back(size, static_cast<char>('a' + size % 26));
  }
  std::vector<StringId> ids;
  std::vector<absl::string_view> places;
  for (const std::string& text : texts) {
    ids.push_back(table.Add(text));
    places.push_back(table.Get(ids.back()));
  }
  for (size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(table.Add(std::string(texts[i])), ids[i]);
    EXPECT_EQ(table.Get(ids[i]), texts[i]);
    EXPECT_EQ(places[i].data(), table.Get(ids[i]).data());
  }
}

}  // namespace
}  // namespace securebase::outcomes
