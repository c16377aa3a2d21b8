#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "securebase/type/v1/type.pb.h"
#include "services/platform/records/database.h"

// Values that one record of a practice may hold at a time: external identifiers, "the active
// schedule of this measure". A claim is a record of its own whose id is a digest of scope and
// value, so that two transactions which claim the same value collide in the store.
namespace securebase::records {

// The record that holds `value` in `scope` ("episodes"), by name; nullopt: nobody does. Says
// nothing about whether the caller may see that record.
absl::StatusOr<std::optional<std::string>> FindClaim(const Reader& reader, absl::string_view scope,
                                                     absl::string_view value);

// Takes the value for `owner` (a resource name), who may hold it already. ALREADY_EXISTS when
// another record does; its metadata `resource` is `what` ("external_identifiers[0]"), not the
// value.
absl::Status Claim(Write& write, absl::string_view scope, absl::string_view value,
                   absl::string_view owner, absl::string_view what);

// Gives it up. No error when `owner` does not hold it.
absl::Status ReleaseClaim(Write& write, absl::string_view scope, absl::string_view value,
                          absl::string_view owner);

using ExternalIdentifiers = google::protobuf::RepeatedPtrField<type::v1::ExternalIdentifier>;

// Moves the claims of `owner` from the identifiers it had to those it shall have. `scope` is the
// collection: "episodes". `field` is the request's, for errors: "episode.external_identifiers".
// INVALID_ARGUMENT naming every identifier without a system or a value, and every one listed twice.
absl::Status ClaimExternalIdentifiers(Write& write, absl::string_view scope,
                                      const ExternalIdentifiers& before,
                                      const ExternalIdentifiers& after, absl::string_view owner,
                                      absl::string_view field);

// FindClaim for an external identifier.
absl::StatusOr<std::optional<std::string>> FindExternalIdentifier(
    const Reader& reader, absl::string_view scope, const type::v1::ExternalIdentifier& identifier);

// What a list that asks for an external identifier shows: the record that holds it, if the caller
// may see it and `keep` says yes. One page, so INVALID_ARGUMENT (INVALID_PAGE_TOKEN) for any token.
template <typename Message, typename Request>
absl::StatusOr<Page<Message>> ListByExternalIdentifier(
    const Database& database, const api::Call& call, const Request& request,
    const Kind<Message>& kind, absl::string_view scope,
    const std::function<bool(const Message&)>& keep) {
  SB_RETURN_IF_ERROR(database.page_tokens().Open(call, request, request.page_token()).status());
  Page<Message> page;
  SB_ASSIGN_OR_RETURN(const Reader reader, database.ReaderFor(call));
  SB_ASSIGN_OR_RETURN(const auto owner,
                      FindExternalIdentifier(reader, scope, request.external_identifier()));
  if (!owner.has_value()) {
    return page;
  }
  auto found = reader.Get(kind, *owner);
  if (found.ok() && keep(*found)) {
    page.items.push_back(*std::move(found));
  } else if (!found.ok() && !absl::IsNotFound(found.status())) {
    return found.status();
  }
  return page;
}

}  // namespace securebase::records
