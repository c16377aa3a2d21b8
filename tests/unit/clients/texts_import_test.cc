#include "clients/cli/online/texts_import.h"

#include <sstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/platform/base/error.h"
#include "tests/testing/status_matchers.h"

namespace securebase::cli {
namespace {

using ::securebase::testing::HasViolation;

absl::StatusOr<outcomes::v1::ImportInstrumentTextsRequest> Read(
    const std::string& text, ImportFormat format = ImportFormat::kCsv) {
  std::istringstream in(text);
  return ReadTexts(in, format, "texts", "our own");
}

TEST(ReadTextsTest, TakesLanguagesItemsAnswersAndWhatStandsAround) {
  const auto request = Read(
      "\xEF\xBB\xBFlanguage,part,id,text\r\n"
      "en,title,,How close\r\n"
      "en,instructions,,\"This week, in your own words\"\r\n"
      "en,item,1,Item one\r\n"
      "de,item,1,Punkt eins\r\n"
      "\r\n"
      "en,answer,0,never\r\n");
  ASSERT_OK(request);
  ASSERT_EQ(request->texts_size(), 2);
  const outcomes::v1::InstrumentTexts& english = request->texts(0);
  EXPECT_EQ(english.language(), "en");
  EXPECT_EQ(english.title(), "How close");
  EXPECT_EQ(english.instructions(), "This week, in your own words");
  EXPECT_EQ(english.items(0).text(), "Item one");
  EXPECT_EQ(english.answers(0).text(), "never");
  EXPECT_EQ(english.licence_statement(), "our own");
  EXPECT_EQ(request->texts(1).language(), "de");
}

TEST(ReadTextsTest, EveryWrongLineIsNamed) {
  const auto refused = Read(
      "language,part,id,text\n"
      "en,item,1,Item one\n"
      "en,poem,1,Item one\n"
      "en,answer,never,0\n"
      "en,item,1\n");
  EXPECT_THAT(refused, HasViolation("texts:3"));
  EXPECT_THAT(refused, HasViolation("texts:4"));
  EXPECT_THAT(refused, HasViolation("texts:5"));
  EXPECT_THAT(Read("item,text\n1,x\n"), HasViolation("texts:1"));
  EXPECT_THAT(Read("language,part,id,text\n"), HasViolation("texts"));
  EXPECT_THAT(Read("language,part,id,text\nen,item,1,\"never closed\n"), HasViolation("texts:2"));
}

TEST(ReadTextsTest, LinesOfJsonSayTheirOwnLicence) {
  const auto request = Read(
      "{\"language\": \"en\", \"licenceStatement\": \"permission 7\", \"items\": [{\"item\": "
      "\"1\", "
      "\"text\": \"Item one\"}]}\n\n",
      ImportFormat::kNdjson);
  ASSERT_OK(request);
  ASSERT_EQ(request->texts_size(), 1);
  EXPECT_EQ(request->texts(0).licence_statement(), "permission 7");
  EXPECT_THAT(Read("{\"language\": 1}\n{nonsense\n", ImportFormat::kNdjson),
              HasViolation("texts:2"));
}

}  // namespace
}  // namespace securebase::cli
