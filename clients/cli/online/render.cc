#include "clients/cli/online/render.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "clients/cli/online/dashboards.h"
#include "clients/cli/online/fields.h"
#include "clients/cli/online/text.h"
#include "google/protobuf/timestamp.pb.h"
#include "securebase/goals/v1/goals_service.pb.h"
#include "securebase/outcomes/v1/outcomes_service.pb.h"
#include "securebase/plans/v1/plans_service.pb.h"
#include "services/platform/api/timestamp.h"
#include "services/platform/base/resource_name.h"

namespace securebase::cli {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// What a table shows of a message; titles are the last part of the path unless given.
using Columns = std::vector<std::pair<std::string, std::string>>;
const std::map<std::string, Columns>& TableColumns() {
  static const auto* columns = new std::map<std::string, Columns>{
      {"securebase.episodes.v1.Episode",
       {{"episode", "name"},
        {"kind", "kind"},
        {"status", "status"},
        {"problems", "problems.code"},
        {"participants", "participants.id"},
        {"staff", "care_team.staff"},
        {"started", "start_time"}}},
      {"securebase.episodes.v1.Consent",
       {{"consent", "name"},
        {"grantor", "grantor"},
        {"subject", "subject"},
        {"purpose", "purpose"},
        {"recipient", "recipient"},
        {"status", "status"},
        {"recorded", "create_time"}}},
      {"securebase.outcomes.v1.Assessment",
       {{"assessment", "name"},
        {"instrument", "instrument"},
        {"subject", "subject"},
        {"informant", "informant"},
        {"answered", "answered_time"},
        {"status", "status"}}},
      {"securebase.outcomes.v1.Series",
       {{"series", "name"},
        {"episode", "episode"},
        {"instrument", "instrument"},
        {"subject", "subject"},
        {"informant", "informant"},
        {"about", "relationship_target"},
        {"n", "assessment_count"},
        {"latest", "latest_answered_time"}}},
      {"securebase.outcomes.v1.Alert",
       {{"alert", "name"},
        {"kind", "kind"},
        {"state", "state"},
        {"level", "risk_level"},
        {"episode", "episode"},
        {"subject", "subject"},
        {"instrument", "instrument"},
        {"opened", "open_time"},
        {"eased", "eased_time"},
        {"escalated to", "escalated_to"}}},
      {"securebase.outcomes.v1.DueAssessment",
       {{"state", "state"},
        {"episode", "schedule.episode"},
        {"instrument", "schedule.instrument"},
        {"subject", "schedule.subject"},
        {"informant", "schedule.informant"},
        {"about", "schedule.relationship_target"},
        {"due", "due_time"},
        {"missed", "missed_in_a_row"}}},
      {"securebase.outcomes.v1.Schedule",
       {{"schedule", "name"},
        {"instrument", "instrument"},
        {"subject", "subject"},
        {"informant", "informant"},
        {"weeks", "cadence_weeks"},
        {"status", "status"}}},
      {"securebase.outcomes.v1.Instrument",
       {{"instrument", "name"},
        {"title", "definition.title"},
        {"version", "definition.version"},
        {"status", "status"},
        {"measures", "definition.construct"}}},
      {"securebase.outcomes.v1.InstrumentVersion",
       {{"version", "name"},
        {"title", "definition.title"},
        {"status", "status"},
        {"recorded", "create_time"}}},
      {"securebase.outcomes.v1.InstrumentTexts",
       {{"texts", "name"},
        {"language", "language"},
        {"items", "item_count"},
        {"licence", "licence_statement"},
        {"imported", "update_time"}}},
      {"securebase.outcomes.v1.Norm",
       {{"norm", "name"},
        {"instrument", "instrument"},
        {"version", "instrument_version"},
        {"scale", "scale"},
        {"n", "sample_size"},
        {"status", "status"},
        {"approved by", "approved_by"},
        {"source", "source"}}},
      {"securebase.goals.v1.Goal",
       {{"goal", "name"},
        {"statement", "statement"},
        {"domain", "domain"},
        {"status", "lifecycle_status"},
        {"achievement", "achievement.status"},
        {"owner", "owner"},
        {"due", "due_date"}}},
      {"securebase.goals.v1.Rating",
       {{"rating", "name"},
        {"informant", "informant.participant"},
        {"value", "value"},
        {"rated", "rating_time"}}},
      {"securebase.plans.v1.Plan",
       {{"plan", "name"},
        {"episode", "episode"},
        {"status", "status"},
        {"revision", "latest_revision"},
        {"review due", "review_due_date"}}},
  };
  return *columns;
}

std::string TimeText(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%d %H:%M", api::FromProto(time), absl::UTCTimeZone());
}

// A message in a cell, or "" when it is too large for one.
std::string SmallMessageText(const Message& message) {
  const std::string& type = message.GetDescriptor()->full_name();
  if (type == "google.protobuf.Timestamp") {
    google::protobuf::Timestamp time;
    time.CopyFrom(message);
    return TimeText(time);
  }
  if (type == "securebase.type.v1.PartialDate") {
    std::vector<std::string> parts;
    for (const char* field : {"year", "month", "day"}) {
      const int number = message.GetReflection()->GetInt32(
          message, message.GetDescriptor()->FindFieldByName(field));
      if (number != 0) {
        parts.push_back(number < 10 ? absl::StrCat("0", number) : absl::StrCat(number));
      }
    }
    return absl::StrJoin(parts, "-");
  }
  if (type == "securebase.type.v1.Actor") {
    type::v1::Actor actor;
    actor.CopyFrom(message);
    return absl::StrCat(EnumText(actor.kind()), " ", actor.subject());
  }
  if (type == "securebase.type.v1.ExternalIdentifier") {
    type::v1::ExternalIdentifier identifier;
    identifier.CopyFrom(message);
    return absl::StrCat(identifier.system(), "|", identifier.value());
  }
  return "";
}

// One value of a field; `index` for a repeated one, else -1.
std::string ValueText(const Message& message, const FieldDescriptor& field, int index) {
  const Reflection& r = *message.GetReflection();
  const bool one = index < 0;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return ShortName(one ? r.GetString(message, &field)
                           : r.GetRepeatedString(message, &field, index));
    case FieldDescriptor::CPPTYPE_ENUM:
      return EnumText(one ? *r.GetEnum(message, &field)
                          : *r.GetRepeatedEnum(message, &field, index));
    case FieldDescriptor::CPPTYPE_BOOL:
      return (one ? r.GetBool(message, &field) : r.GetRepeatedBool(message, &field, index)) ? "yes"
                                                                                            : "no";
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrCat(one ? r.GetInt32(message, &field)
                              : r.GetRepeatedInt32(message, &field, index));
    case FieldDescriptor::CPPTYPE_INT64:
      return absl::StrCat(one ? r.GetInt64(message, &field)
                              : r.GetRepeatedInt64(message, &field, index));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return NumberText(one ? r.GetDouble(message, &field)
                            : r.GetRepeatedDouble(message, &field, index));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return SmallMessageText(one ? r.GetMessage(message, &field)
                                  : r.GetRepeatedMessage(message, &field, index));
    default:
      return "";
  }
}

void CollectCell(const Message& message, const std::vector<std::string>& path, size_t depth,
                 std::vector<std::string>& values) {
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(path[depth]);
  if (field == nullptr) {
    return;
  }
  const Reflection& reflection = *message.GetReflection();
  const bool last = depth + 1 == path.size();
  if (field->is_repeated()) {
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      if (last) {
        values.push_back(ValueText(message, *field, i));
      } else {
        CollectCell(reflection.GetRepeatedMessage(message, field, i), path, depth + 1, values);
      }
    }
  } else if (!last) {
    if (reflection.HasField(message, field)) {
      CollectCell(reflection.GetMessage(message, field), path, depth + 1, values);
    }
  } else if (!field->has_presence() || reflection.HasField(message, field)) {
    values.push_back(ValueText(message, *field, -1));
  }
}

// Without columns of its own a message shows its first six fields that fit into a cell.
Columns DefaultColumns(const google::protobuf::Descriptor& type) {
  Columns columns;
  for (int i = 0; i < type.field_count() && columns.size() < 6; ++i) {
    const FieldDescriptor& field = *type.field(i);
    static const auto* kDull =
        new std::set<std::string>{"uid", "etag", "create_time", "update_time"};
    const bool fits = field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE ||
                      absl::StartsWith(field.message_type()->full_name(), "google.protobuf.T") ||
                      absl::StartsWith(field.message_type()->full_name(), "securebase.type.v1.");
    if (fits && kDull->count(field.name()) == 0) {
      columns.emplace_back(absl::StrReplaceAll(field.name(), {{"_", " "}}), field.name());
    }
  }
  return columns;
}

void RenderRows(Console& console, const Message& message, const FieldDescriptor& field) {
  const auto found = TableColumns().find(field.message_type()->full_name());
  const Columns columns =
      found != TableColumns().end() ? found->second : DefaultColumns(*field.message_type());
  std::vector<std::string> header;
  for (const auto& [title, path] : columns) {
    header.push_back(title);
  }
  Table table(header);
  const Reflection& reflection = *message.GetReflection();
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    std::vector<Table::Cell> row;
    for (const auto& [title, path] : columns) {
      const std::string text = CellText(reflection.GetRepeatedMessage(message, &field, i), path);
      row.push_back({text, ColourOf(text)});
    }
    table.Add(std::move(row));
  }
  table.Print(console);
}

void RenderFields(Console& console, const Message& message, int indent) {
  const Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = message.GetDescriptor()->field(i);
    if (field->is_repeated() ? reflection.FieldSize(message, field) > 0
                             : reflection.HasField(message, field)) {
      fields.push_back(field);
    }
  }
  const std::string margin(static_cast<size_t>(indent) * 2, ' ');
  for (const FieldDescriptor* field : fields) {
    if (field->name() == "uid") {
      continue;
    }
    const std::string label = absl::StrReplaceAll(field->name(), {{"_", " "}});
    const std::string text = CellText(message, field->name());
    if (!text.empty()) {
      console.out << margin << Paint(console, Colour::kDim, absl::StrCat(label, ": "))
                  << Paint(console, ColourOf(text), text) << "\n";
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      const int count = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
      for (int i = 0; i < count; ++i) {
        console.out << margin << Paint(console, Colour::kBold, label) << "\n";
        RenderFields(console,
                     field->is_repeated() ? reflection.GetRepeatedMessage(message, field, i)
                                          : reflection.GetMessage(message, field),
                     indent + 1);
      }
    }
  }
}

std::string ComparatorText(outcomes::v1::Comparator comparator) {
  switch (comparator) {
    case outcomes::v1::COMPARATOR_EXCEEDS:
      return "more than";
    case outcomes::v1::COMPARATOR_AT_LEAST:
      return "at least";
    case outcomes::v1::COMPARATOR_BELOW:
      return "below";
    case outcomes::v1::COMPARATOR_AT_MOST:
      return "at most";
    default:
      return "";
  }
}

void RenderVerdict(Console& console, const outcomes::v1::ChangeVerdict& verdict) {
  const std::string word = EnumText(verdict.verdict());
  console.out << "  " << Paint(console, Colour::kBold, verdict.scale()) << ": "
              << Paint(console, ColourOf(word), word);
  if (verdict.has_from() && verdict.has_to()) {
    console.out << ", " << NumberText(verdict.from()) << " → " << NumberText(verdict.to()) << " ("
                << (verdict.difference() > 0 ? "+" : "") << NumberText(verdict.difference()) << ")";
  }
  if (verdict.provisional()) {
    console.out << Paint(console, Colour::kYellow, " provisional");
  }
  console.out << "\n";
  const auto line = [&](const std::string& label, const std::string& text) {
    if (!text.empty()) {
      console.out << "    " << Paint(console, Colour::kDim, absl::StrCat(label, ": ")) << text
                  << "\n";
    }
  };
  if (verdict.has_threshold()) {
    line("reliable when the change is", absl::StrCat(ComparatorText(verdict.comparator()), " ",
                                                     NumberText(verdict.threshold()), " points"));
  }
  if (verdict.has_cut_off()) {
    line("clinical when the score is", absl::StrCat(ComparatorText(verdict.cut_off().clinical()),
                                                    " ", NumberText(verdict.cut_off().value())));
  }
  line("because", verdict.rule());
  line("reason", verdict.reason());
  line("policy", verdict.policy());
  line("source", verdict.source());
  if (!verdict.approved_norm().empty()) {
    line("approved",
         absl::StrCat("by ", verdict.approved_by(), ", norm ", ShortName(verdict.approved_norm())));
  }
}

void RenderSeries(Console& console, const outcomes::v1::GetSeriesResponse& response) {
  const auto& series = response.series();
  console.out << Paint(console, Colour::kBold,
                       absl::StrCat(ShortName(series.instrument()),
                                    series.instrument_version() == 0
                                        ? ""
                                        : absl::StrCat(" version ", series.instrument_version()),
                                    " of ", series.subject(), ", answered by ", series.informant()))
              << (series.relationship_target().empty()
                      ? ""
                      : absl::StrCat(", about ", series.relationship_target()))
              << "  " << Paint(console, Colour::kDim, ShortName(series.name())) << "\n";
  // Columns are the scales; the first one's course is drawn as bars.
  std::vector<std::string> header = {"answered"};
  double lowest = 0;
  double highest = 0;
  std::map<std::string, std::vector<double>> courses;
  for (const auto& scale : series.scales()) {
    header.push_back(scale.scale());
  }
  header.push_back("");
  for (const auto& point : response.points()) {
    for (const auto& scale : point.scales()) {
      if (scale.has_value()) {
        courses[scale.scale()].push_back(scale.value());
      }
    }
  }
  const std::string drawn = series.scales().empty() ? "" : series.scales(0).scale();
  if (!courses[drawn].empty()) {
    highest = *std::max_element(courses[drawn].begin(), courses[drawn].end());
    lowest = std::min(0.0, *std::min_element(courses[drawn].begin(), courses[drawn].end()));
  }
  Table table(header);
  for (const auto& point : response.points()) {
    std::vector<Table::Cell> row = {{DayText(point.answered_time()), Colour::kPlain}};
    std::string bar;
    for (const auto& scale : point.scales()) {
      std::string text = scale.has_value() ? NumberText(scale.value()) : EnumText(scale.status());
      if (!scale.band().empty()) {
        absl::StrAppend(&text, " ", scale.band());
      }
      if (scale.status() == outcomes::v1::SCALE_STATUS_PRORATED) {
        absl::StrAppend(&text, " (prorated)");
      }
      row.push_back({text, ColourOf(text)});
      if (scale.scale() == drawn && scale.has_value() && highest > lowest) {
        const int width = static_cast<int>((scale.value() - lowest) / (highest - lowest) * 30);
        for (int i = 0; i < width; ++i) {
          bar += "▇";
        }
      }
    }
    while (row.size() + 1 < header.size()) {
      row.push_back({"", Colour::kPlain});
    }
    row.push_back({absl::StrCat(bar, point.baseline() ? " ← baseline" : ""), Colour::kDim});
    table.Add(std::move(row));
  }
  table.Print(console);
  for (const auto& [scale, course] : courses) {
    if (course.size() > 1) {
      console.out << "  " << Paint(console, Colour::kDim, absl::StrCat(scale, " "))
                  << Sparkline(course, *std::min_element(course.begin(), course.end()),
                               *std::max_element(course.begin(), course.end()))
                  << "\n";
    }
  }
  console.out << "\nChange from baseline to latest\n";
  for (const auto& scale : series.scales()) {
    if (scale.has_verdict()) {
      RenderVerdict(console, scale.verdict());
    }
  }
}

// Every text of a response may have been written by somebody else.
void MakePrintable(Message& message) {
  const Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const int count = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        MakePrintable(*(field->is_repeated() ? reflection.MutableRepeatedMessage(&message, field, i)
                                             : reflection.MutableMessage(&message, field)));
      } else if (field->type() == FieldDescriptor::TYPE_STRING && field->is_repeated()) {
        reflection.SetRepeatedString(
            &message, field, i, Printable(reflection.GetRepeatedString(message, field, i), true));
      } else if (field->type() == FieldDescriptor::TYPE_STRING) {
        reflection.SetString(&message, field,
                             Printable(reflection.GetString(message, field), true));
      }
    }
  }
}

}  // namespace

std::string ShortName(const std::string& text) {
  if (!absl::StartsWith(text, "practices/")) {
    return text;
  }
  // Ids only: every second segment, the practice's left out.
  const std::vector<std::string> segments = absl::StrSplit(text, '/');
  std::vector<std::string> ids;
  for (size_t i = 3; i < segments.size(); i += 2) {
    ids.push_back(segments[i]);
  }
  return ids.empty() ? text : absl::StrJoin(ids, "/");
}

std::string NumberText(double value) { return absl::StrCat(std::round(value * 1000) / 1000); }

std::string DayText(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%d", api::FromProto(time), absl::UTCTimeZone());
}

std::string EnumText(const google::protobuf::EnumValueDescriptor& value) {
  return value.number() == 0
             ? ""
             : absl::AsciiStrToLower(absl::StrReplaceAll(ShortEnumName(value), {{"_", " "}}));
}

Colour ColourOf(const std::string& text) {
  for (const char* word : {"risk", "deteriorat", "worsening", "severe", "unscorable", "open"}) {
    if (absl::StartsWith(text, word) || absl::StrContains(text, "deteriorated")) {
      return Colour::kRed;
    }
  }
  for (const char* word :
       {"recovered", "reliably improved", "achieved", "improving", "sustaining"}) {
    if (text == word) {
      return Colour::kGreen;
    }
  }
  for (const char* word : {"not on track", "overdue", "alliance", "prorated"}) {
    if (absl::StartsWith(text, word)) {
      return Colour::kYellow;
    }
  }
  return Colour::kPlain;
}

std::string CellText(const Message& message, const std::string& path) {
  std::vector<std::string> values;
  CollectCell(message, absl::StrSplit(path, '.'), 0, values);
  values.erase(std::remove(values.begin(), values.end(), ""), values.end());
  return absl::StrJoin(values, ", ");
}

std::string Sparkline(const std::vector<double>& values, double lowest, double highest) {
  static constexpr const char* kBars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  std::string line;
  for (const double value : values) {
    const double part = highest > lowest ? (value - lowest) / (highest - lowest) : 0;
    line += kBars[std::clamp(static_cast<int>(part * 7.999), 0, 7)];
  }
  return line;
}

void Render(Console& console, const Message& received) {
  const std::unique_ptr<Message> printable(received.New());
  printable->CopyFrom(received);
  MakePrintable(*printable);
  const Message& response = *printable;
  if (const auto* series =
          google::protobuf::DynamicCastToGenerated<outcomes::v1::GetSeriesResponse>(&response)) {
    RenderSeries(console, *series);
    return;
  }
  if (RenderDashboard(console, response)) {
    return;
  }
  // A list is a response whose first field is the page.
  const auto* type = response.GetDescriptor();
  const bool is_list = type->FindFieldByName("next_page_token") != nullptr ||
                       type->FindFieldByName("next_token") != nullptr;
  if (is_list) {
    for (int i = 0; i < type->field_count(); ++i) {
      if (type->field(i)->is_repeated() &&
          type->field(i)->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        RenderRows(console, response, *type->field(i));
        break;
      }
    }
    const std::string token = absl::StrCat(CellText(response, "next_page_token"));
    if (!token.empty()) {
      console.out << Paint(console, Colour::kDim,
                           "There is more: --all shows everything, --page-token continues.")
                  << "\n";
    }
    return;
  }
  RenderFields(console, response, 0);
}

}  // namespace securebase::cli
