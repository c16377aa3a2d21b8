#include "clients/cli/online/connection_error.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "clients/cli/online/server_certificate.h"
#include "services/platform/base/error.h"

namespace securebase::cli {
namespace {

// A part of what gRPC 1.51 says, and what it means: $0 is the address, $1 how long was
// waited. The first that fits counts.
struct Meaning {
  absl::string_view part;
  absl::string_view text;
};
constexpr Meaning kMeanings[] = {
    {"Hostname Verification Check failed",
     "the certificate of $0 is for other names; use a name that it has, or have one issued for "
     "this address"},
    {"wrong version number",
     "$0 does not talk TLS; check the address (it is not the one for health or metrics), or give "
     "--plaintext for a service on this machine that was started with --allow-plaintext"},
    {"missing selected ALPN",
     "what listens on $0 is no Securebase service; check the address, and that no proxy before it "
     "leaves out HTTP/2"},
    {"received http2 header with status",
     "what listens on $0 is no Securebase service; check the address, and that no proxy before it "
     "answers instead"},
    {"Trying to connect an http1.x server",
     "what listens on $0 is no Securebase service; check the address (it is not the one for "
     "metrics)"},
    {"Connection refused", "nobody listens on $0; start the service, or correct the address"},
    {"DNS resolution failed",
     "the name in $0 cannot be found; correct the address, which is HOST:PORT"},
    {"No route to host", "there is no way to $0; check the address, the network and its firewalls"},
    {"Network is unreachable",
     "there is no way to $0; check the address, the network and its firewalls"},
    {"Connection timed out",
     "$0 does not answer; check the address, the network and its firewalls"},
    {"Handshake read failed",
     "$0 accepts connections and does not answer; check the address, and whether the service "
     "hangs"},
    {"Deadline Exceeded",
     "no answer from $0 within $1; check that the service is well, or give more time with "
     "--timeout"},
};

// A server that refuses the connection before it has said why.
std::string ClosedAtOnce(const std::string& address, const ConnectionOptions& options) {
  if (options.plaintext) {
    return absl::StrCat(address,
                        " closes connections without TLS; leave out --plaintext and give --ca, "
                        "and --certificate and --key if it asks for them");
  }
  if (options.certificate_file.empty()) {
    return absl::StrCat(address,
                        " closes the connection: it asks for a client certificate; give "
                        "--certificate and --key, signed by an authority of its --tls-client-ca");
  }
  return absl::StrCat(address, " closes the connection: it does not accept the client certificate ",
                      options.certificate_file,
                      ", which must be signed by an authority of its --tls-client-ca, or it has "
                      "too many connections");
}

// A server whose certificate these authorities do not vouch for.
std::string NotTrusted(const std::string& address, const std::string& ca_file) {
  const std::string authorities =
      ca_file.empty() ? "an authority that this machine knows" : ca_file;
  switch (FindCertificateProblem(address, ca_file)) {
    case CertificateProblem::kExpired:
      return absl::StrCat("the certificate of ", address,
                          " has expired; have it renewed (the service follows its files)");
    case CertificateProblem::kNotYetValid:
      return absl::StrCat("the certificate of ", address,
                          " is not valid yet; set the clocks of both machines");
    case CertificateProblem::kOther:
      return absl::StrCat("the certificate of ", address, " is not signed by ", authorities,
                          "; give the file of the authority that signed it with --ca");
    case CertificateProblem::kUnknown:
      break;
  }
  return absl::StrCat("the certificate of ", address, " is not signed by ", authorities,
                      ", or it has expired; give the file of the authority that signed it with "
                      "--ca, or have it renewed");
}

}  // namespace

absl::Status ExplainConnectionError(const absl::Status& status, const std::string& address,
                                    const ConnectionOptions& options) {
  if (status.ok() || ReasonOf(status) != Reason::kUnspecified) {
    return status;
  }
  if (absl::StrContains(status.message(), "Socket closed") ||
      absl::StrContains(status.message(), "Connection reset by peer")) {
    return absl::Status(
        status.code(),
        absl::StrContains(status.message(), "connections to all backends failing")
            ? ClosedAtOnce(address, options)
            : absl::StrCat("the connection to ", address,
                           " broke off before there was an answer; see whether it was done, then "
                           "run it again"));
  }
  if (absl::StrContains(status.message(), "certificate verify failed")) {
    return absl::Status(status.code(), NotTrusted(address, options.ca_file));
  }
  for (const Meaning& meaning : kMeanings) {
    if (absl::StrContains(status.message(), meaning.part)) {
      return absl::Status(status.code(), absl::Substitute(meaning.text, address, options.timeout));
    }
  }
  return status;
}

}  // namespace securebase::cli
