// What a client makes of a server's error. An input is a serialized google.rpc.Status.
#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "google/rpc/status.pb.h"
#include "services/platform/api/status_conversion.h"
#include "services/platform/base/error.h"
#include "tests/fuzz/check.h"

namespace securebase::api {
namespace {

void TestOneInput(absl::string_view input) {
  google::rpc::Status received;
  if (!received.ParseFromArray(input.data(), static_cast<int>(input.size()))) {
    return;
  }
  const absl::Status status = FromRpcStatus(received);
  FUZZ_CHECK(status.ok() == (received.code() == 0));
  // Whatever came in, what goes out again keeps its limits, and then does not change any more.
  const google::rpc::Status sent = ToRpcStatus(status, "01980000-0000-7000-8000-000000000001");
  FUZZ_CHECK(sent.ByteSizeLong() <= kMaxStatusBytes);
  const absl::Status again = FromRpcStatus(sent);
  FUZZ_CHECK(again.code() == status.code());
  FUZZ_CHECK(RetryAfterOf(again) >= absl::ZeroDuration());
}

}  // namespace
}  // namespace securebase::api

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  securebase::api::TestOneInput({reinterpret_cast<const char*>(data), size});
  return 0;
}
