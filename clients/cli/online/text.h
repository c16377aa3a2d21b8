#pragma once

#include <string>

#include "absl/strings/str_cat.h"
#include "clients/cli/console.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/generated_enum_reflection.h"
#include "google/protobuf/timestamp.pb.h"

// Values as a person reads them.
namespace securebase::cli {

// Ids instead of a resource name, the practice's left out; other text as it is.
std::string ShortName(const std::string& text);

// At most three decimals.
std::string NumberText(double value);

// The day in UTC: "2026-03-01".
std::string DayText(const google::protobuf::Timestamp& time);

// "not on track"; "" for the value 0.
std::string EnumText(const google::protobuf::EnumValueDescriptor& value);
template <typename Enum>
std::string EnumText(Enum value) {
  const auto* descriptor =
      google::protobuf::GetEnumDescriptor<Enum>()->FindValueByNumber(static_cast<int>(value));
  return descriptor == nullptr ? absl::StrCat(static_cast<int>(value)) : EnumText(*descriptor);
}

// By what it says: red is bad, yellow asks for attention, green is good.
Colour ColourOf(const std::string& text);

}  // namespace securebase::cli
