#include "services/platform/api/request_rules.h"

#include <cmath>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/dynamic_message.h"
#include "google/protobuf/text_format.h"
#include "securebase/options/v1/options.pb.h"
#include "securebase/testing/v1/notes_service.pb.h"
#include "services/platform/base/error.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"

namespace securebase::api {
namespace {

using ::google::protobuf::TextFormat;
using ::securebase::testing::FakeClock;
using ::securebase::testing::HasViolation;
using ::securebase::testing::IsError;
using ::securebase::testing::v1::CreateNoteRequest;
using ::securebase::testing::v1::Note;
using ::securebase::testing::v1::UpdateNoteRequest;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const absl::Time kNow = FakeClock().Now();

template <typename T>
T Parse(const std::string& text) {
  T message;
  EXPECT_TRUE(TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

CreateNoteRequest GoodRequest() {
  return Parse<CreateNoteRequest>(R"pb(
    parent: "practices/p1"
    note { text: "hello" tags: "a" episode: "practices/p1/episodes/e1" }
  )pb");
}

// The paths that Validate complains about when `text` is merged over a good request's note.
std::vector<std::string> Fields(const std::string& text) {
  CreateNoteRequest request = GoodRequest();
  EXPECT_TRUE(TextFormat::MergeFromString(text, request.mutable_note())) << text;
  std::vector<std::string> fields;
  for (const FieldViolation& violation : ViolationsOf(ValidateRequest(request, "p1", kNow))) {
    fields.push_back(violation.field);
  }
  return fields;
}

std::string Describe(const google::protobuf::Message& request, const std::string& field) {
  for (const FieldViolation& violation : ViolationsOf(ValidateRequest(request, "p1", kNow))) {
    if (violation.field == field) {
      return violation.description;
    }
  }
  return "";
}

TEST(ValidateTest, AGoodRequestPasses) { EXPECT_OK(ValidateRequest(GoodRequest(), "p1", kNow)); }

TEST(ValidateTest, ReportsEveryViolationAtOnceByPath) {
  const auto request = Parse<CreateNoteRequest>(R"pb(
    note {
      text: "far too long a text"
      tags: "a"
      answers { item: "q1" value: 1 }
      answers { value: 4 }
      details {}
    }
    request_id: "not an id"
  )pb");
  const absl::Status status = ValidateRequest(request, "p1", kNow);
  EXPECT_THAT(status, IsError(absl::StatusCode::kInvalidArgument, Reason::kInvalidFields));
  EXPECT_THAT(ViolationsOf(status),
              ElementsAre(FieldViolation{"parent", "is required"},
                          FieldViolation{"note.text", "must be at most 10 characters long"},
                          FieldViolation{"note.answers[1].item", "is required"},
                          FieldViolation{"note.answers[1].value", "must be between 0 and 3"},
                          FieldViolation{"note.details.summary", "is required"},
                          FieldViolation{"request_id",
                                         "must be an id of 1 to 63 characters of A-Z a-z 0-9 . _ "
                                         "-"}));
}

TEST(ValidateTest, ViolationsNeverRepeatTheValue) {
  CreateNoteRequest request = GoodRequest();
  request.mutable_note()->set_text("Jane Doe hit her child");
  (*request.mutable_note()->mutable_by_key())["Jane Doe"].set_value(9);
  request.mutable_note()->set_episode("practices/p1/episodes/Jane Doe");
  const absl::Status status = ValidateRequest(request, "p1", kNow);
  EXPECT_THAT(status, HasViolation("note.by_key[*].value"));
  EXPECT_THAT(status.ToString(), ::testing::Not(::testing::HasSubstr("Jane")));
}

TEST(ValidateTest, LengthCountsCodePointsNotBytes) {
  EXPECT_THAT(Fields("text: 'ääääääääää'"), IsEmpty());
  EXPECT_THAT(Fields("text: 'äääääääääää'"), ElementsAre("note.text"));
  EXPECT_THAT(Fields("blob: '12345'"), ElementsAre("note.blob"));
  EXPECT_THAT(Fields("by_text: '123456'"), ElementsAre("note.by_text"));
}

TEST(ValidateTest, AStringWithoutRuleHasADefaultCap) {
  EXPECT_THAT(Fields("etag: '" + std::string(200, 'x') + "'"), IsEmpty());
  EXPECT_THAT(Fields("etag: '" + std::string(201, 'x') + "'"), ElementsAre("note.etag"));
}

TEST(ValidateTest, TextMustBeUtf8) {
  CreateNoteRequest request = GoodRequest();
  request.mutable_note()->set_text("\xc3\x28");
  EXPECT_EQ(Describe(request, "note.text"), "must be valid UTF-8");
}

TEST(ValidateTest, TextHoldsNothingThatATerminalWouldObey) {
  const auto describe = [](const std::string& text) {
    CreateNoteRequest request = GoodRequest();
    request.mutable_note()->set_text(text);
    return Describe(request, "note.text");
  };
  for (const std::string& text :
       {std::string("a\x1b[2K"), std::string("a\0b", 3), std::string("\x7f"),
        std::string("\xc2\x9b"
                    "2K")}) {
    EXPECT_EQ(describe(text), "must hold no control characters but tabs and line breaks");
  }
  EXPECT_EQ(describe("a\tb\r\nc"), "");
  EXPECT_EQ(describe("\xc2\xa0\xc3\x9b"), "") << "a space that does not break, and a letter";
}

TEST(ValidateTest, RepeatedFieldsAreNeitherTooLongNorTooShort) {
  EXPECT_THAT(Fields("answers { item: 'a' } answers { item: 'b' } answers { item: 'c' }"),
              IsEmpty());
  EXPECT_THAT(Fields("answers { item: 'a' } answers { item: 'b' } answers { item: 'c' } "
                     "answers { item: 'd' }"),
              ElementsAre("note.answers"));
  CreateNoteRequest request = GoodRequest();
  request.mutable_note()->clear_tags();
  EXPECT_EQ(Describe(request, "note.tags"), "must have at least 1 element");
  for (int i = 0; i < 101; ++i) {
    request.mutable_note()->add_tags("t");
  }
  EXPECT_EQ(Describe(request, "note.tags"), "must have at most 100 elements");
  for (const char* key : {"a", "b", "c"}) {
    (*request.mutable_note()->mutable_by_key())[key].set_item("q");
  }
  EXPECT_EQ(Describe(request, "note.by_key"), "must have at most 2 elements");
}

TEST(ValidateTest, NumbersAreFiniteAndInRange) {
  EXPECT_THAT(Fields("score: 1.5"), IsEmpty());
  EXPECT_THAT(Fields("score: 1.6"), ElementsAre("note.score"));
  EXPECT_THAT(Fields("score: nan"), ElementsAre("note.score"));
  EXPECT_THAT(Fields("score: -inf"), ElementsAre("note.score"));
  EXPECT_THAT(Fields("big: 18446744073709551615"), ElementsAre("note.big"));
}

TEST(ValidateTest, EnumsMustBeKnown) {
  EXPECT_THAT(Fields("colour: COLOUR_BLUE"), IsEmpty());
  CreateNoteRequest request = GoodRequest();
  request.mutable_note()->set_colour(static_cast<testing::v1::Colour>(7));
  EXPECT_EQ(Describe(request, "note.colour"), "must be one of COLOUR_RED, COLOUR_BLUE");
}

TEST(ValidateTest, TimesAreReal) {
  EXPECT_THAT(Fields("times { seconds: 253402300799 nanos: 999999999 }"), IsEmpty());
  EXPECT_THAT(Fields("times { seconds: 253402300800 }"), ElementsAre("note.times[0]"));
  EXPECT_THAT(Fields("times {} times { nanos: -1 }"), ElementsAre("note.times[1]"));
  EXPECT_THAT(Fields("length { seconds: 1 nanos: -1 }"), ElementsAre("note.length"));
  EXPECT_THAT(Fields("length { seconds: -1 nanos: -1 }"), IsEmpty());
  EXPECT_THAT(Fields("length { seconds: 315576000001 }"), ElementsAre("note.length"));
}

TEST(ValidateTest, NotFutureAllowsForClocksThatDiffer) {
  CreateNoteRequest request = GoodRequest();
  const int64_t now = absl::ToUnixSeconds(kNow);
  request.mutable_note()->mutable_happened_time()->set_seconds(now + 300);
  EXPECT_OK(ValidateRequest(request, "p1", kNow));
  request.mutable_note()->mutable_happened_time()->set_nanos(1);
  EXPECT_EQ(Describe(request, "note.happened_time"), "must not lie in the future");
}

TEST(ValidateTest, PartialDatesAreReal) {
  for (const char* good :
       {"year: 2024", "year: 2024 month: 2", "year: 2024 month: 2 day: 29", "year: 1800"}) {
    EXPECT_THAT(Fields(std::string("onset { ") + good + " }"), IsEmpty()) << good;
  }
  for (const char* bad : {"", "month: 2", "year: 2024 day: 3", "year: 2023 month: 2 day: 29",
                          "year: 2024 month: 13", "year: 2024 month: 4 day: 31", "year: 1799",
                          "year: 2201", "year: 2024 month: -1", "year: 2024 month: 1 day: -1"}) {
    EXPECT_THAT(Fields(std::string("onset { ") + bad + " }"), ElementsAre("note.onset")) << bad;
  }
}

TEST(ValidateTest, NamesFitOneOfTheirPatterns) {
  EXPECT_THAT(Fields("links: 'practices/p1/notes/n1' links: 'instruments/phq-9'"), IsEmpty());
  EXPECT_THAT(Fields("links: 'practices/p1/goals/n1'"), ElementsAre("note.links[0]"));
  EXPECT_THAT(Fields("links: 'instruments/phq-9' links: ''"), ElementsAre("note.links[1]"));
  EXPECT_THAT(Fields("links: 'practices/p2/notes/n1'"), ElementsAre("note.links[0]"));
}

TEST(ValidateTest, OutputOnlyFieldsAreSkipped) {
  EXPECT_THAT(Fields("create_time { nanos: -5 } name: 'nonsense'"), IsEmpty());
}

TEST(ValidateTest, UnknownFieldsAreTolerated) {
  CreateNoteRequest request = GoodRequest();
  request.GetReflection()->MutableUnknownFields(&request)->AddVarint(12345, 1);
  EXPECT_OK(ValidateRequest(request, "p1", kNow));
}

TEST(ValidateTest, DepthIsBounded) {
  CreateNoteRequest request = GoodRequest();
  Note* note = request.mutable_note();
  for (int i = 1; i < RequestRules::kMaxDepth; ++i) {
    note = note->mutable_child();
    note->set_text("t");
    note->add_tags("a");
  }
  EXPECT_OK(ValidateRequest(request, "p1", kNow));
  note->mutable_child()->set_text("t");
  const auto violations = ViolationsOf(ValidateRequest(request, "p1", kNow));
  ASSERT_EQ(violations.size(), 1U);
  EXPECT_EQ(violations[0].description, "is nested too deeply");
}

TEST(ValidateTest, ViolationsAreBounded) {
  CreateNoteRequest request = GoodRequest();
  for (int i = 0; i < 90; ++i) {
    request.mutable_note()->add_links("x");
    request.mutable_note()->add_times()->set_nanos(-1);
  }
  EXPECT_EQ(ViolationsOf(ValidateRequest(request, "p1", kNow)).size(),
            static_cast<size_t>(RequestRules::kMaxViolations));
}

// Updates: what is required depends on the mask.

std::vector<std::string> UpdateFields(const std::string& text) {
  std::vector<std::string> fields;
  for (const FieldViolation& violation :
       ViolationsOf(ValidateRequest(Parse<UpdateNoteRequest>(text), "p1", kNow))) {
    fields.push_back(violation.field);
  }
  return fields;
}

TEST(ValidateUpdateTest, OnlyWhatTheMaskCoversIsRequired) {
  const std::string name = "note { name: 'practices/p1/notes/n1' ";
  EXPECT_THAT(UpdateFields(name + "colour: COLOUR_RED } update_mask { paths: 'colour' }"),
              IsEmpty());
  EXPECT_THAT(UpdateFields(name + "} update_mask { paths: 'colour' paths: 'text' }"),
              ElementsAre("note.text"));
  EXPECT_THAT(UpdateFields(name + "} update_mask { paths: '*' }"),
              ElementsAre("note.text", "note.tags"));
  EXPECT_THAT(UpdateFields(name + "details {} } update_mask { paths: 'details.origin' }"),
              IsEmpty());
  EXPECT_THAT(UpdateFields(name + "details {} } update_mask { paths: 'details' }"),
              ElementsAre("note.details.summary"));
  EXPECT_THAT(UpdateFields(name + "answers {} } update_mask { paths: 'answers' }"),
              ElementsAre("note.answers[0].item"));
}

TEST(ValidateUpdateTest, AnEmptyMaskCoversWhatIsSet) {
  EXPECT_THAT(UpdateFields("note { name: 'practices/p1/notes/n1' colour: COLOUR_RED }"), IsEmpty());
  EXPECT_THAT(UpdateFields("note { name: 'practices/p1/notes/n1' details {} }"),
              ElementsAre("note.details.summary"));
}

TEST(ValidateUpdateTest, TheNameIsAlwaysRequired) {
  EXPECT_THAT(UpdateFields("note { text: 'a' } update_mask { paths: 'text' }"),
              ElementsAre("note.name"));
  EXPECT_THAT(UpdateFields("note { name: 'notes/n1' } update_mask { paths: 'colour' }"),
              ElementsAre("note.name"));
}

// The practice.

TEST(CheckPracticeTest, EveryNameMustBeOfThePractice) {
  EXPECT_OK(CheckPractice(GoodRequest(), "p1"));
  for (const char* text : {"parent: 'practices/p2'", "note { episode: 'practices/p2/episodes/e1' }",
                           "note { links: 'practices/p1/notes/a' links: 'practices/p2/notes/a' }",
                           "note { child { child { episode: 'practices/p2/episodes/e1' } } }",
                           "note { name: 'practices/p2/notes/n1' }",
                           "parent: 'practices/p2/and so on'", "parent: 'practices/'"}) {
    EXPECT_THAT(CheckPractice(Parse<CreateNoteRequest>(text), "p1"),
                IsError(absl::StatusCode::kPermissionDenied, Reason::kPracticeMismatch))
        << text;
  }
}

TEST(CheckPracticeTest, LeavesWhatIsNoNameToValidation) {
  for (const char* text : {"", "parent: 'p2'", "note { links: 'instruments/phq-9' }",
                           "note { text: 'practices/p2' }"}) {
    EXPECT_OK(CheckPractice(Parse<CreateNoteRequest>(text), "p1")) << text;
  }
}

// What a request is about.

template <typename T>
std::string ResourceOf(const std::string& text) {
  return (*RequestRules::Make(T::descriptor()))->ResourceOf(Parse<T>(text));
}

TEST(ResourceOfTest, PrefersTheNameThenTheParentThenTheResource) {
  EXPECT_EQ(ResourceOf<testing::v1::GetNoteRequest>("name: 'practices/p1/notes/n1'"),
            "practices/p1/notes/n1");
  EXPECT_EQ(ResourceOf<CreateNoteRequest>("parent: 'practices/p1' note { name: "
                                          "'practices/p1/notes/n1' }"),
            "practices/p1");
  EXPECT_EQ(ResourceOf<UpdateNoteRequest>("note { name: 'practices/p1/notes/n1' }"),
            "practices/p1/notes/n1");
}

TEST(ResourceOfTest, IsEmptyForWhatIsNoName) {
  EXPECT_EQ(ResourceOf<testing::v1::GetNoteRequest>("name: 'Jane Doe'"), "");
  EXPECT_EQ(ResourceOf<UpdateNoteRequest>(""), "");
}

// Faults in a .proto are found when the server starts.

google::protobuf::FileDescriptorProto FileWithRule(
    google::protobuf::FieldDescriptorProto::Type type, const options::v1::FieldRules& rules) {
  google::protobuf::FileDescriptorProto file;
  file.set_name("bad.proto");
  file.set_syntax("proto3");
  file.add_dependency("securebase/options/v1/options.proto");
  auto* message = file.add_message_type();
  message->set_name("Bad");
  auto* field = message->add_field();
  field->set_name("it");
  field->set_number(1);
  field->set_type(type);
  field->set_label(google::protobuf::FieldDescriptorProto::LABEL_OPTIONAL);
  *field->mutable_options()->MutableExtension(options::v1::rules) = rules;
  return file;
}

TEST(MakeTest, ARuleThatDoesNotFitItsFieldIsRefused) {
  using Field = google::protobuf::FieldDescriptorProto;
  const std::vector<std::pair<Field::Type, const char*>> bad = {
      {Field::TYPE_INT32, "name: 'a/{a}'"}, {Field::TYPE_BYTES, "id: true"},
      {Field::TYPE_BOOL, "max_length: 3"},  {Field::TYPE_STRING, "min: 1"},
      {Field::TYPE_STRING, "max_items: 3"}, {Field::TYPE_STRING, "not_future: true"}};
  for (const auto& [type, rules] : bad) {
    google::protobuf::DescriptorPool pool(google::protobuf::DescriptorPool::generated_pool());
    const auto* file = pool.BuildFile(FileWithRule(type, Parse<options::v1::FieldRules>(rules)));
    ASSERT_NE(file, nullptr);
    const auto made = RequestRules::Make(file->message_type(0));
    EXPECT_EQ(made.status().code(), absl::StatusCode::kFailedPrecondition) << rules;
    EXPECT_THAT(made.status().ToString(), ::testing::HasSubstr("Bad.it")) << rules;
  }
}

TEST(MakeTest, OneObjectServesManyThreads) {
  ASSERT_OK_AND_ASSIGN(const auto rules, RequestRules::Make(CreateNoteRequest::descriptor()));
  const CreateNoteRequest good = GoodRequest();
  CreateNoteRequest bad = GoodRequest();
  bad.clear_parent();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 200; ++n) {
        EXPECT_OK(rules->Validate(good, "p1", kNow));
        EXPECT_THAT(rules->Validate(bad, "p1", kNow), HasViolation("parent"));
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
}

}  // namespace
}  // namespace securebase::api
