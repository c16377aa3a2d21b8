#pragma once

#include <google/protobuf/struct.pb.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace securebase::auth {

// Parses a JSON object. INVALID_ARGUMENT for anything else; two members of the same name are
// refused at every depth (a test holds protobuf to it), so two readers of one token or key set
// cannot see different things. Numbers are doubles: exact to 2^53.
absl::StatusOr<google::protobuf::Struct> ParseJsonObject(absl::string_view json);

// The member of that name, or null.
const google::protobuf::Value* FindMember(const google::protobuf::Struct& object,
                                          absl::string_view name);

// Its value when it is a string.
std::optional<std::string> StringMember(const google::protobuf::Struct& object,
                                        absl::string_view name);
// Its value when it is a number.
std::optional<double> NumberMember(const google::protobuf::Struct& object, absl::string_view name);

// Its values when it is a string or an array of strings; none otherwise.
std::optional<std::vector<std::string>> StringsMember(const google::protobuf::Struct& object,
                                                      absl::string_view name);

// Base64url without padding (RFC 7515, section 2); none for any other text, also not for a second
// one of the same bytes.
std::optional<std::string> DecodeBase64Url(absl::string_view text);
std::string EncodeBase64Url(absl::string_view bytes);

}  // namespace securebase::auth
