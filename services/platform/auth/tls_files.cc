#include "services/platform/auth/tls_files.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/platform/auth/file.h"
#include "services/platform/auth/openssl.h"
#include "services/platform/base/error.h"
#include "services/platform/base/status_macros.h"

namespace securebase::auth {
namespace {

std::string Line(const std::string& path, absl::string_view problem) {
  return absl::StrCat(path, ": ", problem);
}

BioPtr ToBio(const std::string& bytes) {
  return BioPtr(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

// All certificates of a PEM file; none when one of them cannot be parsed.
std::vector<X509Ptr> ParseCertificates(const std::string& pem) {
  const BioPtr bio = ToBio(pem);
  std::vector<X509Ptr> certificates;
  ERR_clear_error();
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    certificates.emplace_back(certificate);
  }
  // The end of the file shows as "no start line"; anything else is a damaged certificate.
  if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
    certificates.clear();
  }
  ERR_clear_error();
  return certificates;
}

std::string FormatDate(const ASN1_TIME* time) {
  std::tm date = {};
  if (ASN1_TIME_to_tm(time, &date) != 1) {
    return "an unreadable date";
  }
  return absl::FormatTime("%Y-%m-%d %H:%M UTC", absl::FromTM(date, absl::UTCTimeZone()),
                          absl::UTCTimeZone());
}

// Why this certificate is not valid at `now`; empty if it is.
std::string ValidityProblem(const X509* certificate, absl::Time now) {
  time_t seconds = absl::ToTimeT(now);
  if (X509_cmp_time(X509_get0_notAfter(certificate), &seconds) <= 0) {
    return absl::StrCat("expired on ", FormatDate(X509_get0_notAfter(certificate)), "; renew it");
  }
  if (X509_cmp_time(X509_get0_notBefore(certificate), &seconds) > 0) {
    return absl::StrCat("is not valid before ", FormatDate(X509_get0_notBefore(certificate)),
                        "; check this machine's clock");
  }
  return "";
}

std::vector<X509Ptr> CheckChain(const std::string& path, absl::Time now,
                                std::vector<std::string>& problems) {
  const absl::StatusOr<FileContents> file = ReadFile(path, Secrecy::kPublic);
  if (!file.ok()) {
    problems.emplace_back(file.status().message());
    return {};
  }
  std::vector<X509Ptr> chain = ParseCertificates(file->bytes);
  if (chain.empty()) {
    problems.push_back(
        Line(path,
             "is no PEM certificate chain; it needs -----BEGIN CERTIFICATE----- blocks, the "
             "server's own first"));
  }
  for (size_t i = 0; i < chain.size(); ++i) {
    if (const std::string problem = ValidityProblem(chain[i].get(), now); !problem.empty()) {
      problems.push_back(Line(path, absl::StrCat("certificate ", i + 1, " ", problem)));
    }
  }
  return chain;
}

void CheckKey(const std::string& path, const std::vector<X509Ptr>& chain,
              const std::string& chain_path, std::vector<std::string>& problems) {
  const absl::StatusOr<FileContents> file = ReadFile(path, Secrecy::kPrivate);
  if (!file.ok()) {
    problems.emplace_back(file.status().message());
    return;
  }
  const BioPtr bio = ToBio(file->bytes);
  // An empty pass phrase: without one OpenSSL would ask at the terminal.
  const PkeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, const_cast<char*>("")));
  if (key == nullptr) {
    problems.push_back(
        Line(path, "is no unencrypted PEM private key; convert it with openssl pkey"));
  } else if (!chain.empty() && X509_check_private_key(chain.front().get(), key.get()) != 1) {
    problems.push_back(
        Line(path, absl::StrCat("does not belong to the first certificate of ", chain_path,
                                "; use the pair that was issued together")));
  }
  ERR_clear_error();
}

void CheckCa(const std::string& path, absl::Time now, std::vector<std::string>& problems) {
  const absl::StatusOr<FileContents> file = ReadFile(path, Secrecy::kPublic);
  if (!file.ok()) {
    problems.emplace_back(file.status().message());
    return;
  }
  const std::vector<X509Ptr> authorities = ParseCertificates(file->bytes);
  if (authorities.empty()) {
    problems.push_back(Line(path, "holds no PEM certificate of an authority"));
    return;
  }
  // An expired authority may stay in a bundle beside its successor.
  std::string first_problem;
  bool any_valid = false;
  for (size_t i = 0; i < authorities.size(); ++i) {
    if (X509_check_ca(authorities[i].get()) == 0) {
      problems.push_back(Line(path, absl::StrCat("certificate ", i + 1,
                                                 " is not an authority's; put issuers here, not "
                                                 "servers or clients")));
    }
    const std::string problem = ValidityProblem(authorities[i].get(), now);
    any_valid = any_valid || problem.empty();
    if (first_problem.empty() && !problem.empty()) {
      first_problem = absl::StrCat("certificate ", i + 1, " ", problem);
    }
  }
  if (!any_valid) {
    problems.push_back(Line(path, first_problem));
  }
}

absl::StatusOr<std::vector<absl::Time>> ExpiryTimes(const std::string& path) {
  SB_ASSIGN_OR_RETURN(const FileContents file, ReadFile(path, Secrecy::kPublic));
  std::vector<absl::Time> times;
  for (const X509Ptr& certificate : ParseCertificates(file.bytes)) {
    std::tm end = {};
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &end) == 1) {
      times.push_back(absl::FromTM(end, absl::UTCTimeZone()));
    }
  }
  if (times.empty()) {
    return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kInternal,
                     Line(path, "holds no PEM certificate"));
  }
  return times;
}

}  // namespace

absl::StatusOr<absl::Time> ChainExpiry(const std::string& path) {
  SB_ASSIGN_OR_RETURN(const std::vector<absl::Time> times, ExpiryTimes(path));
  return *std::min_element(times.begin(), times.end());
}

absl::StatusOr<absl::Time> AuthoritiesExpiry(const std::string& path) {
  SB_ASSIGN_OR_RETURN(const std::vector<absl::Time> times, ExpiryTimes(path));
  return *std::max_element(times.begin(), times.end());
}

std::vector<std::string> CheckTlsFiles(const TlsFiles& files, absl::Time now) {
  std::vector<std::string> problems;
  std::vector<X509Ptr> chain;
  if (!files.certificate.empty()) {
    chain = CheckChain(files.certificate, now, problems);
  }
  if (!files.key.empty()) {
    CheckKey(files.key, chain, files.certificate, problems);
  }
  if (!files.ca.empty()) {
    CheckCa(files.ca, now, problems);
  }
  return problems;
}

absl::Status RequireTlsFiles(const TlsFiles& files, absl::Time now) {
  const std::vector<std::string> problems = CheckTlsFiles(files, now);
  return problems.empty() ? absl::OkStatus()
                          : MakeError(absl::StatusCode::kFailedPrecondition, Reason::kInternal,
                                      absl::StrJoin(problems, "; "));
}

}  // namespace securebase::auth
