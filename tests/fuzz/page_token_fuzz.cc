// Page tokens. An input is tried as a token that somebody made up, and as the cursor of a good one.
#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "securebase/testing/v1/notes_service.pb.h"
#include "services/platform/api/page_token.h"
#include "services/platform/auth/file.h"
#include "services/platform/base/error.h"
#include "tests/fuzz/check.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/temporary_folder.h"

namespace securebase::api {
namespace {

struct Fixture {
  Fixture() {
    const std::string path = folder.PathOf("keyring.json");
    FUZZ_CHECK(auth::WritePrivateFile(path, auth::GenerateKeyring(absl::Now())).ok());
    keyring = *auth::OpenKeyringFile(path, clock, nullptr);
    tokens = std::make_unique<PageTokens>(*keyring);
    call.principal.practice = "p1";
    call.principal.subject = "dr-a";
    call.method = "/securebase.testing.v1.NotesService/ListNotes";
    call.time = clock.Now();
    request.set_parent("practices/p1");
  }

  testing::FakeClock clock;
  testing::TemporaryFolder folder;
  std::unique_ptr<auth::KeyringFile> keyring;
  std::unique_ptr<PageTokens> tokens;
  Call call;
  testing::v1::ListNotesRequest request;
};

void TestOneInput(absl::string_view input) {
  static Fixture& fixture = *new Fixture();
  if (input.empty()) {
    return;  // no token and no cursor: the first page
  }
  const auto made_up = fixture.tokens->Open(fixture.call, fixture.request, input);
  FUZZ_CHECK(!made_up.ok() && ReasonOf(made_up.status()) == Reason::kInvalidPageToken);
  const auto token = fixture.tokens->Make(fixture.call, fixture.request, input);
  FUZZ_CHECK(token.ok());
  const auto cursor = fixture.tokens->Open(fixture.call, fixture.request, *token);
  FUZZ_CHECK(cursor.ok() && *cursor == input);
}

}  // namespace
}  // namespace securebase::api

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  securebase::api::TestOneInput({reinterpret_cast<const char*>(data), size});
  return 0;
}
