#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "securebase/outcomes/v1/own_instrument.pb.h"

// The states of what a practice defines: versions of instruments, and norms.
namespace securebase::outcomes {

using PublicationChanges = google::protobuf::RepeatedPtrField<v1::PublicationChange>;

// Changes of the status that one thing remembers, and so can go through.
inline constexpr int kMaxPublicationChanges = 50;

// "ACTIVE".
std::string StatusWord(v1::PublicationStatus status);

// Where `from` can go. The states are those of FHIR R4's publication-status, which prescribes no
// order; the order is this project's: nothing leads back to DRAFT, since something may rest on it
// by then; what was retired may be used again, since it never changed.
std::vector<v1::PublicationStatus> AllowedTransitions(v1::PublicationStatus from);

// FAILED_PRECONDITION: TRANSITION_NOT_ALLOWED naming what is allowed, or LIMIT_EXCEEDED when there
// have been too many changes.
absl::Status CheckTransition(v1::PublicationStatus from, v1::PublicationStatus to,
                             const PublicationChanges& changes);

// Appends a change.
void AddChange(v1::PublicationStatus status, absl::Time time, const type::v1::Actor& actor,
               absl::string_view reason, PublicationChanges& changes);

// The status that `changes` (oldest first) had come to at `time`; UNSPECIFIED before the first one.
v1::PublicationStatus StatusAt(const PublicationChanges& changes, absl::Time time);

}  // namespace securebase::outcomes
