#include "clients/cli/cli.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <regex>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "clients/cli/json_output.h"
#include "gmock/gmock.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "securebase/outcomes/v1/score.pb.h"
#include "tests/testing/golden.h"
#include "tests/testing/temporary_folder.h"

namespace securebase::cli {
namespace {

using ::securebase::testing::ExpectGolden;
using ::testing::HasSubstr;
using ::testing::Not;

struct Outcome {
  int code;
  std::string out;
  std::string err;
};

Outcome Execute(const std::vector<std::string>& arguments, bool colour = false) {
  std::ostringstream out;
  std::ostringstream err;
  Console console{out, err, colour, absl::OkStatus()};
  const int code = RunCli(arguments, console);
  return {code, out.str(), err.str()};
}

std::string Ok(const std::vector<std::string>& arguments, bool colour = false) {
  const Outcome outcome = Execute(arguments, colour);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  return outcome.out;
}

google::protobuf::Struct Json(const std::vector<std::string>& arguments) {
  google::protobuf::Struct json;
  const std::string text = Ok(arguments);
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(text, &json).ok()) << text;
  return json;
}

const std::vector<std::string> kSdq = {
    "score",       "sdq",    "--answers",    "1,0,2,1,1,2,1,0,1,2,1,0,1,,1,0,1,2,1,0,1,2,1,0,1",
    "--informant", "parent", "--age-months", "100"};

std::vector<std::string> With(std::vector<std::string> arguments,
                              const std::vector<std::string>& more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

TEST(CliTest, SaysItsVersion) {
  const std::string version = Ok({"--version"});
  EXPECT_TRUE(std::regex_match(version, std::regex("securebase [0-9]+[.][0-9]+[.][0-9]+\n")))
      << version;
}

TEST(CliTest, OutputForPeople) {
  ExpectGolden("cli/score-phq-9.txt", Ok({"score", "phq-9", "--answers", "2,2,2,2,2,2,1,0,"}));
  ExpectGolden("cli/score-phq-9-colour.txt",
               Ok({"score", "phq-9", "--answers", "2,2,2,2,2,2,1,0,1"}, true));
  ExpectGolden("cli/score-sdq.txt", Ok(kSdq));
  ExpectGolden("cli/score-itq.txt",
               Ok({"score", "itq", "--answers", "2,0,0,2,2,0,0,2,0,2,0,2,0,0,2,0,0,2"}));
  ExpectGolden("cli/change-phq-9.txt",
               Ok({"change", "phq-9", "--scale", "total", "--from", "18", "--to", "8"}));
  ExpectGolden("cli/change-core-10-named.txt",
               Ok({"change", "core-10", "--scale", "total", "--from", "10", "--to", "20",
                   "--policy", "jacobson-truax-95"}));
  ExpectGolden("cli/change-ecr-r.txt",
               Ok({"change", "ecr-r", "--scale", "anxiety", "--from", "5.5", "--to", "3"}));
  ExpectGolden("cli/catalogue-list.txt", Ok({"catalogue", "list"}));
  ExpectGolden("cli/catalogue-show-core-10.txt", Ok({"catalogue", "show", "core-10"}));
  ExpectGolden("cli/help.txt", Ok({"--help"}));
  ExpectGolden("cli/help-score.txt", Ok({"score", "--help"}));
}

TEST(CliTest, OutputForPrograms) {
  ExpectGolden("cli/score-sdq.json", Ok(With(kSdq, {"--output", "json"})));
  ExpectGolden("cli/score-core-10.json",
               Ok({"score", "core-10", "--answers", "1,2,3,0,1,2,1,,1,0", "--output", "json"}));
  ExpectGolden("cli/change-phq-9.json", Ok({"change", "phq-9", "--scale", "total", "--from", "18",
                                            "--to", "8", "--output", "json"}));
  ExpectGolden("cli/change-ecr-r.json", Ok({"change", "ecr-r", "--scale", "anxiety", "--from",
                                            "5.5", "--to", "3", "--output", "json"}));
  ExpectGolden("cli/catalogue-list.json", Ok({"catalogue", "list", "--output", "json"}));
  ExpectGolden("cli/catalogue-show-rfq-8.json",
               Ok({"catalogue", "show", "rfq-8", "--output", "json"}));
}

TEST(CliTest, ScoreJsonHasPlainNumbersAndNulls) {
  const auto scored = Json({"score", "gad-7", "--answers", "1,2,3,0,1,2,3", "--output", "json"});
  const auto& total = scored.fields().at("scales").list_value().values(0).struct_value().fields();
  EXPECT_EQ(total.at("id").string_value(), "total");
  EXPECT_EQ(total.at("value").number_value(), 12);
  EXPECT_EQ(total.at("status").string_value(), "SCORED");
  EXPECT_TRUE(total.at("reason").has_null_value());
  EXPECT_EQ(total.at("band").string_value(), "moderate");
  const auto gap = Json({"score", "gad-7", "--answers", "1,2,3,0,1,2,", "--output", "json"});
  const auto& none = gap.fields().at("scales").list_value().values(0).struct_value().fields();
  EXPECT_TRUE(none.at("value").has_null_value());
  EXPECT_EQ(none.at("status").string_value(), "UNSCORABLE");
  EXPECT_NE(none.at("reason").string_value(), "");
  EXPECT_TRUE(none.at("band").has_null_value());
}

TEST(CliTest, AnswersMayBeAllEmptyOrNotApplicable) {
  EXPECT_THAT(Ok({"score", "phq-9", "--answers", ",,,,,,,,"}), HasSubstr("nothing is answered"));
  EXPECT_THAT(Ok({"score", "kpcs", "--answers", "na,3,3,3,3,3,3,3,na,3,3,3,3,3,3"}),
              HasSubstr("43"));
  EXPECT_THAT(Ok({"score", "phq-9", "--answers", "1,1,1,1,1,1,1,1,1,2"}), HasSubstr("9 "));
  EXPECT_THAT(Ok({"score", "RSES", "--answers", "4,4,4,4,1,1,4,1,1,4", "--coding", "one-to-four"}),
              HasSubstr("total"));
}

// Bad input: exit code 2 and one line that says what is wrong, nothing on standard output.
TEST(CliTest, BadInputIsOneClearLine) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{}, "\"securebase\" needs a command (securebase --help explains)"},
      {{"score"}, "instrument"},
      {{"socre"}, "there is no command \"securebase socre\"; did you mean \"score\"?"},
      {{"catalogue", "shw"}, "no command \"securebase catalogue shw\"; did you mean \"show\"?"},
      {{"catalogue", "unlike"}, "\"securebase catalogue unlike\" (securebase catalogue --help"},
      {{"score", "phq-9", "--answer", "1"}, "has no flag --answer; did you mean \"--answers\"?"},
      {{"score", "phq-9", "--answers", "1", "--zzz=secret"}, "has no flag --zzz (securebase score"},
      {{"score", "phq-99", "--answers", "1"},
       "there is no instrument \"phq-99\"; did you mean \"phq-9\"?"},
      {{"score", "phq9", "--answers", "1"},
       "no instrument \"phq9\"; did you mean \"phq-9\"? `securebase catalogue list`"},
      {{"score", "zzzzzz", "--answers", "1"}, "no instrument \"zzzzzz\"; `securebase catalogue"},
      {{"score", "phq-9"}, "--answers"},
      {{"score", "phq-9", "--answers", "1,2"}, "PHQ-9 has 10 items (9 scored), but 2 places"},
      {{"score", "phq-9", "--answers", "4,0,0,0,0,0,0,0,0"},
       "answers[0].value: item 1 takes whole numbers from 0 to 3"},
      {{"score", "phq-9", "--answers", "4,4,4,4,4,0,0,0,0"},
       "and 2 more: answers[3].value: item 4 takes whole numbers from 0 to 3; answers[4].value"},
      {{"score", "phq-9", "--answers", "x,0,0,0,0,0,0,0,0"}, "item 1 takes a whole number"},
      {{"score", "phq-9", "--answers", "0x1,0,0,0,0,0,0,0,0"}, "item 1 takes a whole number"},
      {{"score", "phq-9", "--answers", "inf,0,0,0,0,0,0,0,0"}, "item 1 takes a whole number"},
      {{"score", "phq-9", "--answers", "1.5,0,0,0,0,0,0,0,0"}, "whole numbers from 0 to 3"},
      {{"score", "phq-9", "--answers", "na,0,0,0,0,0,0,0,0"}, "no such option"},
      {{"score", "sdq", "--answers", ",", "--informant", "aunt"}, "parent, teacher, self"},
      {{"score", "phq-9", "--answers", "0,0,0,0,0,0,0,0,0", "--coding", "x"}, "no other coding"},
      {{"score", "phq-9", "--answers", "0,0,0,0,0,0,0,0,0", "--age-months", "-1"}, "--age-months"},
      {{"score", "phq-9", "--answers", "0,0,0,0,0,0,0,0,0", "--output", "xml"}, "--output"},
      {{"change", "phq-9", "--scale", "total", "--from", "28", "--to", "1"},
       "the scale runs from 0 to 27"},
      {{"change", "phq-9", "--scale", "total", "--from", "x", "--to", "1"}, "--from"},
      {{"change", "phq-9", "--scale", "total", "--from", "nan", "--to", "1"}, "from 0 to 27"},
      {{"change", "phq-9", "--scale", "mood", "--from", "2", "--to", "1"}, "known: total"},
      {{"change", "phq-9", "--scale", "total", "--from", "2", "--to", "1", "--policy", "x"},
       "known: nhs-talking-therapies, jacobson-truax-95"},
      {{"catalogue"}, "\"securebase catalogue\" needs a command: list, show"},
      {{"catalogue", "show", "phq-99"}, "catalogue list"}};
  for (const auto& [arguments, message] : cases) {
    const Outcome outcome = Execute(arguments);
    EXPECT_EQ(outcome.code, 2) << message;
    EXPECT_EQ(outcome.out, "") << message;
    EXPECT_THAT(outcome.err, HasSubstr(message));
    EXPECT_TRUE(absl::StartsWith(outcome.err, "securebase: ")) << outcome.err;
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  }
}

class CheckTest : public ::testing::Test {
 protected:
  // Runs `catalogue check` on the example of the documentation after a replacement.
  Outcome Check(const std::string& name, const std::string& from, const std::string& to) {
    const std::string text = testing::ReadRepositoryFile("docs/clinical/own-closeness.textproto");
    EXPECT_THAT(text, HasSubstr(from));
    file_ = folder_.Write(name, absl::StrReplaceAll(text, {{from, to}}));
    return Execute({"catalogue", "check", file_});
  }
  testing::TemporaryFolder folder_;
  std::string file_;
};

TEST_F(CheckTest, TheExampleCanBeUsed) {
  const Outcome outcome = Check("own.textproto", "version: 1", "version: 1");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, file_ + ": own-closeness version 1 can be used: 4 items, 1 scale\n");
}

TEST_F(CheckTest, WhatIsWrongHasItsLineAndField) {
  Outcome outcome = Check("own.textproto", "  reversed: \"3\"", "  reversed: \"7\"");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, HasSubstr(file_ + ":31: scales[0].reversed[0] is not on the scale"));
  outcome = Check("own.textproto", "\"Closeness\"", "\"PHQ-9\"");
  EXPECT_THAT(outcome.err, HasSubstr(":10: abbreviation is that of the built-in instrument phq-9"));
  outcome = Check("own.textproto", "\"Closeness\"", "\"" + std::string(41, 'x') + "\"");
  EXPECT_THAT(outcome.err, HasSubstr(":10: abbreviation must be at most 40 characters"));
  outcome = Check("own.textproto", "version: 1", "version: one");
  EXPECT_THAT(outcome.err, HasSubstr(file_ + ":8: column 10"));
  outcome = Execute({"catalogue", "check", folder_.PathOf("nothing")});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("cannot read"));
}

TEST_F(CheckTest, JsonIsTakenToo) {
  const std::string file = folder_.Write("own.json", "{\"id\": \"own-x\", \"version\": 1}");
  const Outcome outcome = Execute({"catalogue", "check", file});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("items: must have at least 1 element"));
  EXPECT_THAT(outcome.err, HasSubstr("title: must be set"));
}

TEST(CliTest, OutputThatIsLostIsAnError) {
  std::ostringstream said;
  const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(full, 0);
  std::ofstream disk("/dev/full");
  disk << "a table";
  EXPECT_EQ(FinishOutput(disk, full, said, 0), 1);
  EXPECT_THAT(said.str(), HasSubstr("could not be written"));
  close(full);

  said.str("");
  std::ostringstream good;
  EXPECT_EQ(FinishOutput(good, STDOUT_FILENO, said, 2), 2);
  // A reader that has gone away.
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  close(ends[0]);
  std::ostringstream broken;
  broken.setstate(std::ios::badbit);
  EXPECT_EQ(FinishOutput(broken, ends[1], said, 0), 0);
  close(ends[1]);
  EXPECT_EQ(said.str(), "");
}

TEST(CliTest, ColoursOnlyWhereAsked) {
  EXPECT_THAT(Ok({"catalogue", "list"}), Not(HasSubstr("\x1b[")));
  EXPECT_THAT(Ok({"catalogue", "list"}, true), HasSubstr("\x1b["));
}

TEST(JsonOutputTest, NestsAndEscapes) {
  JsonOutput json;
  json.BeginObject();
  json.Key("a\"b");
  json.BeginArray();
  json.Number(0.1 + 0.2);
  json.Number(1e21);
  json.String("");
  json.String("ü\n");
  json.Bool(true);
  json.BeginObject();
  json.EndObject();
  json.EndArray();
  json.EndObject();
  EXPECT_EQ(json.Finish(),
            "{\n  \"a\\\"b\": [\n    0.3,\n    1e+21,\n    null,\n    \"ü\\n\",\n    true,\n    "
            "{}\n  ]\n}\n");
}

TEST(JsonOutputTest, EnumsLoseTheirPrefix) {
  EXPECT_EQ(EnumWord(outcomes::v1::ScaleStatus_descriptor(), outcomes::v1::SCALE_STATUS_SCORED),
            "SCORED");
  EXPECT_EQ(EnumWord(outcomes::v1::CutOffMethod_descriptor(), outcomes::v1::CUT_OFF_METHOD_B), "B");
  EXPECT_EQ(EnumWord(outcomes::v1::CutOffMethod_descriptor(), 0), "");
  EXPECT_EQ(EnumWord(outcomes::v1::CutOffMethod_descriptor(), 77), "");
}

}  // namespace
}  // namespace securebase::cli
