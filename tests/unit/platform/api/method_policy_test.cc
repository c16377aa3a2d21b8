#include "services/platform/api/method_policy.h"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/text_format.h"
#include "securebase/options/v1/options.pb.h"
#include "securebase/testing/v1/notes_service.pb.h"
#include "services/platform/base/error.h"
#include "tests/testing/status_matchers.h"

namespace securebase::api {
namespace {

using ::google::protobuf::DescriptorPool;
using ::google::protobuf::FileDescriptorProto;
using ::google::protobuf::TextFormat;
using ::testing::HasSubstr;

TEST(MethodPolicyTest, ReadsEveryMethodOfAService) {
  const auto* service =
      DescriptorPool::generated_pool()->FindServiceByName("securebase.testing.v1.NotesService");
  ASSERT_NE(service, nullptr);
  ASSERT_OK_AND_ASSIGN(const auto policies, ReadMethodPolicies(*service));
  ASSERT_EQ(policies.size(), 6U);
  EXPECT_EQ(policies[0].method, "/securebase.testing.v1.NotesService/CreateNote");
  EXPECT_TRUE(policies[0].writes);
  EXPECT_EQ(policies[1].scopes, std::vector<std::string>{"Note.r"});
  EXPECT_TRUE(policies[1].discloses_patient_data);
  EXPECT_TRUE(policies[1].participants);
  EXPECT_EQ(policies[1].not_modified, nullptr);
  EXPECT_TRUE(policies[5].practice_wide);
  EXPECT_NE(policies[5].not_modified, nullptr);
}

// A service of one method with these options; `input` and `output` are message types.
absl::Status ReadOne(const std::string& policy, const std::string& input = "GetNoteRequest",
                     bool streaming = false) {
  FileDescriptorProto file;
  file.set_name("bad_service.proto");
  file.set_package("securebase.testing.v1");
  file.set_syntax("proto3");
  file.add_dependency("securebase/testing/v1/notes.proto");
  file.add_dependency("securebase/testing/v1/notes_service.proto");
  file.add_dependency("securebase/options/v1/options.proto");
  auto* service = file.add_service();
  service->set_name("Bad");
  auto* method = service->add_method();
  method->set_name("Do");
  method->set_input_type("." + file.package() + "." + input);
  method->set_output_type("." + file.package() + ".Note");
  method->set_server_streaming(streaming);
  if (!policy.empty()) {
    options::v1::MethodPolicy message;
    EXPECT_TRUE(TextFormat::ParseFromString(policy, &message)) << policy;
    *method->mutable_options()->MutableExtension(options::v1::policy) = message;
  }
  DescriptorPool pool(DescriptorPool::generated_pool());
  const auto* built = pool.BuildFile(file);
  EXPECT_NE(built, nullptr);
  return ReadMethodPolicies(*built->service(0)).status();
}

TEST(MethodPolicyTest, AMissingOrIncompletePolicyIsRefused) {
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"", "has no policy"},
      {"scopes: 'Note.r'", "does not say whether it reads or writes"},
      {"access: ACCESS_READ", "names no scope"},
      {"access: ACCESS_READ scopes: 'Note'", "names the scope Note"},
      {"access: ACCESS_READ scopes: 'Note.rs'", "names the scope Note.rs"},
      {"access: ACCESS_READ scopes: 'Note.x'", "names the scope Note.x"},
      {"access: ACCESS_READ scopes: 'Note.r' participants: true practice_wide: true",
       "practice-wide"},
  };
  for (const auto& [policy, why] : bad) {
    const absl::Status status = ReadOne(policy);
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << policy;
    EXPECT_THAT(std::string(status.message()), HasSubstr(why)) << policy;
    EXPECT_THAT(std::string(status.message()), HasSubstr("securebase.testing.v1.Bad.Do"));
  }
}

TEST(MethodPolicyTest, AWriteNeedsARequestId) {
  const std::string write = "access: ACCESS_WRITE scopes: 'Note.u'";
  EXPECT_OK(ReadOne(write, "UpdateNoteRequest"));
  EXPECT_THAT(std::string(ReadOne(write, "GetNoteRequest").message()), HasSubstr("request_id"));
  EXPECT_THAT(
      std::string(ReadOne(write + " discloses_patient_data: true", "UpdateNoteRequest").message()),
      HasSubstr("discloses_patient_data"));
}

TEST(MethodPolicyTest, StreamsAreRefused) {
  EXPECT_THAT(
      std::string(
          ReadOne("access: ACCESS_READ scopes: 'Note.r'", "GetNoteRequest", true).message()),
      HasSubstr("streaming"));
}

TEST(MethodPolicyTest, EveryMethodOfEveryServiceHasAPolicy) {
  const std::filesystem::path root = std::filesystem::path(SECUREBASE_SOURCE_DIR) / "proto";
  int services = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root / "securebase")) {
    if (entry.path().extension() != ".proto") {
      continue;
    }
    const std::string name = std::filesystem::relative(entry.path(), root).string();
    const auto* file = DescriptorPool::generated_pool()->FindFileByName(name);
    ASSERT_NE(file, nullptr) << name;
    for (int i = 0; i < file->service_count(); ++i) {
      EXPECT_OK(ReadMethodPolicies(*file->service(i)).status());
      ++services;
    }
  }
  EXPECT_GT(services, 0);
}

}  // namespace
}  // namespace securebase::api
