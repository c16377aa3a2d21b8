#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace securebase::auth {

// One side of a TLS connection, as paths of PEM files. An empty path: not used.
struct TlsFiles {
  std::string certificate;  // the chain, own certificate first
  std::string key;          // its private key; only its owner may read it
  std::string ca;           // who may have issued the other side's certificate
};

// What is wrong with these files at `now`, one line for each problem, with what to do about it;
// empty if they can be used. gRPC itself would start with files that are missing or do not belong
// together, and then refuse every handshake without saying why.
//
// Checked: every file can be read and parsed, the key is private to its owner and belongs to the
// first certificate, no certificate of the chain has expired or is not valid yet, the CA file holds
// authorities only and at least one that is valid.
std::vector<std::string> CheckTlsFiles(const TlsFiles& files, absl::Time now);

// OK, or FAILED_PRECONDITION with all that CheckTlsFiles finds.
absl::Status RequireTlsFiles(const TlsFiles& files, absl::Time now);

// When the chain in this file stops being valid: the first end among its certificates.
// FAILED_PRECONDITION when it cannot be read or parsed.
absl::StatusOr<absl::Time> ChainExpiry(const std::string& path);
// When the last of the authorities in this file stops being valid: an expired one may stay beside
// its successor. Errors as above.
absl::StatusOr<absl::Time> AuthoritiesExpiry(const std::string& path);

}  // namespace securebase::auth
