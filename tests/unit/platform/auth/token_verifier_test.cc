#include "services/platform/auth/token_verifier.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/platform/auth/json_object.h"
#include "services/platform/auth/token_minter.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temporary_folder.h"

namespace securebase::auth {
namespace {

using ::securebase::testing::FakeClock;
using ::securebase::testing::IsError;
using ::securebase::testing::TemporaryFolder;
using ::testing::HasSubstr;

// The refusal that a token met, kNone when it was accepted.
MATCHER_P2(IsRefused, reason, refusal, "") {
  *result_listener << arg.status().ToString() << " "
                   << std::string(TokenRefusalName(TokenRefusalOf(arg.status())));
  return arg.status().code() == absl::StatusCode::kUnauthenticated &&
         ReasonOf(arg.status()) == reason && TokenRefusalOf(arg.status()) == refusal;
}

// One for all tests: making an RSA key takes a quarter of a second.
const TokenSigner& RsaSigner() {
  static const TokenSigner& signer =
      *new TokenSigner(*TokenSigner::Generate(Algorithm::kRs256, "k2"));
  return signer;
}

class TokenVerifierTest : public ::testing::Test {
 protected:
  TokenVerifierTest() {
    dir_.Write("jwks.json", FormatJwkSet({signer_, other_}));
    keys_ = *OpenJwksFile(dir_.PathOf("jwks.json"), clock_, nullptr);
    MakeVerifier({});
    request_.issuer = "https://issuer.example.org";
    request_.audience = "securebase";
    request_.practice = "p1";
    request_.kind = PrincipalKind::kStaff;
    request_.subject = "dr-a";
    request_.scope = "openid user/Goal.rs";
    request_.issued = clock_.Now();
  }

  void MakeVerifier(TokenVerifierOptions options) {
    options.issuer = "https://issuer.example.org";
    options.audience = "securebase";
    verifier_ = std::make_unique<TokenVerifier>(options, *keys_, clock_);
  }

  std::string Mint() const { return MintToken(signer_, request_); }
  absl::StatusOr<Principal> Verify(absl::string_view token) { return verifier_->Verify(token); }

  std::string Header(absl::string_view more = "") const {
    return absl::StrCat(R"({"typ":"at+jwt","alg":"EdDSA","kid":"k1")", more, "}");
  }
  absl::StatusOr<Principal> VerifyHeader(absl::string_view header) {
    return Verify(SignJws(signer_, header, FormatClaims(request_)));
  }
  // Verifies a token whose claims have `from` replaced by `to`.
  absl::StatusOr<Principal> VerifyClaims(absl::string_view from, absl::string_view to) {
    const std::string claims = FormatClaims(request_);
    const std::string changed = absl::StrReplaceAll(claims, {{from, to}});
    EXPECT_NE(changed, claims) << "the test replaces nothing";
    return Verify(SignJws(signer_, Header(), changed));
  }

  const TemporaryFolder dir_;
  FakeClock clock_;
  const TokenSigner signer_ = *TokenSigner::Generate(Algorithm::kEdDsa, "k1");
  const TokenSigner& other_ = RsaSigner();
  std::unique_ptr<JwksFile> keys_;
  std::unique_ptr<TokenVerifier> verifier_;
  TokenRequest request_;
};

TEST_F(TokenVerifierTest, AGoodTokenMakesAPrincipal) {
  ASSERT_OK_AND_ASSIGN(const Principal principal, Verify(Mint()));
  EXPECT_EQ(principal.practice, "p1");
  EXPECT_EQ(principal.kind, PrincipalKind::kStaff);
  EXPECT_EQ(principal.subject, "dr-a");
  EXPECT_EQ(principal.patient, "");
  EXPECT_EQ(principal.via_service, "");
  EXPECT_TRUE(HasScope(principal, "Goal.r"));
  EXPECT_FALSE(HasScope(principal, "Goal.u"));
}

TEST_F(TokenVerifierTest, EveryAlgorithmIsAccepted) {
  for (const Algorithm algorithm :
       {Algorithm::kRs256, Algorithm::kPs256, Algorithm::kEs256, Algorithm::kEdDsa}) {
    const TokenSigner signer = *TokenSigner::Generate(algorithm, "only");
    const TemporaryFolder dir;
    dir.Write("jwks.json", FormatJwkSet({signer}));
    const auto keys = *OpenJwksFile(dir.PathOf("jwks.json"), clock_, nullptr);
    TokenVerifierOptions options;
    options.issuer = request_.issuer;
    options.audience = request_.audience;
    TokenVerifier verifier(options, *keys, clock_);
    EXPECT_OK(verifier.Verify(MintToken(signer, request_))) << AlgorithmName(algorithm);
  }
}

TEST_F(TokenVerifierTest, BearerTokenReadsTheHeader) {
  EXPECT_EQ(*BearerToken("Bearer abc"), "abc");
  EXPECT_EQ(*BearerToken("bearer abc "), "abc");
  for (const absl::string_view header : {"", "Bearer", "Bearer ", "Basic abc", "abc"}) {
    EXPECT_THAT(BearerToken(header), IsRefused(Reason::kTokenMissing, TokenRefusal::kMissing));
  }
  EXPECT_THAT(Verify(""), IsRefused(Reason::kTokenMissing, TokenRefusal::kMissing));
}

TEST_F(TokenVerifierTest, ChangingAnyCharacterBreaksIt) {
  const std::string token = Mint();
  for (size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    // The last character of a part may carry bits that decode to nothing: then the bytes are equal,
    // and so only the signature's own end may pass.
    const absl::StatusOr<Principal> result = Verify(changed);
    EXPECT_FALSE(result.ok() && i + 1 != token.size()) << "at " << i;
  }
  EXPECT_OK(Verify(token));
}

TEST_F(TokenVerifierTest, WhatIsNoTokenIsRefused) {
  const std::string token = Mint();
  const auto malformed = IsRefused(Reason::kTokenInvalid, TokenRefusal::kMalformed);
  EXPECT_THAT(Verify("x"), malformed);
  EXPECT_THAT(Verify(".."), malformed);
  EXPECT_THAT(Verify(token + "."), malformed);
  EXPECT_THAT(Verify(token + "="), malformed);
  EXPECT_THAT(Verify(" " + token), malformed);
  EXPECT_THAT(Verify(token.substr(0, token.rfind('.'))), malformed);
  EXPECT_THAT(Verify(absl::StrCat(EncodeBase64Url("[]"), ".e30.AA")), malformed);
  EXPECT_THAT(VerifyHeader(R"({"typ":"JWT","alg":"EdDSA","kid":1})"), malformed);
}

TEST_F(TokenVerifierTest, HugeTokensAreNotLookedAt) {
  request_.scope = std::string(kMaxTokenBytes, 'x');
  EXPECT_THAT(Verify(Mint()), IsRefused(Reason::kTokenInvalid, TokenRefusal::kTooLarge));
  EXPECT_THAT(Verify(std::string(1 << 20, '.')),
              IsRefused(Reason::kTokenInvalid, TokenRefusal::kTooLarge));
}

TEST_F(TokenVerifierTest, AlgNoneIsRefused) {
  for (const absl::string_view none : {"none", "None", "NONE", ""}) {
    const std::string header = absl::StrCat(R"({"typ":"JWT","kid":"k1","alg":")", none, "\"}");
    EXPECT_THAT(VerifyHeader(header), IsRefused(Reason::kTokenInvalid, TokenRefusal::kAlgorithm));
    const std::string unsigned_token =
        absl::StrCat(EncodeBase64Url(header), ".", EncodeBase64Url(FormatClaims(request_)), ".");
    EXPECT_THAT(Verify(unsigned_token), IsRefused(Reason::kTokenInvalid, TokenRefusal::kAlgorithm));
  }
}

TEST_F(TokenVerifierTest, Hs256WithThePublicKeyIsRefused) {
  const std::string body =
      absl::StrCat(EncodeBase64Url(R"({"typ":"JWT","kid":"k2","alg":"HS256"})"), ".",
                   EncodeBase64Url(FormatClaims(request_)));
  const std::string secret = other_.PublicKeyPem();
  unsigned char mac[32];
  unsigned size = sizeof(mac);
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(body.data()), body.size(), mac, &size);
  const std::string token = absl::StrCat(
      body, ".",
      EncodeBase64Url(absl::string_view(reinterpret_cast<const char*>(mac), sizeof(mac))));
  EXPECT_THAT(Verify(token), IsRefused(Reason::kTokenInvalid, TokenRefusal::kAlgorithm));
}

TEST_F(TokenVerifierTest, TheHeaderCannotChooseTheAlgorithm) {
  // k2 is an RS256 key; a correct PS256 signature of the same key is not accepted.
  const TokenSigner as_ps = *TokenSigner::FromPem(Algorithm::kPs256, "k2", other_.PrivateKeyPem());
  EXPECT_OK(Verify(MintToken(other_, request_)));
  EXPECT_THAT(Verify(MintToken(as_ps, request_)),
              IsRefused(Reason::kTokenInvalid, TokenRefusal::kAlgorithm));
}

TEST_F(TokenVerifierTest, KidChoosesTheKey) {
  EXPECT_THAT(VerifyHeader(R"({"typ":"JWT","alg":"EdDSA","kid":"k3"})"),
              IsRefused(Reason::kTokenInvalid, TokenRefusal::kUnknownKey));
  EXPECT_THAT(VerifyHeader(R"({"typ":"JWT","alg":"EdDSA"})"),
              IsRefused(Reason::kTokenInvalid, TokenRefusal::kUnknownKey));
  const TokenSigner stranger = *TokenSigner::Generate(Algorithm::kEdDsa, "k1");
  EXPECT_THAT(Verify(MintToken(stranger, request_)),
              IsRefused(Reason::kTokenInvalid, TokenRefusal::kSignature));
}

TEST_F(TokenVerifierTest, AKeyInTheHeaderIsIgnored) {
  const TokenSigner stranger = *TokenSigner::Generate(Algorithm::kEdDsa, "k1");
  const std::string token = SignJws(
      stranger, Header(absl::StrCat(",\"jwk\":", stranger.PublicJwk())), FormatClaims(request_));
  EXPECT_THAT(Verify(token), IsRefused(Reason::kTokenInvalid, TokenRefusal::kSignature));
}

TEST_F(TokenVerifierTest, TypeMustBeAnAccessToken) {
  for (const absl::string_view type : {"JWT", "jwt", "at+jwt", "application/at+JWT"}) {
    EXPECT_OK(VerifyHeader(absl::StrCat(R"({"alg":"EdDSA","kid":"k1","typ":")", type, "\"}")));
  }
  for (const absl::string_view type : {"", "dpop+jwt", "logout+jwt", "JWE"}) {
    EXPECT_THAT(VerifyHeader(absl::StrCat(R"({"alg":"EdDSA","kid":"k1","typ":")", type, "\"}")),
                IsRefused(Reason::kTokenInvalid, TokenRefusal::kType));
  }
  EXPECT_THAT(VerifyHeader(R"({"alg":"EdDSA","kid":"k1"})"),
              IsRefused(Reason::kTokenInvalid, TokenRefusal::kType));
}

TEST_F(TokenVerifierTest, CriticalExtensionsAreRefused) {
  EXPECT_THAT(VerifyHeader(Header(R"(,"crit":["b64"],"b64":false)")),
              IsRefused(Reason::kTokenInvalid, TokenRefusal::kCritical));
  EXPECT_THAT(VerifyHeader(Header(R"(,"crit":[])")),
              IsRefused(Reason::kTokenInvalid, TokenRefusal::kCritical));
}

TEST_F(TokenVerifierTest, DuplicateMembersAreRefused) {
  const auto malformed = IsRefused(Reason::kTokenInvalid, TokenRefusal::kMalformed);
  EXPECT_THAT(VerifyHeader(Header(R"(,"alg":"EdDSA")")), malformed);
  EXPECT_THAT(VerifyHeader(Header(R"(,"\u0061lg":"EdDSA")")), malformed);
  EXPECT_THAT(VerifyClaims(R"("practice":"p1")", R"("practice":"p1","practice":"p2")"), malformed);
  EXPECT_THAT(VerifyClaims(R"("practice":"p1")", R"("practice":"p1","pr\u0061ctice":"p2")"),
              malformed);
  EXPECT_THAT(VerifyClaims(R"("practice":"p1")", R"("practice":"p1","x":{"a":1,"a":2})"),
              malformed);
}

TEST_F(TokenVerifierTest, IssuerMustBeExact) {
  const auto refused = IsRefused(Reason::kTokenInvalid, TokenRefusal::kIssuer);
  EXPECT_THAT(VerifyClaims("issuer.example.org", "issuer.example.org/"), refused);
  EXPECT_THAT(VerifyClaims(R"("iss":"https://issuer.example.org",)", ""), refused);
}

TEST_F(TokenVerifierTest, AudienceMayBeAnArray) {
  const auto refused = IsRefused(Reason::kTokenInvalid, TokenRefusal::kAudience);
  constexpr absl::string_view kAud = R"("aud":"securebase")";
  EXPECT_OK(VerifyClaims(kAud, R"("aud":["other","securebase"])"));
  EXPECT_THAT(VerifyClaims(kAud, R"("aud":["other"])"), refused);
  EXPECT_THAT(VerifyClaims(kAud, R"("aud":[])"), refused);
  EXPECT_THAT(VerifyClaims(kAud, R"("aud":["securebase",1])"), refused);
  EXPECT_THAT(VerifyClaims(kAud, R"("aud":{"a":"securebase"})"), refused);
  EXPECT_THAT(VerifyClaims(kAud, R"("aud":"securebase2")"), refused);
  EXPECT_THAT(VerifyClaims(R"("aud":"securebase",)", ""), refused);
}

TEST_F(TokenVerifierTest, ExpiryHasALeewayOfThirtySeconds) {
  const std::string token = Mint();
  clock_.Advance(absl::Minutes(15) + absl::Seconds(29));
  EXPECT_OK(Verify(token));
  clock_.Advance(absl::Seconds(1));
  EXPECT_THAT(Verify(token), IsRefused(Reason::kTokenExpired, TokenRefusal::kExpired));
}

TEST_F(TokenVerifierTest, ALargerLeewayIsNotGranted) {
  TokenVerifierOptions options;
  options.leeway = absl::Hours(1);
  MakeVerifier(options);
  const std::string token = Mint();
  clock_.Advance(absl::Minutes(16));
  EXPECT_THAT(Verify(token), IsRefused(Reason::kTokenExpired, TokenRefusal::kExpired));
}

TEST_F(TokenVerifierTest, NotBeforeAndIssuedAtMustHaveCome) {
  const int64_t now = absl::ToUnixSeconds(clock_.Now());
  const std::string iat = absl::StrCat("\"iat\":", now);
  const auto refused = IsRefused(Reason::kTokenExpired, TokenRefusal::kNotYetValid);
  EXPECT_OK(VerifyClaims(iat, absl::StrCat("\"nbf\":", now + 30)));
  EXPECT_THAT(VerifyClaims(iat, absl::StrCat("\"nbf\":", now + 31)), refused);
  EXPECT_THAT(VerifyClaims(iat, absl::StrCat("\"iat\":", now + 31)), refused);
}

TEST_F(TokenVerifierTest, TimesMustBeTimes) {
  const std::string exp =
      absl::StrCat("\"exp\":", absl::ToUnixSeconds(clock_.Now() + absl::Minutes(15)));
  for (const absl::string_view bad : {R"("exp":"9999999999")", R"("exp":-1)", R"("exp":1e300)",
                                      R"("exp":null)", R"("exp":true)", R"("x":1)"}) {
    EXPECT_THAT(VerifyClaims(exp, bad), IsRefused(Reason::kTokenInvalid, TokenRefusal::kClaims))
        << std::string(bad);
  }
  EXPECT_THAT(VerifyClaims(exp, R"("exp":NaN)"),
              IsRefused(Reason::kTokenInvalid, TokenRefusal::kMalformed));
}

TEST_F(TokenVerifierTest, APrincipalMustBeNamedProperly) {
  const auto refused = IsRefused(Reason::kTokenInvalid, TokenRefusal::kClaims);
  EXPECT_THAT(VerifyClaims(R"("practice":"p1")", R"("practice":"p1/goals/g")"), refused);
  EXPECT_THAT(VerifyClaims(R"("practice":"p1")", R"("practice":"")"), refused);
  EXPECT_THAT(VerifyClaims(R"("practice":"p1")", R"("practice":["p1"])"), refused);
  EXPECT_THAT(VerifyClaims(R"("practice":"p1",)", ""), refused);
  EXPECT_THAT(VerifyClaims(R"("sub":"dr-a",)", ""), refused);
  EXPECT_THAT(VerifyClaims(R"("sub":"dr-a")", R"("sub":"dr\na")"), refused);
  EXPECT_THAT(
      VerifyClaims(R"("sub":"dr-a")", absl::StrCat(R"("sub":")", std::string(201, 'x'), "\"")),
      refused);
  EXPECT_THAT(VerifyClaims(R"("principal_kind":"staff")", R"("principal_kind":"admin")"), refused);
  EXPECT_THAT(VerifyClaims(R"("principal_kind":"staff",)", ""), refused);
}

TEST_F(TokenVerifierTest, ATokenCannotMakeAService) {
  request_.kind = PrincipalKind::kService;
  EXPECT_THAT(Verify(Mint()), IsRefused(Reason::kTokenInvalid, TokenRefusal::kClaims));
}

TEST_F(TokenVerifierTest, ParticipantsNeedTheirPatient) {
  request_.kind = PrincipalKind::kParticipant;
  request_.scope = "patient/Goal.r";
  EXPECT_THAT(Verify(Mint()), IsRefused(Reason::kTokenInvalid, TokenRefusal::kClaims));
  request_.patient = "ehr-7";
  ASSERT_OK_AND_ASSIGN(const Principal principal, Verify(Mint()));
  EXPECT_EQ(principal.patient, "ehr-7");
  EXPECT_TRUE(HasScope(principal, "Goal.r"));
}

TEST_F(TokenVerifierTest, ScopeMayBeAnArrayOrAbsent) {
  ASSERT_OK_AND_ASSIGN(Principal principal,
                       VerifyClaims(R"("openid user/Goal.rs")", R"(["openid","user/Goal.u"])"));
  EXPECT_TRUE(HasScope(principal, "Goal.u"));
  ASSERT_OK_AND_ASSIGN(principal, VerifyClaims(R"(,"scope":"openid user/Goal.rs")", ""));
  EXPECT_TRUE(principal.grants.empty());
  EXPECT_THAT(VerifyClaims(R"("openid user/Goal.rs")", "7"),
              IsRefused(Reason::kTokenInvalid, TokenRefusal::kClaims));
}

TEST_F(TokenVerifierTest, ClaimNamesAreConfigurable) {
  TokenVerifierOptions options;
  options.claims = {"https://example.org/tenant", "role", "fhir_patient", "scp"};
  MakeVerifier(options);
  EXPECT_FALSE(Verify(Mint()).ok());
  request_.claims = options.claims;
  ASSERT_OK_AND_ASSIGN(const Principal principal, Verify(Mint()));
  EXPECT_EQ(principal.practice, "p1");
  EXPECT_TRUE(HasScope(principal, "Goal.r"));
}

TEST_F(TokenVerifierTest, ErrorsNeverRepeatTheTokenNorTheCheck) {
  request_.practice = "SECRET/1";
  const absl::Status claims = Verify(Mint()).status();
  const absl::Status signature =
      Verify(MintToken(*TokenSigner::Generate(Algorithm::kEdDsa, "k1"), request_)).status();
  EXPECT_EQ(claims.message(), signature.message());
  EXPECT_EQ(claims.message(),
            "the token cannot be verified; get one from the configured issuer for this service");
}

TEST_F(TokenVerifierTest, ACachedTokenStillExpires) {
  const std::string token = Mint();
  clock_.Advance(absl::Minutes(15));
  EXPECT_OK(Verify(token));
  clock_.Advance(absl::Seconds(30));  // within the cache's 60 s
  EXPECT_THAT(Verify(token), IsRefused(Reason::kTokenExpired, TokenRefusal::kExpired));
}

TEST_F(TokenVerifierTest, AReloadOfTheKeysForgetsCachedTokens) {
  const std::string token = Mint();
  EXPECT_OK(Verify(token));
  dir_.Write("jwks.json", FormatJwkSet({other_}));
  clock_.Advance(JwksFile::kInterval);
  EXPECT_THAT(Verify(token), IsRefused(Reason::kTokenInvalid, TokenRefusal::kUnknownKey));
  EXPECT_OK(Verify(MintToken(other_, request_)));
}

TEST_F(TokenVerifierTest, ASmallCacheStaysCorrect) {
  TokenVerifierOptions options;
  options.cache_entries = 2;
  MakeVerifier(options);
  for (int i = 0; i < 10; ++i) {
    request_.subject = absl::StrCat("s", i);
    const std::string token = Mint();
    for (int repeat = 0; repeat < 2; ++repeat) {
      ASSERT_OK_AND_ASSIGN(const Principal principal, Verify(token));
      EXPECT_EQ(principal.subject, request_.subject);
    }
  }
}

TEST_F(TokenVerifierTest, ThreadsMayShareAVerifier) {
  std::vector<std::thread> threads;
  std::vector<std::string> tokens;
  for (int i = 0; i < 4; ++i) {
    request_.subject = absl::StrCat("s", i);
    tokens.push_back(Mint());
  }
  std::atomic<int> wrong = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int j = 0; j < 200; ++j) {
        const auto principal = verifier_->Verify(tokens[static_cast<size_t>((i + j) % 4)]);
        if (!principal.ok() || principal->subject != absl::StrCat("s", (i + j) % 4)) {
          ++wrong;
        }
        if (j == 100) {
          clock_.Advance(JwksFile::kInterval);
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace securebase::auth
