#include <algorithm>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "clients/cli/online/online.h"
#include "services/platform/auth/dev_pki.h"
#include "services/platform/auth/file.h"
#include "services/platform/auth/keyring.h"
#include "services/platform/auth/tls_files.h"
#include "services/platform/auth/token_minter.h"
#include "services/platform/base/status_macros.h"

namespace securebase::cli {
namespace {

// Names of the files that dev-setup writes and token reads.
constexpr char kKeyFile[] = "token-key.pem";
constexpr absl::Duration kCertificateLifetime = absl::Hours(24 * 90);
// A day of work fits in what is kept.
constexpr absl::Duration kLeastValidity = absl::Hours(24);
constexpr char kKeyId[] = "development";
constexpr char kIssuer[] = "https://issuer.invalid/development";
constexpr char kAudience[] = "securebase";

struct TokenOptions {
  std::string key;
  std::string kid = kKeyId;
  std::string issuer = kIssuer;
  std::string audience = kAudience;
  std::string practice;
  std::string kind = "staff";
  std::string subject;
  std::string patient;
  std::string scope;
  std::string lifetime = "15m";
  std::string out;
};

absl::StatusOr<auth::PrincipalKind> ParseKind(const std::string& text) {
  for (const auth::PrincipalKind kind : {auth::PrincipalKind::kSystem, auth::PrincipalKind::kStaff,
                                         auth::PrincipalKind::kParticipant}) {
    if (text == auth::PrincipalKindName(kind)) {
      return kind;
    }
  }
  return absl::InvalidArgumentError("--kind must be system, staff or participant");
}

// Everything that this kind of principal can be granted.
std::string AllScopes(auth::PrincipalKind kind) {
  switch (kind) {
    case auth::PrincipalKind::kSystem:
      return "system/*.cruds";
    case auth::PrincipalKind::kStaff:
      return "user/*.cruds";
    default:
      return "patient/*.cruds";
  }
}

absl::Status PrintToken(const TokenOptions& options, Console& console) {
  std::ifstream in(options.key, std::ios::binary);
  std::stringstream pem;
  pem << in.rdbuf();
  if (!in.good() || pem.str().empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot read the key ", options.key, "; `securebase dev-setup` makes one"));
  }
  SB_ASSIGN_OR_RETURN(const auth::TokenSigner signer,
                      auth::TokenSigner::FromPem(auth::Algorithm::kEdDsa, options.kid, pem.str()));
  auth::TokenRequest request;
  SB_ASSIGN_OR_RETURN(request.kind, ParseKind(options.kind));
  request.issuer = options.issuer;
  request.audience = options.audience;
  request.practice = options.practice;
  request.subject = options.subject;
  request.patient = options.patient;
  request.scope = options.scope.empty() ? AllScopes(request.kind) : options.scope;
  request.issued = absl::Now();
  if (!absl::ParseDuration(options.lifetime, &request.lifetime) ||
      request.lifetime <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError("--lifetime must be a duration like 15m or 8h");
  }
  const std::string token = auth::MintToken(signer, request);
  if (!options.out.empty()) {
    return auth::WritePrivateFile(options.out, absl::StrCat(token, "\n"));
  }
  console.out << token << "\n";
  return absl::OkStatus();
}

bool Exists(const std::string& path) { return std::ifstream(path).good(); }

// Whether all certificates are there and valid at `time`.
bool CertificatesAreGood(const std::string& folder, const std::vector<std::string>& clients,
                         absl::Time time) {
  std::vector<std::string> names = clients;
  names.emplace_back("server");
  return std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    const std::string stem = absl::StrCat(folder, "/", name);
    return auth::CheckTlsFiles(
               {absl::StrCat(stem, ".crt"), absl::StrCat(stem, ".key"), folder + "/ca.crt"}, time)
        .empty();
  });
}

absl::Status DevSetup(const std::string& folder, Console& console) {
  const auto path = [&](const std::string& name) { return absl::StrCat(folder, "/", name); };
  std::vector<std::string> written;
  if (!Exists(path(kKeyFile)) || !Exists(path("jwks.json"))) {
    SB_ASSIGN_OR_RETURN(const auth::TokenSigner signer,
                        auth::TokenSigner::Generate(auth::Algorithm::kEdDsa, kKeyId));
    SB_RETURN_IF_ERROR(auth::WritePrivateFile(path(kKeyFile), signer.PrivateKeyPem()));
    SB_RETURN_IF_ERROR(auth::WritePrivateFile(path("jwks.json"), auth::FormatJwkSet({signer})));
    written.emplace_back("a token key");
  }
  // Never replaced: what its keys sealed would be lost.
  if (!Exists(path("keyring.json"))) {
    SB_RETURN_IF_ERROR(
        auth::WritePrivateFile(path("keyring.json"), auth::GenerateKeyring(absl::Now())));
    written.emplace_back("a keyring");
  }
  const std::vector<std::string> clients = {"plans", "goals", "client"};
  if (!CertificatesAreGood(folder, clients, absl::Now() + kLeastValidity)) {
    SB_RETURN_IF_ERROR(
        auth::WriteDevPki(folder, clients, absl::Now(), kCertificateLifetime).status());
    written.emplace_back("TLS certificates");
  }
  if (written.empty()) {
    console.out << "Keys and certificates in " << folder << " are kept.\n";
  } else {
    console.out << "Wrote throw-away files to " << folder << ": " << absl::StrJoin(written, ", ")
                << ".\n";
  }
  return absl::OkStatus();
}

}  // namespace

void AddTokenCommand(CLI::App& app, Console& console) {
  auto options = std::make_shared<TokenOptions>();
  CLI::App* command =
      app.add_subcommand("token", "Sign a development token with the key that dev-setup made");
  command->add_option("--key", options->key, "the private key, PEM")->required()->type_name("FILE");
  command->add_option("--practice", options->practice, "the practice's id")
      ->required()
      ->type_name("ID");
  command->add_option("--kind", options->kind, "whom it is for (staff)")
      ->type_name("system|staff|participant");
  command->add_option("--subject", options->subject, "who: a staff id, a system's name")
      ->required()
      ->type_name("ID");
  command->add_option("--patient", options->patient, "participants: their EHR patient id")
      ->type_name("ID");
  command
      ->add_option("--scope", options->scope,
                   "SMART scopes, space-separated; everything of the kind by default")
      ->type_name("SCOPES");
  command->add_option("--lifetime", options->lifetime, "how long it is valid (15m)")
      ->type_name("DURATION");
  command->add_option("--issuer", options->issuer, "the iss claim")->type_name("URI");
  command->add_option("--audience", options->audience, "the aud claim")->type_name("TEXT");
  command->add_option("--kid", options->kid, "the key's id")->type_name("ID");
  command->add_option("--out", options->out, "write it to this file, mode 0600, not to the screen")
      ->type_name("FILE");
  command->callback([options, &console] { console.status = PrintToken(*options, console); });
}

void AddDevSetupCommand(CLI::App& app, Console& console) {
  auto folder = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand(
      "dev-setup", "Make throw-away keys, certificates and a keyring for one machine");
  command->add_option("folder", *folder, "an existing folder; what is there already is kept")
      ->required()
      ->type_name("FOLDER");
  command->callback([folder, &console] { console.status = DevSetup(*folder, console); });
}

}  // namespace securebase::cli
