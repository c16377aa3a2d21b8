#pragma once

#include <string>
#include <vector>

#include "clients/cli/console.h"
#include "google/protobuf/message.h"

namespace securebase::cli {

// Prints a response for a person: lists as tables, a series with its picture and verdict, a
// caseload by urgency, everything else as "field: value".
void Render(Console& console, const google::protobuf::Message& response);

// A value as in a table's cell: ids instead of resource names, short enum names, times in UTC to
// the minute. `path` leads from the message, "achievement.status"; "" where something on it is
// unset.
std::string CellText(const google::protobuf::Message& message, const std::string& path);

// Values as a line of eight heights, lowest and highest of the range given: "▁▃▇".
std::string Sparkline(const std::vector<double>& values, double lowest, double highest);

}  // namespace securebase::cli
