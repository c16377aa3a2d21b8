#include "services/platform/records/claims.h"

#include <set>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "services/platform/api/fingerprint.h"

namespace securebase::records {
namespace {

const Kind<type::v1::Claim>& ClaimKind() {
  static const auto* kind = new Kind<type::v1::Claim>{
      "claim", [](const type::v1::Claim&) { return Access{}; },
      [](const type::v1::Claim&) { return std::vector<storage::IndexEntry>(); },
      /*journaled=*/false};
  return *kind;
}

// A digest, because values may identify a person and keys are not encrypted.
std::string ClaimName(absl::string_view practice, absl::string_view scope,
                      absl::string_view value) {
  type::v1::ExternalIdentifier claimed;
  claimed.set_system(std::string(scope));
  claimed.set_value(std::string(value));
  return absl::StrCat("practices/", practice, "/claims/",
                      absl::BytesToHexString(api::Fingerprint(claimed)));
}

// With its length before it, so that no two identifiers read the same.
std::string ValueOf(const type::v1::ExternalIdentifier& identifier) {
  return absl::StrCat(identifier.system().size(), ":", identifier.system(), identifier.value());
}

absl::Status CheckIdentifiers(const ExternalIdentifiers& identifiers, absl::string_view field) {
  std::vector<FieldViolation> violations;
  std::set<std::string> seen;
  for (int i = 0; i < identifiers.size(); ++i) {
    const type::v1::ExternalIdentifier& identifier = identifiers[i];
    const std::string path = absl::StrCat(field, "[", i, "]");
    if (identifier.system().empty()) {
      violations.push_back({absl::StrCat(path, ".system"), "must not be empty"});
    }
    if (identifier.value().empty()) {
      violations.push_back({absl::StrCat(path, ".value"), "must not be empty"});
    } else if (!seen.insert(ValueOf(identifier)).second) {
      violations.push_back({absl::StrCat(path, ".value"), "is listed twice"});
    }
  }
  return InvalidFields(violations);
}

}  // namespace

absl::StatusOr<std::optional<std::string>> FindClaim(const Reader& reader, absl::string_view scope,
                                                     absl::string_view value) {
  SB_ASSIGN_OR_RETURN(const auto claim,
                      reader.Find(ClaimKind(), ClaimName(reader.call().practice(), scope, value)));
  return claim.has_value() ? std::optional<std::string>(claim->owner()) : std::nullopt;
}

absl::Status Claim(Write& write, absl::string_view scope, absl::string_view value,
                   absl::string_view owner, absl::string_view what) {
  type::v1::Claim claim;
  claim.set_name(ClaimName(write.call().practice(), scope, value));
  SB_ASSIGN_OR_RETURN(const auto existing, write.Find(ClaimKind(), claim.name()));
  if (existing.has_value()) {
    return existing->owner() == owner
               ? absl::OkStatus()
               : MakeError(absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists,
                           absl::StrCat("another record has this ", what,
                                        " already; read that one, or choose another"),
                           {{"resource", std::string(what)}});
  }
  claim.set_owner(std::string(owner));
  return write.Create(ClaimKind(), std::move(claim)).status();
}

absl::Status ReleaseClaim(Write& write, absl::string_view scope, absl::string_view value,
                          absl::string_view owner) {
  const std::string name = ClaimName(write.call().practice(), scope, value);
  SB_ASSIGN_OR_RETURN(const auto existing, write.Find(ClaimKind(), name));
  if (!existing.has_value() || existing->owner() != owner) {
    return absl::OkStatus();
  }
  return write.Delete(ClaimKind(), name);
}

absl::Status ClaimExternalIdentifiers(Write& write, absl::string_view scope,
                                      const ExternalIdentifiers& before,
                                      const ExternalIdentifiers& after, absl::string_view owner,
                                      absl::string_view field) {
  SB_RETURN_IF_ERROR(CheckIdentifiers(after, field));
  for (const type::v1::ExternalIdentifier& identifier : before) {
    SB_RETURN_IF_ERROR(ReleaseClaim(write, scope, ValueOf(identifier), owner));
  }
  for (int i = 0; i < after.size(); ++i) {
    SB_RETURN_IF_ERROR(
        Claim(write, scope, ValueOf(after[i]), owner, absl::StrCat(field, "[", i, "]")));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<std::string>> FindExternalIdentifier(
    const Reader& reader, absl::string_view scope, const type::v1::ExternalIdentifier& identifier) {
  return FindClaim(reader, scope, ValueOf(identifier));
}

}  // namespace securebase::records
