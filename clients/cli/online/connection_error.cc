#include "clients/cli/online/connection_error.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "services/platform/base/error.h"

namespace securebase::cli {
namespace {

// A part of what gRPC 1.51 says, and what it means: $0 is the address, $1 the authorities, $2 how
// long was waited. The first that fits counts.
struct Meaning {
  absl::string_view part;
  absl::string_view text;
};
constexpr Meaning kMeanings[] = {
    {"certificate verify failed",
     "the certificate of $0 is not signed by $1, or it has expired; give the file of the "
     "authority that signed it with --ca, or have it renewed"},
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
     "no answer from $0 within $2; check that the service is well, or give more time with "
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
  const std::string authorities =
      options.ca_file.empty() ? "an authority that this machine knows" : options.ca_file;
  for (const Meaning& meaning : kMeanings) {
    if (absl::StrContains(status.message(), meaning.part)) {
      return absl::Status(status.code(),
                          absl::Substitute(meaning.text, address, authorities, options.timeout));
    }
  }
  return status;
}

}  // namespace securebase::cli
