#include "services/platform/auth/tls_files.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/platform/auth/dev_pki.h"
#include "services/platform/auth/file.h"
#include "services/platform/auth/openssl.h"
#include "services/platform/auth/token_minter.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temporary_folder.h"

namespace securebase::auth {
namespace {

using ::securebase::testing::FakeClock;
using ::securebase::testing::TemporaryFolder;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::SizeIs;

X509Ptr Parse(const std::string& pem) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return X509Ptr(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

// What OpenSSL itself says of a certificate for a purpose at a time.
int VerifyAs(const std::string& pem, const DevCa& ca, int purpose, absl::Time time) {
  const X509Ptr certificate = Parse(pem);
  const X509Ptr authority = Parse(ca.certificate_pem());
  X509_STORE* store = X509_STORE_new();
  X509_STORE_add_cert(store, authority.get());
  X509_STORE_CTX* context = X509_STORE_CTX_new();
  X509_STORE_CTX_init(context, store, certificate.get(), nullptr);
  X509_STORE_CTX_set_purpose(context, purpose);
  X509_STORE_CTX_set_time(context, 0, absl::ToTimeT(time));
  X509_verify_cert(context);
  const int error = X509_STORE_CTX_get_error(context);
  X509_STORE_CTX_free(context);
  X509_STORE_free(store);
  return error;
}

class TlsFilesTest : public ::testing::Test {
 protected:
  TlsFilesTest()
      : pki_(*WriteDevPki(dir_.path(), {"plans", "ehr"}, clock_.Now(), absl::Hours(24))) {}

  std::vector<std::string> Check(const TlsFiles& files) {
    return CheckTlsFiles(files, clock_.Now());
  }
  TlsFiles WithCertificate(const std::string& pem) {
    TlsFiles files = pki_.server;
    files.certificate = dir_.Write("other.crt", pem);
    return files;
  }

  const TemporaryFolder dir_;
  FakeClock clock_;
  const DevPki pki_;
};

TEST_F(TlsFilesTest, TheFilesOfADevelopmentPkiAreGood) {
  EXPECT_THAT(Check(pki_.server), IsEmpty());
  ASSERT_THAT(pki_.clients, SizeIs(2));
  EXPECT_THAT(Check(pki_.clients[0]), IsEmpty());
  EXPECT_THAT(Check({}), IsEmpty());
  for (const std::string& path : {pki_.server.key, pki_.server.certificate, pki_.clients[1].key}) {
    struct stat info = {};
    ASSERT_EQ(stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u) << path;
  }
}

TEST_F(TlsFilesTest, MissingFilesAreNamed) {
  EXPECT_THAT(Check({"/no/crt", "/no/key", "/no/ca"}),
              ElementsAre(HasSubstr("/no/crt: cannot open"), HasSubstr("/no/key: cannot open"),
                          HasSubstr("/no/ca: cannot open")));
}

TEST_F(TlsFilesTest, AKeyOfAnotherCertificateIsNoticed) {
  TlsFiles files = pki_.server;
  files.key = pki_.clients[0].key;
  EXPECT_THAT(Check(files), ElementsAre(HasSubstr("does not belong to the first certificate")));
}

TEST_F(TlsFilesTest, AKeyThatOthersMayReadIsRefused) {
  ASSERT_EQ(chmod(pki_.server.key.c_str(), 0644), 0);
  EXPECT_THAT(Check(pki_.server), ElementsAre(HasSubstr("has mode 0644; run chmod 0600")));
}

TEST_F(TlsFilesTest, WhatIsNoPemIsNoticed) {
  TlsFiles files = pki_.server;
  files.key = dir_.PathOf("bad.key");
  ASSERT_OK(WritePrivateFile(files.key, "-----BEGIN PRIVATE KEY-----\nxx\n"));
  EXPECT_THAT(Check(files), ElementsAre(HasSubstr("is no unencrypted PEM private key")));
  EXPECT_THAT(Check(WithCertificate("")), ElementsAre(HasSubstr("is no PEM certificate chain")));
  const std::string good = ReadFile(pki_.server.certificate, Secrecy::kPublic)->bytes;
  EXPECT_THAT(Check(WithCertificate(good)), IsEmpty());
  EXPECT_THAT(Check(WithCertificate(good + "-----BEGIN CERTIFICATE-----\nAAAA\n")),
              ElementsAre(HasSubstr("is no PEM certificate chain")))
      << "a damaged certificate after a good one";
}

TEST_F(TlsFilesTest, AnEncryptedKeyDoesNotAskAtTheTerminal) {
  const TokenSigner signer = *TokenSigner::Generate(Algorithm::kEs256, "k");
  const std::string pem = signer.PrivateKeyPem();
  const BioPtr in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const PkeyPtr key(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr));
  const BioPtr out(BIO_new(BIO_s_mem()));
  PEM_write_bio_PKCS8PrivateKey(out.get(), key.get(), EVP_aes_256_cbc(), "pass", 4, nullptr,
                                nullptr);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  TlsFiles files = pki_.server;
  files.key = dir_.PathOf("encrypted.key");
  ASSERT_OK(WritePrivateFile(files.key, std::string(data, static_cast<size_t>(size))));
  EXPECT_THAT(Check(files), ElementsAre(HasSubstr("is no unencrypted PEM private key")));
}

TEST_F(TlsFilesTest, ExpiredAndFutureCertificatesAreNamedWithTheirDates) {
  clock_.Advance(absl::Hours(24));
  EXPECT_THAT(Check(pki_.server),
              ElementsAre(AllOf(HasSubstr("server.crt: certificate 1 expired on 2026-01-02 09:00"),
                                HasSubstr("renew it")),
                          HasSubstr("ca.crt: certificate 1 expired on")));
  clock_.Advance(-absl::Hours(26));
  EXPECT_THAT(Check(pki_.server),
              ElementsAre(HasSubstr("is not valid before 2026-01-01 08:00 UTC; check this "
                                    "machine's clock"),
                          HasSubstr("ca.crt")));
}

TEST_F(TlsFilesTest, AnExpiredAuthorityMayStayBesideItsSuccessor) {
  const DevCa next = *DevCa::Make(clock_.Now(), absl::Hours(100));
  TlsFiles files;
  files.ca = dir_.Write("bundle.crt",
                        ReadFile(pki_.server.ca, Secrecy::kPublic)->bytes + next.certificate_pem());
  clock_.Advance(absl::Hours(50));
  EXPECT_THAT(Check(files), IsEmpty());
}

TEST_F(TlsFilesTest, AServerCertificateIsNoAuthority) {
  TlsFiles files;
  files.ca = pki_.server.certificate;
  EXPECT_THAT(Check(files), ElementsAre(HasSubstr("certificate 1 is not an authority's")));
}

TEST_F(TlsFilesTest, ExpiryIsTheFirstOfAChainAndTheLastOfAuthorities) {
  const absl::Time day = clock_.Now() + absl::Hours(24);
  const auto near_enough = [](absl::Time time) {
    return AllOf(Ge(time - absl::Hours(2)), Le(time + absl::Hours(2)));
  };
  EXPECT_THAT(*ChainExpiry(pki_.server.certificate), near_enough(day));
  EXPECT_THAT(*AuthoritiesExpiry(pki_.server.ca), near_enough(day));

  const DevCa later = *DevCa::Make(clock_.Now(), absl::Hours(24 * 30));
  const DevCa sooner = *DevCa::Make(clock_.Now(), absl::Hours(24 * 3));
  const std::string both =
      dir_.Write("both.crt", later.IssueServer({"a"})->certificate_pem + sooner.certificate_pem());
  EXPECT_THAT(*ChainExpiry(both), near_enough(clock_.Now() + absl::Hours(24 * 3)));
  EXPECT_THAT(*AuthoritiesExpiry(both), near_enough(clock_.Now() + absl::Hours(24 * 30)));

  EXPECT_FALSE(ChainExpiry(dir_.PathOf("none.crt")).ok());
  EXPECT_FALSE(AuthoritiesExpiry(dir_.Write("text.crt", "text")).ok());
}

TEST_F(TlsFilesTest, CertificatesServeTheirPurposeOnly) {
  const DevCa ca = *DevCa::Make(clock_.Now(), absl::Hours(24));
  const DevCa other = *DevCa::Make(clock_.Now(), absl::Hours(24));
  const std::string server = ca.IssueServer(LoopbackNames())->certificate_pem;
  const std::string client = ca.IssueClient({"spiffe://securebase/plans"})->certificate_pem;
  const absl::Time now = clock_.Now();
  EXPECT_EQ(VerifyAs(server, ca, X509_PURPOSE_SSL_SERVER, now), X509_V_OK);
  EXPECT_EQ(VerifyAs(client, ca, X509_PURPOSE_SSL_CLIENT, now), X509_V_OK);
  EXPECT_EQ(VerifyAs(server, ca, X509_PURPOSE_SSL_CLIENT, now), X509_V_ERR_INVALID_PURPOSE);
  EXPECT_EQ(VerifyAs(client, ca, X509_PURPOSE_SSL_SERVER, now), X509_V_ERR_INVALID_PURPOSE);
  EXPECT_NE(VerifyAs(server, other, X509_PURPOSE_SSL_SERVER, now), X509_V_OK);
  EXPECT_EQ(VerifyAs(server, ca, X509_PURPOSE_SSL_SERVER, now + absl::Hours(25)),
            X509_V_ERR_CERT_HAS_EXPIRED);

  const X509Ptr parsed = Parse(server);
  EXPECT_EQ(X509_check_host(parsed.get(), "localhost", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_ip_asc(parsed.get(), "127.0.0.1", 0), 1);
  EXPECT_EQ(X509_check_ip_asc(parsed.get(), "::1", 0), 1);
  EXPECT_EQ(X509_check_host(parsed.get(), "example.org", 0, 0, nullptr), 0);
}

TEST_F(TlsFilesTest, ANameCannotSmuggleInAnother) {
  const DevCa ca = *DevCa::Make(clock_.Now(), absl::Hours(24));
  EXPECT_FALSE(ca.IssueClient({"a,DNS:plans"}).ok());
  EXPECT_FALSE(ca.IssueClient({}).ok());
}

}  // namespace
}  // namespace securebase::auth
