#include "services/outcomes/rules/language.h"

#include "gtest/gtest.h"

namespace securebase::outcomes {
namespace {

TEST(LanguageTest, TagsAreFormedAsRfc5646Says) {
  for (const char* tag :
       {"de", "pt-BR", "zh-Hant-TW", "es-419", "sl-rozaj-biske", "en-a-bbb-x-a"}) {
    EXPECT_TRUE(IsLanguageTag(tag)) << tag;
  }
  for (const char* tag :
       {"", "d", "en_GB", "klingon!", "en-", "-en", "en--GB", "languages9", "en-toolonga1"}) {
    EXPECT_FALSE(IsLanguageTag(tag)) << tag;
  }
}

TEST(LanguageTest, EqualTagsAreWrittenAlike) {
  EXPECT_EQ(CanonicalLanguage("DE"), "de");
  EXPECT_EQ(CanonicalLanguage("EN-us"), "en-US");
  EXPECT_EQ(CanonicalLanguage("ZH-HANT-tw"), "zh-Hant-TW");
  EXPECT_EQ(CanonicalLanguage("Sl-Rozaj-IT"), "sl-rozaj-IT");
  EXPECT_EQ(CanonicalLanguage("en-CA-X-CA-Some"), "en-CA-x-ca-some");
}

}  // namespace
}  // namespace securebase::outcomes
