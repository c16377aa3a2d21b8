// Access tokens. An input is a header and a payload, divided by the first newline. It is tried as a
// token that somebody made up, with any signature, and as one that our issuer signed.
#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/strings/str_cat.h"
#include "services/platform/auth/json_object.h"
#include "services/platform/auth/token_minter.h"
#include "services/platform/auth/token_verifier.h"
#include "services/platform/base/error.h"
#include "services/platform/base/resource_name.h"
#include "tests/fuzz/check.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/temporary_folder.h"

namespace securebase::auth {
namespace {

struct Fixture {
  Fixture()
      : keys(*OpenJwksFile(folder.Write("jwks.json", FormatJwkSet({signer})), clock, nullptr)) {
    TokenVerifierOptions options;
    options.issuer = "https://issuer.example.org";
    options.audience = "securebase";
    options.cache_entries = 100;
    verifier = std::make_unique<TokenVerifier>(options, *keys, clock);
  }

  testing::FakeClock clock;
  testing::TemporaryFolder folder;
  // The example of RFC 8410, section 10.3: the same key on every run, so that a finding can be
  // repeated.
  TokenSigner signer = *TokenSigner::FromPem(Algorithm::kEdDsa, "k1",
                                             "-----BEGIN PRIVATE KEY-----\n"
                                             "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/"
                                             "HU++CXqI9EdVhC\n"
                                             "-----END PRIVATE KEY-----\n");
  std::unique_ptr<JwksFile> keys;
  std::unique_ptr<TokenVerifier> verifier;
};

void CheckRefusal(const absl::Status& status) {
  FUZZ_CHECK(status.code() == absl::StatusCode::kUnauthenticated);
  FUZZ_CHECK(TokenRefusalOf(status) != TokenRefusal::kNone);
  FUZZ_CHECK(ReasonOf(status) != Reason::kUnspecified);
}

void TestOneInput(absl::string_view input) {
  static Fixture& fixture = *new Fixture();
  const size_t newline = input.find('\n');
  const absl::string_view header = input.substr(0, newline);
  const absl::string_view payload =
      newline == absl::string_view::npos ? "" : input.substr(newline + 1);

  (void)BearerToken(input);
  for (const std::string& made_up :
       {std::string(input),
        absl::StrCat(EncodeBase64Url(header), ".", EncodeBase64Url(payload), "."),
        absl::StrCat(EncodeBase64Url(header), ".", EncodeBase64Url(payload), ".",
                     EncodeBase64Url(std::string(64, 'x')))}) {
    const auto refused = fixture.verifier->Verify(made_up);
    FUZZ_CHECK(!refused.ok());
    CheckRefusal(refused.status());
  }

  const std::string token = SignJws(fixture.signer, header, payload);
  const auto principal = fixture.verifier->Verify(token);
  if (!principal.ok()) {
    CheckRefusal(principal.status());
    return;
  }
  FUZZ_CHECK(IsValidId(principal->practice));
  FUZZ_CHECK(!principal->subject.empty());
  FUZZ_CHECK(principal->kind != PrincipalKind::kService);
  FUZZ_CHECK(principal->via_service.empty());
  FUZZ_CHECK((principal->kind == PrincipalKind::kParticipant) == !principal->patient.empty());
  const auto again = fixture.verifier->Verify(token);  // now from the cache
  FUZZ_CHECK(again.ok() && again->subject == principal->subject &&
             again->grants == principal->grants);
}

}  // namespace
}  // namespace securebase::auth

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  securebase::auth::TestOneInput({reinterpret_cast<const char*>(data), size});
  return 0;
}
