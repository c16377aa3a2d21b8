#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace securebase::api {

// What a request may hold, compiled from the options of its proto (securebase.options.v1.rules,
// google.api.field_behavior) for the message and everything it can contain. Made once per method
// when a server starts; immutable, so that all threads share it without a lock.
class RequestRules {
 public:
  // At most this many violations are reported; the rest of the request is then not looked at.
  static constexpr int kMaxViolations = 100;
  // Messages nested deeper than this are refused.
  static constexpr int kMaxDepth = 32;

  // FAILED_PRECONDITION naming the field when a rule does not fit its field's type (`name` on a
  // number, `not_future` on a string): a fault in the .proto, found when the server starts.
  static absl::StatusOr<std::unique_ptr<const RequestRules>> Make(
      const google::protobuf::Descriptor* type);
  ~RequestRules();

  // INVALID_ARGUMENT with every violation, by field path ("note.answers[3].value"; the elements of
  // a map are "by_key[*]", since a key may be somebody's data). `request` is of the compiled type.
  //
  // Checked are: REQUIRED fields are set (a scalar without presence: not its zero value; numbers
  // and bools cannot be); strings are UTF-8 and short enough; numbers are finite and in range, also
  // when they are an unset 0 without presence; enums are known values; repeated fields are neither
  // too long nor too short; Timestamp, Duration and PartialDate are real; names fit a pattern and
  // belong to `practice`. Unknown fields are tolerated; OUTPUT_ONLY fields are skipped.
  //
  // A message with a field `update_mask` updates the message beside it: there the resource's `name`
  // must be set, and REQUIRED and min_items count only for what the mask covers. An empty mask
  // covers the fields that are set, "*" every one.
  absl::Status Validate(const google::protobuf::Message& request, absl::string_view practice,
                        absl::Time now) const;

  // PERMISSION_DENIED (PRACTICE_MISMATCH) when a field with a `name` rule, OUTPUT_ONLY or not,
  // names a record of another practice. Runs before validation (AIP-211), so it takes any input;
  // what is no name at all is left for Validate to refuse.
  absl::Status CheckPractice(const google::protobuf::Message& request,
                             absl::string_view practice) const;

  // The resource name that the request is about, for log and audit: its `name`, `parent`, the name
  // of the resource inside, or its first field with a `name` rule. Empty when there is none, when
  // it does not fit its pattern or is patient data.
  std::string ResourceOf(const google::protobuf::Message& request) const;

 private:
  struct Impl;
  explicit RequestRules(std::unique_ptr<const Impl> impl);
  std::unique_ptr<const Impl> impl_;
};

// The same for a single message, compiled on the spot: for tests and rare paths. A fault in the
// .proto is returned as it is.
absl::Status ValidateRequest(const google::protobuf::Message& request, absl::string_view practice,
                             absl::Time now);
absl::Status CheckPractice(const google::protobuf::Message& request, absl::string_view practice);

}  // namespace securebase::api
