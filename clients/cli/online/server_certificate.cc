#include "clients/cli/online/server_certificate.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <memory>

#include "absl/strings/strip.h"

namespace securebase::cli {
namespace {

constexpr int kSeconds = 5;

CertificateProblem ProblemOf(long verified) {  // NOLINT(google-runtime-int): as OpenSSL has it
  switch (verified) {
    case X509_V_OK:
      return CertificateProblem::kUnknown;
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return CertificateProblem::kExpired;
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return CertificateProblem::kNotYetValid;
    default:
      return CertificateProblem::kOther;
  }
}

}  // namespace

CertificateProblem FindCertificateProblem(const std::string& address, const std::string& ca_file) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  SSL_CTX_free);
  const bool loaded =
      context != nullptr &&
      (ca_file.empty() ? SSL_CTX_set_default_verify_paths(context.get())
                       : SSL_CTX_load_verify_file(context.get(), ca_file.c_str())) == 1;
  CertificateProblem problem = CertificateProblem::kUnknown;
  if (loaded) {
    const std::unique_ptr<BIO, decltype(&BIO_free_all)> bio(BIO_new_ssl_connect(context.get()),
                                                            BIO_free_all);
    SSL* ssl = nullptr;
    if (bio != nullptr && BIO_get_ssl(bio.get(), &ssl) == 1 && ssl != nullptr) {
      // Nothing is sent, so the handshake may go on with a certificate that is not good.
      SSL_set_verify(ssl, SSL_VERIFY_NONE, nullptr);
      const std::string host_and_port(absl::StripPrefix(address, "dns:///"));
      BIO_set_conn_hostname(bio.get(), host_and_port.c_str());
      if (BIO_do_connect_retry(bio.get(), kSeconds, -1) == 1) {
        problem = ProblemOf(SSL_get_verify_result(ssl));
      }
    }
  }
  ERR_clear_error();
  return problem;
}

}  // namespace securebase::cli
