#pragma once

#include <string>

namespace securebase::cli {

enum class CertificateProblem { kUnknown, kExpired, kNotYetValid, kOther };

// Why the certificate of the server at "host:port" cannot be trusted by the authorities of a PEM
// file (empty: the system's). gRPC says only that it cannot, so this connects once more and looks,
// for some seconds at most. kUnknown: there is no answer, or nothing wrong with it. Its names are
// not looked at.
CertificateProblem FindCertificateProblem(const std::string& address, const std::string& ca_file);

}  // namespace securebase::cli
