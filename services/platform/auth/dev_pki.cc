#include "services/platform/auth/dev_pki.h"

#include <arpa/inet.h>
#include <openssl/pem.h>

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/platform/auth/file.h"
#include "services/platform/auth/openssl.h"
#include "services/platform/base/error.h"
#include "services/platform/base/id.h"
#include "services/platform/base/status_macros.h"

namespace securebase::auth {
namespace {

constexpr int kSerialBytes = 16;

bool IsAddress(const std::string& name) {
  unsigned char ignored[16];
  return inet_pton(AF_INET, name.c_str(), ignored) == 1 ||
         inet_pton(AF_INET6, name.c_str(), ignored) == 1;
}

// The names as OpenSSL's extension syntax, in which a comma would begin another name.
absl::StatusOr<std::string> FormatNames(const std::vector<std::string>& names) {
  std::vector<std::string> parts;
  for (const std::string& name : names) {
    for (const char c : name) {
      if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) &&
          !absl::StrContains("-._:/*", absl::string_view(&c, 1))) {
        return absl::InvalidArgumentError("a certificate's name holds a character it may not");
      }
    }
    parts.push_back(absl::StrCat(IsAddress(name)                  ? "IP:"
                                 : absl::StrContains(name, "://") ? "URI:"
                                                                  : "DNS:",
                                 name));
  }
  if (parts.empty()) {
    return absl::InvalidArgumentError("a certificate needs a name");
  }
  return absl::StrJoin(parts, ",");
}

bool AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const X509ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

// A certificate with everything but extensions and signature.
X509Ptr Blank(EVP_PKEY* key, const std::string& common_name, const X509* issuer, absl::Time begin,
              absl::Time end) {
  X509Ptr certificate(X509_new());
  std::string serial = RandomBytes(kSerialBytes);
  serial[0] = static_cast<char>(serial[0] & 0x7f);  // RFC 5280, 4.1.2.2: positive
  const BignumPtr number(
      BN_bin2bn(reinterpret_cast<const unsigned char*>(serial.data()), kSerialBytes, nullptr));
  X509_NAME* subject = certificate == nullptr ? nullptr : X509_get_subject_name(certificate.get());
  if (subject == nullptr || number == nullptr ||
      X509_set_version(certificate.get(), X509_VERSION_3) != 1 ||
      BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate.get())) == nullptr ||
      ASN1_TIME_set(X509_getm_notBefore(certificate.get()), absl::ToTimeT(begin)) == nullptr ||
      ASN1_TIME_set(X509_getm_notAfter(certificate.get()), absl::ToTimeT(end)) == nullptr ||
      X509_set_pubkey(certificate.get(), key) != 1 ||
      X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(common_name.c_str()), -1,
                                 -1, 0) != 1 ||
      X509_set_issuer_name(certificate.get(),
                           issuer == nullptr ? subject : X509_get_subject_name(issuer)) != 1) {
    return nullptr;
  }
  return certificate;
}

std::string BioText(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<size_t>(size));
}

std::string CertificatePem(X509* certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), certificate);
  return BioText(bio.get());
}

std::string KeyPem(EVP_PKEY* key) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return BioText(bio.get());
}

}  // namespace

absl::StatusOr<DevCa> DevCa::Make(absl::Time now, absl::Duration lifetime) {
  DevCa ca;
  ca.begin_ = now - absl::Hours(1);
  ca.end_ = now + lifetime;
  ca.key_ = std::shared_ptr<EVP_PKEY>(PkeyPtr(EVP_EC_gen("P-256")));
  X509Ptr certificate;
  if (ca.key_ != nullptr) {
    certificate = Blank(ca.key_.get(), "Securebase development CA", nullptr, ca.begin_, ca.end_);
  }
  if (certificate == nullptr ||
      !AddExtension(certificate.get(), certificate.get(), NID_basic_constraints,
                    "critical,CA:TRUE,pathlen:0") ||
      !AddExtension(certificate.get(), certificate.get(), NID_key_usage,
                    "critical,keyCertSign,cRLSign") ||
      !AddExtension(certificate.get(), certificate.get(), NID_subject_key_identifier, "hash") ||
      X509_sign(certificate.get(), ca.key_.get(), EVP_sha256()) == 0) {
    return Internal("making the development CA failed");
  }
  ca.certificate_pem_ = CertificatePem(certificate.get());
  ca.certificate_ = std::shared_ptr<X509>(std::move(certificate));
  return ca;
}

absl::StatusOr<IssuedCertificate> DevCa::IssueServer(const std::vector<std::string>& names) const {
  return Issue(names, "serverAuth");
}

absl::StatusOr<IssuedCertificate> DevCa::IssueClient(const std::vector<std::string>& names) const {
  return Issue(names, "clientAuth");
}

absl::StatusOr<IssuedCertificate> DevCa::Issue(const std::vector<std::string>& names,
                                               const char* usage) const {
  SB_ASSIGN_OR_RETURN(const std::string formatted, FormatNames(names));
  const PkeyPtr key(EVP_EC_gen("P-256"));
  X509Ptr certificate;
  if (key != nullptr) {
    certificate = Blank(key.get(), names.front().substr(0, 64), certificate_.get(), begin_, end_);
  }
  X509* const issuer = certificate_.get();
  if (certificate == nullptr ||
      !AddExtension(certificate.get(), issuer, NID_basic_constraints, "critical,CA:FALSE") ||
      !AddExtension(certificate.get(), issuer, NID_key_usage, "critical,digitalSignature") ||
      !AddExtension(certificate.get(), issuer, NID_ext_key_usage, usage) ||
      !AddExtension(certificate.get(), issuer, NID_subject_alt_name, formatted) ||
      !AddExtension(certificate.get(), issuer, NID_authority_key_identifier, "keyid") ||
      X509_sign(certificate.get(), key_.get(), EVP_sha256()) == 0) {
    return Internal("issuing a development certificate failed");
  }
  return IssuedCertificate{CertificatePem(certificate.get()), KeyPem(key.get())};
}

std::vector<std::string> LoopbackNames() { return {"localhost", "127.0.0.1", "::1"}; }

absl::StatusOr<DevPki> WriteDevPki(const std::string& directory,
                                   const std::vector<std::string>& client_names, absl::Time now,
                                   absl::Duration lifetime) {
  SB_ASSIGN_OR_RETURN(const DevCa ca, DevCa::Make(now, lifetime));
  const std::string ca_path = directory + "/ca.crt";
  SB_RETURN_IF_ERROR(WritePrivateFile(ca_path, ca.certificate_pem()));
  const auto write = [&](const std::string& name,
                         const IssuedCertificate& issued) -> absl::StatusOr<TlsFiles> {
    const std::string stem = absl::StrCat(directory, "/", name);
    TlsFiles files = {stem + ".crt", stem + ".key", ca_path};
    SB_RETURN_IF_ERROR(WritePrivateFile(files.certificate, issued.certificate_pem));
    SB_RETURN_IF_ERROR(WritePrivateFile(files.key, issued.key_pem));
    return files;
  };
  DevPki pki;
  SB_ASSIGN_OR_RETURN(const IssuedCertificate server, ca.IssueServer(LoopbackNames()));
  SB_ASSIGN_OR_RETURN(pki.server, write("server", server));
  for (const std::string& name : client_names) {
    SB_ASSIGN_OR_RETURN(const IssuedCertificate client, ca.IssueClient({name}));
    SB_ASSIGN_OR_RETURN(TlsFiles files, write(name, client));
    pki.clients.push_back(std::move(files));
  }
  return pki;
}

}  // namespace securebase::auth
