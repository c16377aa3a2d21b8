#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

// From what a person types to the fields of a request.
namespace securebase::cli {

using FieldPath = std::vector<const google::protobuf::FieldDescriptor*>;

// Sets the field at `path` (from the request down) from text; a repeated one gets more elements,
// separated by commas unless they are messages. By type:
//
//   enum              a value's short name in any case: "couple", "on-hold"
//   Timestamp         RFC 3339, or a day "2026-03-01" (its noon in UTC)
//   Duration          "36h", "90s"
//   FieldMask         "a,b.c"
//   PartialDate       "2026", "2026-03" or "2026-03-01"
//   ExternalIdentifier  "SYSTEM|VALUE"
//   resource name     in full, or only its ids: "e1" for practices/P/episodes/e1, "p1/2" for a
//                     revision; P is `practice`
//   other messages    proto3 JSON
//
// INVALID_ARGUMENT that names the field and says what fits.
absl::Status SetFromText(google::protobuf::Message& request, const FieldPath& path,
                         absl::string_view text, absl::string_view practice);

// The resource name for what was typed, by a pattern of the field's rules ("practices/{practice}/
// episodes/{episode}", several separated by "|"). INVALID_ARGUMENT when the ids do not fit.
absl::StatusOr<std::string> CompleteName(absl::string_view pattern, absl::string_view text,
                                         absl::string_view practice);

// "EPISODE_STATUS_ON_HOLD" of EpisodeStatus -> "ON_HOLD".
std::string ShortEnumName(const google::protobuf::EnumValueDescriptor& value);

// The short names of an enum, "couple, family", the unspecified one left out.
std::string EnumChoices(const google::protobuf::EnumDescriptor& type);

// "update_mask" -> "update-mask"; "PracticeSettings" -> "practice-settings".
std::string Kebab(absl::string_view name);

}  // namespace securebase::cli
