#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/platform/auth/tls_files.h"

// A throw-away certificate authority: for `securebase`'s development commands, the demo and tests.
// Its key exists in memory only, so nothing can be issued after the program has ended.
namespace securebase::auth {

struct IssuedCertificate {
  std::string certificate_pem;
  std::string key_pem;  // a secret
};

class DevCa {
 public:
  // An authority with a P-256 key, valid from an hour before `now` for `lifetime`, as is everything
  // it issues.
  static absl::StatusOr<DevCa> Make(absl::Time now, absl::Duration lifetime);

  const std::string& certificate_pem() const { return certificate_pem_; }

  // `names` are subject alternative names: IP addresses, URIs ("spiffe://...") and DNS names are
  // told apart by their form. INVALID_ARGUMENT for a name with other characters, or for none.
  absl::StatusOr<IssuedCertificate> IssueServer(const std::vector<std::string>& names) const;
  absl::StatusOr<IssuedCertificate> IssueClient(const std::vector<std::string>& names) const;

 private:
  DevCa() = default;
  absl::StatusOr<IssuedCertificate> Issue(const std::vector<std::string>& names,
                                          const char* usage) const;

  absl::Time begin_;
  absl::Time end_;
  std::shared_ptr<EVP_PKEY> key_;
  std::shared_ptr<X509> certificate_;
  std::string certificate_pem_;
};

// The names of this machine: 127.0.0.1, ::1 and localhost.
std::vector<std::string> LoopbackNames();

// Files of a deployment on one machine.
struct DevPki {
  TlsFiles server;                // server.crt, server.key, ca.crt; for LoopbackNames()
  std::vector<TlsFiles> clients;  // one for each name asked for: <name>.crt, <name>.key, ca.crt
};

// Makes an authority and writes the files, mode 0600, into `directory`, which must exist. Each of
// `client_names` is a file's name and the certificate's DNS name: "plans", "ehr".
absl::StatusOr<DevPki> WriteDevPki(const std::string& directory,
                                   const std::vector<std::string>& client_names, absl::Time now,
                                   absl::Duration lifetime);

}  // namespace securebase::auth
