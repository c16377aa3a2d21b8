#include "services/platform/auth/jwks.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
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
using ::securebase::testing::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TokenSigner Signer(Algorithm algorithm, std::string kid = "k1") {
  return *TokenSigner::Generate(algorithm, std::move(kid));
}

std::string Set(absl::string_view jwk) { return absl::StrCat("{\"keys\": [", jwk, "]}"); }

std::string ErrorOf(absl::string_view jwks) {
  return std::string(JwkSet::Parse(jwks).status().message());
}

class EveryAlgorithmTest : public ::testing::TestWithParam<Algorithm> {};

TEST_P(EveryAlgorithmTest, ASignatureVerifiesWithItsKeyOnly) {
  const TokenSigner signer = Signer(GetParam());
  ASSERT_OK_AND_ASSIGN(const JwkSet keys, JwkSet::Parse(FormatJwkSet({signer})));
  const VerificationKey* key = keys.Find("k1");
  ASSERT_NE(key, nullptr);
  EXPECT_EQ(key->algorithm, GetParam());
  const std::string signature = signer.Sign("message");
  EXPECT_TRUE(VerifySignature(*key, "message", signature));
  EXPECT_FALSE(VerifySignature(*key, "Message", signature));
  EXPECT_FALSE(VerifySignature(*key, "message", ""));
  EXPECT_FALSE(VerifySignature(*key, "message", signature + '\0'));
  EXPECT_FALSE(VerifySignature(*key, "message", signature.substr(1)));
  std::string tampered = signature;
  tampered[tampered.size() / 2] ^= 1;
  EXPECT_FALSE(VerifySignature(*key, "message", tampered));
  EXPECT_FALSE(VerifySignature(*key, "message", Signer(GetParam()).Sign("message")));
}

TEST_P(EveryAlgorithmTest, ASignerSurvivesItsPem) {
  const TokenSigner signer = Signer(GetParam());
  ASSERT_OK_AND_ASSIGN(const TokenSigner copy,
                       TokenSigner::FromPem(GetParam(), "k1", signer.PrivateKeyPem()));
  EXPECT_EQ(copy.PublicJwk(), signer.PublicJwk());
}

INSTANTIATE_TEST_SUITE_P(Algorithms, EveryAlgorithmTest,
                         ::testing::Values(Algorithm::kRs256, Algorithm::kPs256, Algorithm::kEs256,
                                           Algorithm::kEdDsa),
                         [](const auto& test) { return std::string(AlgorithmName(test.param)); });

TEST(JwksTest, AnRs256SignatureIsNoPs256Signature) {
  const TokenSigner rs = Signer(Algorithm::kRs256);
  const std::string as_ps = absl::StrReplaceAll(FormatJwkSet({rs}), {{"RS256", "PS256"}});
  ASSERT_OK_AND_ASSIGN(const JwkSet keys, JwkSet::Parse(as_ps));
  EXPECT_FALSE(VerifySignature(*keys.Find("k1"), "message", rs.Sign("message")));
}

TEST(JwksTest, KnownAnswerOfRfc8037) {
  // RFC 8037, appendices A.2 and A.4.
  ASSERT_OK_AND_ASSIGN(const JwkSet keys, JwkSet::Parse(Set(R"({"kty":"OKP","crv":"Ed25519",
                            "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})")));
  const std::string signed_bytes = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
  const std::string signature = *DecodeBase64Url(
      "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg");
  EXPECT_TRUE(VerifySignature(*keys.Find(""), signed_bytes, signature));
}

TEST(JwksTest, KnownAnswerOfRfc7515) {
  // RFC 7515, appendix A.3.
  ASSERT_OK_AND_ASSIGN(const JwkSet es256, JwkSet::Parse(Set(R"({"kty":"EC","crv":"P-256",
                            "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                            "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})")));
  const std::string signed_bytes =
      "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLm"
      "NvbS9pc19yb290Ijp0cnVlfQ";
  EXPECT_TRUE(VerifySignature(
      *es256.Find(""), signed_bytes,
      *DecodeBase64Url("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8I"
                       "SlSApmWQxfKTUJqPP3-Kg6NU1Q")));
}

TEST(JwksTest, FindsByKid) {
  ASSERT_OK_AND_ASSIGN(const JwkSet two,
                       JwkSet::Parse(FormatJwkSet(
                           {Signer(Algorithm::kEdDsa, "a"), Signer(Algorithm::kEs256, "b")})));
  EXPECT_EQ(two.Find("b")->algorithm, Algorithm::kEs256);
  EXPECT_EQ(two.Find("c"), nullptr);
  EXPECT_EQ(two.Find(""), nullptr) << "with two keys a token must say which";
}

TEST(JwksTest, SkipsKeysForOtherUses) {
  const std::string good = Signer(Algorithm::kEdDsa).PublicJwk();
  ASSERT_OK_AND_ASSIGN(const JwkSet keys,
                       JwkSet::Parse(Set(absl::StrCat(
                           good, R"(, {"kid":"e","kty":"RSA","use":"enc","n":"AQAB","e":"AQAB"},
                    {"kid":"r","kty":"RSA","alg":"RS512","n":"AQAB","e":"AQAB"},
                    {"kid":"p","kty":"EC","crv":"P-521","x":"AA","y":"AA"},
                    {"kid":"x","kty":"AKP","pub":"AA"})"))));
  EXPECT_THAT(keys.keys(), SizeIs(1));
}

TEST(JwksTest, RefusesPrivateAndSharedKeys) {
  const std::string jwk = Signer(Algorithm::kEdDsa).PublicJwk();
  for (const absl::string_view member : {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}) {
    const std::string leaked =
        absl::StrReplaceAll(jwk, {{"}", absl::StrCat(", \"", member, "\": \"SECRET\"}")}});
    EXPECT_THAT(ErrorOf(Set(leaked)), HasSubstr("private member")) << std::string(member);
    EXPECT_THAT(ErrorOf(Set(leaked)), Not(HasSubstr("SECRET")));
  }
  EXPECT_THAT(ErrorOf(Set(R"({"kty":"oct","k":"c2VjcmV0"})")), HasSubstr("private member"));
}

std::string RsaJwk(int bits) {
  EVP_PKEY* key = EVP_RSA_gen(static_cast<unsigned>(bits));
  BIGNUM* n = nullptr;
  EVP_PKEY_get_bn_param(key, "n", &n);
  std::string bytes(static_cast<size_t>(BN_num_bytes(n)), '\0');
  BN_bn2bin(n, reinterpret_cast<unsigned char*>(bytes.data()));
  BN_free(n);
  EVP_PKEY_free(key);
  return absl::StrCat(R"({"kty":"RSA","kid":"r","e":"AQAB","n":")", EncodeBase64Url(bytes), "\"}");
}

TEST(JwksTest, RefusesShortRsaKeys) {
  EXPECT_THAT(ErrorOf(Set(RsaJwk(1024))), HasSubstr("1024 bits"));
  EXPECT_OK(JwkSet::Parse(Set(RsaJwk(2048))));
}

TEST(JwksTest, RefusesWhatIsNoKey) {
  const std::string ed = Signer(Algorithm::kEdDsa).PublicJwk();
  EXPECT_THAT(ErrorOf("[]"), HasSubstr("JSON object"));
  EXPECT_THAT(ErrorOf("{}"), HasSubstr("\"keys\""));
  EXPECT_THAT(ErrorOf("{\"keys\": 1}"), HasSubstr("\"keys\""));
  EXPECT_THAT(ErrorOf("{\"keys\": []}"), HasSubstr("no usable key"));
  EXPECT_THAT(ErrorOf("{\"keys\": [1]}"), HasSubstr("not an object"));
  EXPECT_THAT(ErrorOf(Set(absl::StrCat(ed, ",", ed))), HasSubstr("appears twice"));
  EXPECT_THAT(ErrorOf("{\"keys\": [], \"keys\": []}"), HasSubstr("distinct"));
  EXPECT_THAT(ErrorOf(Set(R"({"kty":"OKP","crv":"Ed25519","x":"AAAA"})")), HasSubstr("32 bytes"));
  EXPECT_THAT(ErrorOf(Set(R"({"kty":"OKP","crv":"Ed25519"})")), HasSubstr("\"x\""));
  EXPECT_THAT(ErrorOf(Set(R"({"kty":"OKP","crv":"Ed25519","x":"=="})")), HasSubstr("base64url"));
  // A point that is not on the curve.
  const std::string zeros(43, 'A');
  EXPECT_THAT(ErrorOf(Set(absl::StrCat(R"({"kty":"EC","crv":"P-256","x":")", zeros, R"(","y":")",
                                       zeros, "\"}"))),
              HasSubstr("not a valid public key"));
}

TEST(JwksFileTest, FollowsTheFile) {
  const TemporaryFolder dir;
  FakeClock clock;
  std::vector<absl::Status> reloads;
  const std::string path = dir.Write("jwks.json", FormatJwkSet({Signer(Algorithm::kEdDsa, "old")}));
  ASSERT_OK_AND_ASSIGN(const auto file, OpenJwksFile(path, clock, [&](const absl::Status& status) {
                         reloads.push_back(status);
                       }));
  const auto first = file->Current();
  EXPECT_NE(first->Find("old"), nullptr);

  dir.Write("jwks.json", FormatJwkSet({Signer(Algorithm::kEs256, "new")}));
  EXPECT_EQ(file->Current(), first) << "not looked at again within the interval";
  clock.Advance(JwksFile::kInterval);
  const auto second = file->Current();
  EXPECT_NE(second->Find("new"), nullptr);
  EXPECT_EQ(second->Find("old"), nullptr);
  ASSERT_THAT(reloads, SizeIs(1));
  EXPECT_OK(reloads[0]);

  clock.Advance(JwksFile::kInterval);
  EXPECT_EQ(file->Current(), second) << "unchanged: the same pointer";
  EXPECT_THAT(reloads, SizeIs(1));
}

TEST(JwksFileTest, FollowsASymlinkSwapAsKubernetesDoesIt) {
  const TemporaryFolder dir;
  FakeClock clock;
  dir.Write("v1.json", FormatJwkSet({Signer(Algorithm::kEdDsa, "old")}));
  dir.Write("v2.json", FormatJwkSet({Signer(Algorithm::kEdDsa, "new")}));
  const std::string link = dir.PathOf("jwks.json");
  std::filesystem::create_symlink(dir.PathOf("v1.json"), link);
  ASSERT_OK_AND_ASSIGN(const auto file, OpenJwksFile(link, clock, nullptr));
  std::filesystem::create_symlink(dir.PathOf("v2.json"), dir.PathOf("next"));
  std::filesystem::rename(dir.PathOf("next"), link);
  clock.Advance(JwksFile::kInterval);
  EXPECT_NE(file->Current()->Find("new"), nullptr);
}

TEST(JwksFileTest, ABadFileKeepsTheOldKeysAndIsReportedOnce) {
  const TemporaryFolder dir;
  FakeClock clock;
  std::vector<std::string> reloads;
  const std::string good = FormatJwkSet({Signer(Algorithm::kEdDsa, "old")});
  const std::string path = dir.Write("jwks.json", good);
  ASSERT_OK_AND_ASSIGN(const auto file, OpenJwksFile(path, clock, [&](const absl::Status& status) {
                         reloads.push_back(std::string(status.message()));
                       }));
  dir.Write("jwks.json", "garbage");
  for (int i = 0; i < 3; ++i) {
    clock.Advance(JwksFile::kInterval);
    EXPECT_NE(file->Current()->Find("old"), nullptr);
  }
  EXPECT_THAT(reloads, ElementsAre(HasSubstr("jwks.json: is not a JSON object")));

  std::filesystem::remove(path);
  for (int i = 0; i < 3; ++i) {
    clock.Advance(JwksFile::kInterval);
    EXPECT_NE(file->Current()->Find("old"), nullptr);
  }
  ASSERT_THAT(reloads, SizeIs(2));
  EXPECT_THAT(reloads[1], HasSubstr("cannot stat"));

  dir.Write("jwks.json", good);
  clock.Advance(JwksFile::kInterval);
  file->Current();
  ASSERT_THAT(reloads, SizeIs(3));
  EXPECT_THAT(reloads[2], IsEmpty());
}

TEST(JwksFileTest, AMissingFileIsAClearError) {
  const FakeClock clock;
  const auto file = OpenJwksFile("/nowhere/jwks.json", clock, nullptr);
  EXPECT_THAT(std::string(file.status().message()),
              HasSubstr("/nowhere/jwks.json: cannot open (No such file or directory)"));
}

}  // namespace
}  // namespace securebase::auth
