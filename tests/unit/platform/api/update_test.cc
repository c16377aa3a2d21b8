#include "services/platform/api/update.h"

#include <string>

#include "absl/strings/str_split.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/message_differencer.h"
#include "securebase/testing/v1/notes.pb.h"
#include "services/platform/base/error.h"
#include "tests/testing/status_matchers.h"

namespace securebase::api {
namespace {

using ::google::protobuf::FieldMask;
using ::google::protobuf::TextFormat;
using ::google::protobuf::util::MessageDifferencer;
using ::securebase::testing::HasViolation;
using ::securebase::testing::IsError;
using ::securebase::testing::v1::Note;

Note Parse(const std::string& text) {
  Note note;
  EXPECT_TRUE(TextFormat::ParseFromString(text, &note)) << text;
  return note;
}

constexpr char kStored[] = R"pb(
  name: "practices/p1/notes/n1"
  etag: "v3"
  create_time { seconds: 5 }
  text: "old"
  colour: COLOUR_RED
  episode: "practices/p1/episodes/e1"
  answers { item: "a" value: 1 }
  details { summary: "s" computed: "c" origin: "o" }
  score: 1
)pb";

// What is stored after `changes` were merged with `mask` (paths separated by spaces).
std::string Merged(const std::string& changes, const std::string& mask) {
  Note stored = Parse(kStored);
  FieldMask paths;
  for (absl::string_view path : absl::StrSplit(mask, ' ', absl::SkipEmpty())) {
    paths.add_paths(std::string(path));
  }
  EXPECT_OK(MergeUpdate(paths, Parse(changes), "note", stored));
  // Only what differs from before, so that a test reads well.
  std::string report;
  MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&report);
  differencer.Compare(Parse(kStored), stored);
  return report;
}

absl::Status Refused(const std::string& changes, const std::string& mask) {
  Note stored = Parse(kStored);
  FieldMask paths;
  for (absl::string_view path : absl::StrSplit(mask, ' ', absl::SkipEmpty())) {
    paths.add_paths(std::string(path));
  }
  absl::Status status = MergeUpdate(paths, Parse(changes), "note", stored);
  EXPECT_TRUE(MessageDifferencer::Equals(Parse(kStored), stored)) << "a refusal changed something";
  return status;
}

TEST(MergeUpdateTest, OnlyNamedFieldsChange) {
  EXPECT_EQ(Merged("text: 'new' colour: COLOUR_BLUE", "text"),
            "modified: text: \"old\" -> \"new\"\n");
}

TEST(MergeUpdateTest, ANamedFieldThatIsUnsetIsCleared) {
  EXPECT_EQ(Merged("", "text score"), "deleted: text: \"old\"\ndeleted: score: 1\n");
}

TEST(MergeUpdateTest, AnEmptyMaskMeansWhatIsSet) {
  EXPECT_EQ(Merged("text: 'new' answers { item: 'b' }", ""),
            "modified: text: \"old\" -> \"new\"\n"
            "modified: answers[0].item: \"a\" -> \"b\"\ndeleted: answers[0].value: 1\n");
  EXPECT_EQ(Merged("", ""), "");
}

TEST(MergeUpdateTest, RepeatedFieldsAreReplaced) {
  EXPECT_EQ(Merged("answers { item: 'a' value: 1 } answers { item: 'b' }", "answers"),
            "added: answers[1]: { item: \"b\" }\n");
}

TEST(MergeUpdateTest, AStarReplacesEverythingThatMayChange) {
  EXPECT_EQ(Merged("text: 'new' name: 'x' etag: 'y' create_time { seconds: 9 }", "*"),
            "modified: text: \"old\" -> \"new\"\n"
            "deleted: colour: COLOUR_RED\n"
            "deleted: answers[0]: { item: \"a\" value: 1 }\n"
            "deleted: details: { summary: \"s\" computed: \"c\" origin: \"o\" }\n"
            "deleted: score: 1\n");
}

TEST(MergeUpdateTest, OutputOnlyNameAndEtagAreIgnored) {
  EXPECT_EQ(Merged("name: 'x' etag: 'y' create_time { seconds: 9 }",
                   "name etag create_time create_time.seconds"),
            "");
}

TEST(MergeUpdateTest, AReplacedMessageKeepsItsOutputOnlyFields) {
  EXPECT_EQ(Merged("details { summary: 't' computed: 'forged' }", "details"),
            "modified: details.summary: \"s\" -> \"t\"\n");
  EXPECT_EQ(Merged("details { summary: 't' }", "details.summary"),
            "modified: details.summary: \"s\" -> \"t\"\n");
}

TEST(MergeUpdateTest, ImmutableFieldsAreLeftOrRefused) {
  EXPECT_EQ(Merged("episode: 'practices/p1/episodes/e1' text: 'new'", ""),
            "modified: text: \"old\" -> \"new\"\n");
  for (const char* mask : {"episode", "", "*"}) {
    EXPECT_THAT(Refused("episode: 'practices/p1/episodes/e2' text: 'new'", mask),
                HasViolation("note.episode"))
        << mask;
  }
  EXPECT_THAT(Refused("", "episode"), HasViolation("note.episode"));
  EXPECT_THAT(Refused("details { origin: 'p' }", "details.origin"),
              HasViolation("note.details.origin"));
  EXPECT_THAT(Refused("details { origin: 'p' }", "details"), HasViolation("note.details.origin"));
}

TEST(MergeUpdateTest, PathsThatNameNothingAreRefusedAllAtOnce) {
  const absl::Status status =
      Refused("text: 'new'", "text nothing answers.item text.length details.x *");
  EXPECT_THAT(status, IsError(absl::StatusCode::kInvalidArgument, Reason::kInvalidFields));
  for (const char* field : {"update_mask.paths[1]", "update_mask.paths[2]", "update_mask.paths[3]",
                            "update_mask.paths[4]", "update_mask.paths[5]"}) {
    EXPECT_THAT(status, HasViolation(field));
  }
  EXPECT_EQ(ViolationsOf(status).size(), 5U);
}

TEST(EtagTest, MatchesItsVersionOnly) {
  EXPECT_OK(CheckEtag("practices/p1/notes/n1", MakeEtag(3), MakeEtag(3)));
  EXPECT_OK(CheckEtag("practices/p1/notes/n1", "", MakeEtag(3)));
  EXPECT_OK(CheckEtag("practices/p1/notes/n1", "*", MakeEtag(3)));
  EXPECT_THAT(CheckEtag("practices/p1/notes/n1", MakeEtag(2), MakeEtag(3)),
              IsError(absl::StatusCode::kAborted, Reason::kEtagMismatch));
}

}  // namespace
}  // namespace securebase::api
