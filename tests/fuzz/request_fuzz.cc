// Requests. An input is a serialized UpdateNoteRequest of the tests' own API, which has every kind
// of field and rule: it is judged as a stranger's, and merged into a record.
#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "google/protobuf/util/message_differencer.h"
#include "securebase/testing/v1/notes_service.pb.h"
#include "services/platform/api/fingerprint.h"
#include "services/platform/api/request_rules.h"
#include "services/platform/api/status_conversion.h"
#include "services/platform/api/update.h"
#include "services/platform/base/error.h"
#include "services/platform/base/resource_name.h"
#include "tests/fuzz/check.h"
#include "tests/testing/fake_clock.h"

namespace securebase::api {
namespace {

using ::google::protobuf::util::MessageDifferencer;
using ::securebase::testing::v1::Note;
using ::securebase::testing::v1::UpdateNoteRequest;

Note StoredNote() {
  Note note;
  note.set_name("practices/p1/notes/n1");
  note.set_etag("v3");
  note.set_text("text");
  note.set_episode("practices/p1/episodes/e1");
  note.mutable_details()->set_computed("kept");
  note.mutable_details()->set_origin("here");
  return note;
}

void CheckMerge(const UpdateNoteRequest& request) {
  Note stored = StoredNote();
  if (!MergeUpdate(request.update_mask(), request.note(), "note", stored).ok()) {
    FUZZ_CHECK(MessageDifferencer::Equals(stored, StoredNote()));
    return;
  }
  FUZZ_CHECK(stored.name() == "practices/p1/notes/n1" && stored.etag() == "v3");
  FUZZ_CHECK(!stored.has_create_time());
  FUZZ_CHECK(stored.episode() == "practices/p1/episodes/e1");
  FUZZ_CHECK(!stored.has_details() || stored.details().computed() == "kept");
}

void TestOneInput(absl::string_view input) {
  UpdateNoteRequest request;
  if (!request.ParseFromArray(input.data(), static_cast<int>(input.size()))) {
    return;
  }
  static const RequestRules& rules =
      *RequestRules::Make(UpdateNoteRequest::descriptor())->release();
  const absl::Time now = testing::FakeClock().Now();
  const absl::Status practice = rules.CheckPractice(request, "p1");
  FUZZ_CHECK(practice.ok() || ReasonOf(practice) == Reason::kPracticeMismatch);
  const std::string resource = rules.ResourceOf(request);
  FUZZ_CHECK(resource.empty() || ParseName("practices/{practice}/notes/{note}", resource).ok());
  const absl::Status valid = rules.Validate(request, "p1", now);
  FUZZ_CHECK(valid.ok() || valid.code() == absl::StatusCode::kInvalidArgument);
  FUZZ_CHECK(ViolationsOf(valid).size() <= RequestRules::kMaxViolations);
  FUZZ_CHECK(!valid.ok() || request.note().name() == resource);
  const google::rpc::Status sent = ToRpcStatus(valid, "01980000-0000-7000-8000-000000000001");
  FUZZ_CHECK(sent.ByteSizeLong() <= kMaxStatusBytes);
  FUZZ_CHECK(FromRpcStatus(sent).code() == valid.code());
  FUZZ_CHECK(Fingerprint(request) == Fingerprint(UpdateNoteRequest(request)));
  CheckMerge(request);
}

}  // namespace
}  // namespace securebase::api

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  securebase::api::TestOneInput({reinterpret_cast<const char*>(data), size});
  return 0;
}
