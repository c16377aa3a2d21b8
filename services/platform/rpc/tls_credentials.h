#pragma once

#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "services/platform/auth/tls_files.h"

namespace securebase::rpc {

enum class ClientCertificates {
  kIgnored,   // without a file of authorities
  kVerified,  // a client may come without; one that it shows must verify
  kRequired,
};

// TLS of a server from files that are looked at again every few seconds, so that a renewed
// certificate needs no restart. They must be those of auth::FollowedTlsFiles::good: with others
// gRPC may refuse every handshake, or end the process. The only place of the services that uses
// gRPC's experimental TLS interface.
std::shared_ptr<grpc::ServerCredentials> MakeTlsServerCredentials(
    const auth::TlsFiles& files, ClientCertificates client_certificates);

}  // namespace securebase::rpc
