#include "services/platform/rpc/tls_credentials.h"

#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>

namespace securebase::rpc {
namespace {

constexpr unsigned int kRefreshSeconds = 2;

grpc_ssl_client_certificate_request_type RequestType(ClientCertificates client_certificates) {
  switch (client_certificates) {
    case ClientCertificates::kIgnored:
      return GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE;
    case ClientCertificates::kVerified:
      return GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY;
    case ClientCertificates::kRequired:
      break;
  }
  return GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
}

}  // namespace

std::shared_ptr<grpc::ServerCredentials> MakeTlsServerCredentials(
    const auth::TlsFiles& files, ClientCertificates client_certificates) {
  auto provider = std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
      files.key, files.certificate, files.ca, kRefreshSeconds);
  grpc::experimental::TlsServerCredentialsOptions options(provider);
  options.watch_identity_key_cert_pairs();
  if (client_certificates != ClientCertificates::kIgnored) {
    options.watch_root_certs();
  }
  options.set_cert_request_type(RequestType(client_certificates));
  return grpc::experimental::TlsServerCredentials(options);
}

}  // namespace securebase::rpc
