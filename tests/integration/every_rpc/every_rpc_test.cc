// Calls every rpc of every service over the wire with what must be refused. The rpcs come from the
// descriptors, so that a new one is tried without anybody thinking of it.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "google/protobuf/timestamp.pb.h"
#include "securebase/goals/v1/goals_service.pb.h"
#include "securebase/options/v1/options.pb.h"
#include "securebase/plans/v1/plans_service.pb.h"
#include "services/platform/api/field_options.h"
#include "services/platform/api/method_policy.h"
#include "tests/integration/every_rpc/all_services.h"
#include "tests/testing/golden.h"
#include "tests/testing/status_matchers.h"

namespace securebase {
namespace {

using auth::PrincipalKind;
using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::MethodDescriptor;
using testing::IsError;

struct Rpc {
  api::MethodPolicy policy;
  const MethodDescriptor* method;
};

std::vector<Rpc> AllRpcs() {
  std::vector<Rpc> rpcs;
  for (const std::string& name : testing::AllServices::Names()) {
    const auto* service = DescriptorPool::generated_pool()->FindServiceByName(name);
    EXPECT_NE(service, nullptr) << name;
    const auto policies = api::ReadMethodPolicies(*service);
    EXPECT_OK(policies);
    for (int i = 0; i < service->method_count(); ++i) {
      rpcs.push_back({(*policies)[static_cast<size_t>(i)], service->method(i)});
    }
  }
  return rpcs;
}

std::unique_ptr<Message> New(const Descriptor* type) {
  return std::unique_ptr<Message>(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(type)->New());
}

// Sets every resource name of the message to one in `practice`; returns how many there were.
int FillNames(const std::string& practice, Message& message, int depth = 0) {
  int filled = 0;
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = message.GetDescriptor()->field(i);
    const std::string& pattern = field->options().GetExtension(options::v1::rules).name();
    if (!pattern.empty()) {
      // "practices/{practice}/goals/{goal}" -> "practices/p2/goals/none"
      std::vector<std::string> parts =
          absl::StrSplit(std::vector<std::string>(absl::StrSplit(pattern, '|'))[0], '/');
      for (std::string& part : parts) {
        part = part == "{practice}" ? practice : part[0] == '{' ? "none" : part;
      }
      const std::string name = absl::StrJoin(parts, "/");
      if (field->is_repeated()) {
        message.GetReflection()->AddString(&message, field, name);
      } else {
        message.GetReflection()->SetString(&message, field, name);
      }
      ++filled;
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && !field->is_repeated() &&
               depth < 2 && field->message_type()->full_name().rfind("securebase.", 0) == 0 &&
               field->containing_oneof() == nullptr) {
      filled +=
          FillNames(practice, *message.GetReflection()->MutableMessage(&message, field), depth + 1);
    }
  }
  return filled;
}

// A field of a request, as violations name it, and how to put something bad into it.
struct Spoiler {
  std::string path;
  std::function<void(Message&)> spoil;
};

// Everything that is bad in any field: text that nobody reads or that a terminal obeys, lists that
// nobody fills, enum values, numbers and times that do not exist or are out of range.
void CollectSpoilers(const Descriptor* type, const std::string& prefix,
                     const std::function<Message*(Message&)>& parent, int depth,
                     std::vector<Spoiler>& spoilers) {
  constexpr int kManyElements = 10'000;
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    if (api::HasBehavior(field, google::api::OUTPUT_ONLY)) {
      continue;  // not looked at
    }
    const std::string path = prefix + field->name();
    const auto add = [&](const std::string& at,
                         std::function<void(Message&, const google::protobuf::Reflection&)> spoil) {
      spoilers.push_back({at, [parent, spoil = std::move(spoil)](Message& request) {
                            Message* message = parent(request);
                            spoil(*message, *message->GetReflection());
                          }});
    };
    if (field->is_map()) {
      continue;
    }
    const bool repeated = field->is_repeated();
    if (repeated) {
      add(path, [field](Message& message, const google::protobuf::Reflection& reflection) {
        for (int n = 0; n < kManyElements; ++n) {
          switch (field->cpp_type()) {
            case FieldDescriptor::CPPTYPE_MESSAGE:
              reflection.AddMessage(&message, field);
              break;
            case FieldDescriptor::CPPTYPE_STRING:
              reflection.AddString(&message, field, "x");
              break;
            case FieldDescriptor::CPPTYPE_ENUM:
              reflection.AddEnumValue(&message, field, 1);
              break;
            default:
              reflection.AddInt32(&message, field, 1);
          }
        }
      });
    }
    const std::string element = repeated ? path + "[0]" : path;
    if (field->type() == FieldDescriptor::TYPE_STRING) {
      add(element,
          [field, repeated](Message& message, const google::protobuf::Reflection& reflection) {
            const std::string text(100'001, 'x');
            repeated ? reflection.AddString(&message, field, text)
                     : reflection.SetString(&message, field, text);
          });
      add(element,
          [field, repeated](Message& message, const google::protobuf::Reflection& reflection) {
            repeated ? reflection.AddString(&message, field, "\x1b[2K")
                     : reflection.SetString(&message, field, "\x1b[2K");
          });
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_ENUM) {
      add(element,
          [field, repeated](Message& message, const google::protobuf::Reflection& reflection) {
            repeated ? reflection.AddEnumValue(&message, field, 9999)
                     : reflection.SetEnumValue(&message, field, 9999);
          });
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_INT32 && !repeated &&
               type->full_name() != "securebase.type.v1.PartialDate") {  // is checked as a whole
      const auto& rules = field->options().GetExtension(options::v1::rules);
      std::vector<int32_t> outside;
      if (rules.has_min()) {
        outside.push_back(static_cast<int32_t>(rules.min()) - 1);
      }
      if (rules.has_max()) {
        outside.push_back(static_cast<int32_t>(rules.max()) + 1);
      }
      for (const int32_t value : outside) {
        add(path, [field, value](Message& message, const google::protobuf::Reflection& reflection) {
          reflection.SetInt32(&message, field, value);
        });
      }
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && !repeated &&
               field->message_type()->full_name() == "google.protobuf.Timestamp") {
      const bool not_future = field->options().GetExtension(options::v1::rules).not_future();
      const int64_t seconds = not_future ? absl::ToUnixSeconds(absl::Now() + absl::Hours(1))
                                         : int64_t{1'000'000'000'000'000};
      add(path, [field, seconds](Message& message, const google::protobuf::Reflection& reflection) {
        google::protobuf::Timestamp time;
        time.set_seconds(seconds);
        reflection.MutableMessage(&message, field)->CopyFrom(time);
      });
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE) {
      add(element,
          [field, repeated](Message& message, const google::protobuf::Reflection& reflection) {
            repeated ? reflection.AddDouble(&message, field, std::nan(""))
                     : reflection.SetDouble(&message, field, std::nan(""));
          });
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && depth < 3 &&
               absl::StartsWith(field->message_type()->full_name(), "securebase.")) {
      const auto child = [parent, field, repeated](Message& request) {
        Message* message = parent(request);
        const auto* reflection = message->GetReflection();
        return repeated ? reflection->AddMessage(message, field)
                        : reflection->MutableMessage(message, field);
      };
      CollectSpoilers(field->message_type(), element + ".", child, depth + 1, spoilers);
    }
  }
}

class EveryRpc : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { services_ = new testing::AllServices; }
  static void TearDownTestSuite() {
    delete services_;
    services_ = nullptr;
  }
  testing::TestServer& server() { return services_->server(); }

  absl::Status Call(const Rpc& rpc, const client::CallOptions& options,
                    const std::string& practice = "p1") {
    const std::unique_ptr<Message> request = New(rpc.method->input_type());
    EXPECT_GT(FillNames(practice, *request), 0) << rpc.policy.method << " names no resource";
    const std::unique_ptr<Message> response = New(rpc.method->output_type());
    return server().Client().CallMethod(rpc.policy.method, options, *request, *response);
  }

  // Somebody who may call the method, with these scopes.
  client::CallOptions Allowed(const Rpc& rpc, const std::string& scopes = "*.cruds") {
    return rpc.policy.practice_wide
               ? server().As(PrincipalKind::kSystem, "ehr", "system/" + scopes)
               : server().As(PrincipalKind::kStaff, "dr-lee", "user/" + scopes);
  }

  static testing::AllServices* services_;
};

testing::AllServices* EveryRpc::services_ = nullptr;

// A service that nobody lists would be tried by nobody.
TEST_F(EveryRpc, OfEveryServiceInTheProtosIsTried) {
  std::set<std::string> declared;
  const std::filesystem::path root =
      std::filesystem::path(SECUREBASE_SOURCE_DIR) / "proto" / "securebase";
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    const std::string path = std::filesystem::relative(entry.path(), root).string();
    if (!absl::EndsWith(path, "_service.proto")) {
      continue;
    }
    const std::string package = absl::StrReplaceAll(path.substr(0, path.rfind('/')), {{"/", "."}});
    const std::string text = testing::ReadRepositoryFile("proto/securebase/" + path);
    for (const absl::string_view line : absl::StrSplit(text, '\n')) {
      if (absl::StartsWith(line, "service ")) {
        const std::vector<std::string> words = absl::StrSplit(line, ' ');
        declared.insert(absl::StrCat("securebase.", package, ".", words[1]));
      }
    }
  }
  EXPECT_THAT(testing::AllServices::Names(), ::testing::UnorderedElementsAreArray(declared));
}

TEST_F(EveryRpc, WithoutATokenIsUnauthenticated) {
  for (const Rpc& rpc : AllRpcs()) {
    EXPECT_THAT(Call(rpc, {}), IsError(absl::StatusCode::kUnauthenticated, Reason::kTokenMissing))
        << rpc.policy.method;
  }
}

TEST_F(EveryRpc, WithATokenThatGrantsSomethingElseIsRefused) {
  for (const Rpc& rpc : AllRpcs()) {
    EXPECT_THAT(Call(rpc, Allowed(rpc, "AuditEvent.cruds")),
                IsError(absl::StatusCode::kPermissionDenied, Reason::kScopeMissing))
        << rpc.policy.method;
  }
}

TEST_F(EveryRpc, WithEveryOtherPermissionOfItsResourcesIsRefused) {
  for (const Rpc& rpc : AllRpcs()) {
    std::map<std::string, std::string> others;  // resource -> permissions that do not suffice
    for (const std::string& scope : rpc.policy.scopes) {
      others.emplace(scope.substr(0, scope.find('.')), "cruds");
    }
    for (const std::string& scope : rpc.policy.scopes) {
      std::string& left = others[scope.substr(0, scope.find('.'))];
      left.erase(std::remove(left.begin(), left.end(), scope.back()), left.end());
    }
    for (const auto& [resource, left] : others) {
      if (!left.empty()) {
        EXPECT_THAT(Call(rpc, Allowed(rpc, absl::StrCat(resource, ".", left))),
                    IsError(absl::StatusCode::kPermissionDenied, Reason::kScopeMissing))
            << rpc.policy.method << " with " << resource << "." << left;
      }
    }
  }
}

TEST_F(EveryRpc, AboutAnotherPracticeIsRefused) {
  for (const Rpc& rpc : AllRpcs()) {
    for (const client::CallOptions& caller : {Allowed(rpc), server().AsSystem()}) {
      EXPECT_THAT(Call(rpc, caller, "p2"),
                  IsError(absl::StatusCode::kPermissionDenied, Reason::kPracticeMismatch))
          << rpc.policy.method;
    }
  }
}

TEST_F(EveryRpc, IsOpenToParticipantsOnlyWhereItSaysSo) {
  int open = 0;
  for (const Rpc& rpc : AllRpcs()) {
    const absl::Status status = Call(rpc, server().AsParticipant("ehr-1"));
    if (rpc.policy.participants) {
      ++open;
      EXPECT_NE(ReasonOf(status), Reason::kPrincipalNotAllowed) << rpc.policy.method;
      EXPECT_NE(ReasonOf(status), Reason::kScopeMissing) << rpc.policy.method;
    } else {
      EXPECT_THAT(status,
                  IsError(absl::StatusCode::kPermissionDenied, Reason::kPrincipalNotAllowed))
          << rpc.policy.method;
    }
  }
  EXPECT_GT(open, 0);
}

TEST_F(EveryRpc, ThatSpansThePracticeIsClosedToStaff) {
  int closed = 0;
  for (const Rpc& rpc : AllRpcs()) {
    if (rpc.policy.practice_wide) {
      ++closed;
      EXPECT_THAT(Call(rpc, server().AsStaff("dr-lee")),
                  IsError(absl::StatusCode::kPermissionDenied, Reason::kPrincipalNotAllowed))
          << rpc.policy.method;
    }
  }
  EXPECT_GT(closed, 0);
}

// Everybody who may call a method gets an answer, or an error that speaks of the request.
TEST_F(EveryRpc, IsServedToWhoMayCallIt) {
  for (const Rpc& rpc : AllRpcs()) {
    const absl::Status status = Call(rpc, Allowed(rpc));
    const std::set<absl::StatusCode> expected = {absl::StatusCode::kOk, absl::StatusCode::kNotFound,
                                                 absl::StatusCode::kInvalidArgument,
                                                 absl::StatusCode::kFailedPrecondition};
    EXPECT_EQ(expected.count(status.code()), 1u) << rpc.policy.method << " " << status.ToString();
  }
}

TEST_F(EveryRpc, WithABadTokenIsUnauthenticated) {
  const auto with = [](const std::string& token) {
    client::CallOptions options;
    options.token = token;
    return options;
  };
  for (const Rpc& rpc : AllRpcs()) {
    auth::TokenRequest old =
        server().TokenRequest(PrincipalKind::kSystem, "ehr", "system/*.cruds", "p1", "");
    old.issued -= absl::Hours(1);
    EXPECT_THAT(Call(rpc, with(server().Token(old))),
                IsError(absl::StatusCode::kUnauthenticated, Reason::kTokenExpired))
        << rpc.policy.method;

    std::vector<std::string> parts = absl::StrSplit(server().AsSystem().token, '.');
    ASSERT_EQ(parts.size(), 3u);
    std::string claims;
    ASSERT_TRUE(absl::WebSafeBase64Unescape(parts[1], &claims));
    const std::string tampered =
        absl::WebSafeBase64Escape(absl::StrReplaceAll(claims, {{"\"p1\"", "\"p2\""}}));
    ASSERT_NE(tampered, parts[1]);
    EXPECT_THAT(Call(rpc, with(absl::StrJoin({parts[0], tampered, parts[2]}, ".")), "p2"),
                IsError(absl::StatusCode::kUnauthenticated, Reason::kTokenInvalid))
        << rpc.policy.method;

    const std::string none = absl::WebSafeBase64Escape(R"({"alg":"none","typ":"JWT"})");
    EXPECT_THAT(Call(rpc, with(absl::StrCat(none, ".", parts[1], "."))),
                IsError(absl::StatusCode::kUnauthenticated, Reason::kTokenInvalid))
        << rpc.policy.method;
  }
}

// Text without end, ten thousand participants, values that do not exist: refused by the name of the
// field, without repeating it, and nothing is left behind.
TEST_F(EveryRpc, WithSomethingBadInAnyFieldIsRefusedByItsName) {
  const std::vector<int64_t> before = services_->JournalPositions("p1");
  int tried = 0;
  for (const Rpc& rpc : AllRpcs()) {
    std::vector<Spoiler> spoilers;
    CollectSpoilers(
        rpc.method->input_type(), "", [](Message& request) { return &request; }, 0, spoilers);
    for (const Spoiler& spoiler : spoilers) {
      const std::unique_ptr<Message> request = New(rpc.method->input_type());
      FillNames("p1", *request);
      spoiler.spoil(*request);
      const std::unique_ptr<Message> response = New(rpc.method->output_type());
      const absl::Status status =
          server().Client().CallMethod(rpc.policy.method, Allowed(rpc), *request, *response);
      EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument)
          << rpc.policy.method << " with a bad " << spoiler.path << ": " << status;
      EXPECT_THAT(status, testing::HasViolation(spoiler.path)) << rpc.policy.method;
      EXPECT_FALSE(absl::StrContains(status.ToString(), "xxxx")) << rpc.policy.method;
      ++tried;
    }
  }
  EXPECT_GT(tried, 500);
  EXPECT_EQ(services_->JournalPositions("p1"), before);
}

// Whoever sees nothing learns nothing: a record that exists looks like one that does not.
TEST_F(EveryRpc, OfARecordThatIsNotThereIsNotFoundForReads) {
  for (const Rpc& rpc : AllRpcs()) {
    if (!rpc.policy.writes && rpc.method->input_type()->FindFieldByName("name") != nullptr &&
        rpc.policy.discloses_patient_data) {
      EXPECT_THAT(Call(rpc, Allowed(rpc)), IsError(absl::StatusCode::kNotFound, Reason::kNotFound))
          << rpc.policy.method;
    }
  }
}

// What a field that nobody marked would let through into logs and errors: text, values and codes,
// in all messages that the services take or give. Names, ids, etags and tokens hold nothing by
// themselves. A new line in the golden file is a field to think about.
void CollectUnmarked(const Descriptor* type, std::set<const Descriptor*>& seen,
                     std::set<std::string>& fields) {
  if (!seen.insert(type).second) {
    return;
  }
  static const auto* harmless = new std::set<std::string>{
      "name",  "uid",        "etag",      "known_etag", "parent", "page_token", "next_page_token",
      "token", "next_token", "request_id"};
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    const auto& rules = field->options().GetExtension(options::v1::rules);
    if (api::IsPatientData(field) || rules.id() || !rules.name().empty() ||
        harmless->count(field->name()) > 0) {
      continue;
    }
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        if (absl::StartsWith(field->message_type()->full_name(), "securebase.")) {
          CollectUnmarked(field->message_type(), seen, fields);
        }
        break;
      case FieldDescriptor::CPPTYPE_STRING:
      case FieldDescriptor::CPPTYPE_ENUM:
      case FieldDescriptor::CPPTYPE_DOUBLE:
        fields.insert(field->full_name());
        break;
      default:
        break;
    }
  }
}

TEST(Fields, ThatAreNotMarkedAsPatientDataAreThoughtAbout) {
  std::set<const Descriptor*> seen;
  std::set<std::string> fields;
  for (const Rpc& rpc : AllRpcs()) {
    CollectUnmarked(rpc.method->input_type(), seen, fields);
    CollectUnmarked(rpc.method->output_type(), seen, fields);
  }
  testing::ExpectGolden("unmarked_fields.txt", absl::StrJoin(fields, "\n") + "\n");
}

void CollectDoublesWithoutPresence(const Descriptor* type, std::set<const Descriptor*>& seen,
                                   std::set<std::string>& fields) {
  if (!seen.insert(type).second) {
    return;
  }
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    if (field->message_type() != nullptr) {
      CollectDoublesWithoutPresence(field->message_type(), seen, fields);
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE && !field->is_repeated() &&
               !field->has_presence()) {
      fields.insert(field->full_name());
    }
  }
}

// A score of 0 is a score: JSON shows it, and one that was forgotten is no 0.
TEST(Fields, ThatMeasureHavePresence) {
  std::set<const Descriptor*> seen;
  std::set<std::string> fields;
  for (const Rpc& rpc : AllRpcs()) {
    CollectDoublesWithoutPresence(rpc.method->input_type(), seen, fields);
    CollectDoublesWithoutPresence(rpc.method->output_type(), seen, fields);
  }
  // Settings of which 0 stands for the default.
  const std::string rules = "securebase.episodes.v1.HouseRules.";
  EXPECT_THAT(fields,
              ::testing::ElementsAre(rules + "alliance_fall", rules + "alliance_floor",
                                     rules + "alliance_split", rules + "on_track_fraction"));
}

// Goals and plans ask episodes what the caller of theirs may see, in that caller's name.
TEST(Scopes, WhateverOpensAMethodOfAServiceThatAsksOpensGetAccessView) {
  const auto* get_access_view = DescriptorPool::generated_pool()->FindMethodByName(
      "securebase.episodes.v1.EpisodesService.GetAccessView");
  ASSERT_NE(get_access_view, nullptr);
  const auto& scopes = get_access_view->options().GetExtension(options::v1::policy).scopes();
  const std::set<std::string> opening(scopes.begin(), scopes.end());
  for (const auto* file : {goals::v1::GetGoalRequest::descriptor()->file(),
                           plans::v1::GetPlanRequest::descriptor()->file()}) {
    ASSERT_EQ(file->service_count(), 1);
    for (int i = 0; i < file->service(0)->method_count(); ++i) {
      const MethodDescriptor* method = file->service(0)->method(i);
      const auto& policy = method->options().GetExtension(options::v1::policy);
      if (policy.practice_wide()) {
        continue;  // systems see the whole practice without asking
      }
      for (const std::string& scope : policy.scopes()) {
        EXPECT_EQ(opening.count(scope), 1u) << scope << " of " << method->full_name();
      }
    }
  }
}

}  // namespace
}  // namespace securebase
