#include "clients/cli/online/dashboards.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "clients/cli/online/text.h"
#include "securebase/outcomes/v1/outcomes_service.pb.h"

namespace securebase::cli {
namespace {

namespace v1 = outcomes::v1;

constexpr char kNothing[] = "—";

Table::Cell Plain(std::string text) { return {std::move(text), Colour::kPlain}; }
Table::Cell Told(std::string text) {
  const Colour colour = ColourOf(text);
  return {std::move(text), colour};
}

std::string Signed(double value) { return absl::StrCat(value > 0 ? "+" : "", NumberText(value)); }

// "risk phq-9 ada (open, escalated)".
std::string AlertText(const v1::AlertSummary& alert) {
  std::vector<std::string> states = {EnumText(alert.state())};
  if (alert.escalated()) {
    states.push_back("escalated");
  }
  if (alert.eased()) {
    states.push_back("eased");
  }
  return absl::StrCat(EnumText(alert.kind()), " ", ShortName(alert.instrument()), " ",
                      alert.subject(), " (", absl::StrJoin(states, ", "), ")");
}

std::string MeasureText(const v1::SeriesHeadline& series) {
  return absl::StrCat(
      ShortName(series.instrument()), "/", series.scale(), " ", series.subject(),
      series.relationship_target().empty() ? "" : absl::StrCat(" → ", series.relationship_target()),
      series.informant() == series.subject() ? "" : absl::StrCat(" by ", series.informant()));
}

std::string CourseText(const v1::SeriesHeadline& series) {
  if (!series.has_latest()) {
    return kNothing;
  }
  return series.count() > 1
             ? absl::StrCat(NumberText(series.baseline()), " → ", NumberText(series.latest()))
             : NumberText(series.latest());
}

std::string ReasonText(v1::ChangeReason reason) {
  switch (reason) {
    case v1::CHANGE_REASON_NO_NORM:
      return "no norm is approved";
    case v1::CHANGE_REASON_LOW_CONFIDENCE:
      return "its figures are of low confidence";
    case v1::CHANGE_REASON_NON_MONOTONE:
      return "higher is neither better nor worse";
    case v1::CHANGE_REASON_NOT_AN_OUTCOME:
      return "it records history";
    case v1::CHANGE_REASON_NO_SCORE:
      return "it needs two scores";
    default:
      return "";
  }
}

std::string VerdictText(const v1::SeriesHeadline& series) {
  const std::string verdict = EnumText(series.verdict());
  return absl::StrCat(verdict, series.provisional() && !verdict.empty() ? " (prov.)" : "");
}

void RenderCaseload(Console& console, const v1::GetCaseloadResponse& response) {
  if (response.not_modified()) {
    console.out << "not modified\n";
    return;
  }
  if (response.entries().empty()) {
    console.out << "No open episodes.\n";
    return;
  }
  Table table({"episode", "urgency", "alerts", "measure", "course", "verdict", "next due"});
  for (const auto& entry : response.entries()) {
    // The episode's own columns on the first line, then a line for each alert and series.
    const int lines = std::max({1, entry.series_size(), entry.alerts_size()});
    for (int i = 0; i < lines; ++i) {
      std::vector<Table::Cell> row(7);
      if (i == 0) {
        row[0] = {ShortName(entry.episode()), Colour::kBold};
        row[1] = Told(entry.urgency() == v1::URGENCY_NONE ? kNothing : EnumText(entry.urgency()));
        row[6] = Plain(entry.has_next_due_time() ? DayText(entry.next_due_time()) : "");
      }
      if (i < entry.alerts_size()) {
        const std::string text = AlertText(entry.alerts(i));
        row[2] = {text, entry.alerts(i).eased() ? Colour::kDim : ColourOf(text)};
      }
      if (i < entry.series_size()) {
        row[3] = Plain(MeasureText(entry.series(i)));
        row[4] = Plain(CourseText(entry.series(i)));
        row[5] = Told(VerdictText(entry.series(i)));
      }
      table.Add(std::move(row));
    }
  }
  table.Print(console);
  if (response.truncated()) {
    console.out << "More episodes are not shown; raise --limit.\n";
  }
}

// The plane from 1 to 7 on both axes, half a point to a line and a quarter to a column.
constexpr double kLowest = 1;
constexpr double kHighest = 7;
constexpr int kHeight = 13;
constexpr int kWidth = 25;

int Place(double value, int places) {
  const double part = (value - kLowest) / (kHighest - kLowest);
  return std::clamp(static_cast<int>(std::lround(part * (places - 1))), 0, places - 1);
}

// The first point ○, the latest ●, those between ·.
void DrawPlane(Console& console, const v1::AttachmentTrajectory& way) {
  std::vector<std::vector<std::string>> plane(kHeight, std::vector<std::string>(kWidth, " "));
  for (int i = 0; i < way.steps_size(); ++i) {
    const v1::AttachmentPoint& point = way.steps(i).point();
    std::string& cell = plane[static_cast<size_t>(kHeight - 1 - Place(point.avoidance(), kHeight))]
                             [static_cast<size_t>(Place(point.anxiety(), kWidth))];
    if (i + 1 == way.steps_size()) {
      cell = "●";
    } else if (i == 0) {
      cell = "○";
    } else if (cell == " ") {
      cell = "·";
    }
  }
  console.out << Paint(console, Colour::kDim, "  avoidance") << "\n";
  for (int line = 0; line < kHeight; ++line) {
    const int value = static_cast<int>(kHighest) - line / 2;
    std::string text = absl::StrJoin(plane[static_cast<size_t>(line)], "");
    absl::StripTrailingAsciiWhitespace(&text);
    console.out << "  " << (line % 2 == 0 ? absl::StrCat(value) : " ") << " │" << text << "\n";
  }
  console.out << "    └";
  for (int column = 0; column < kWidth; ++column) {
    console.out << "─";
  }
  console.out << "\n     1   2   3   4   5   6   7  " << Paint(console, Colour::kDim, "anxiety")
              << "\n";
}

void RenderPlane(Console& console, const v1::GetAttachmentPlaneResponse& response) {
  if (response.trajectories().empty()) {
    console.out << "No attachment measure with a score.\n";
    return;
  }
  for (const auto& way : response.trajectories()) {
    const std::string about =
        way.relationship_target().empty() ? "close relationships" : way.relationship_target();
    console.out << Paint(console, Colour::kBold,
                         absl::StrCat("Attachment: ", about, ", answered by ", way.informant()))
                << "  " << Paint(console, Colour::kDim, ShortName(way.series())) << "\n";
    DrawPlane(console, way);
    Table table({"answered", "anxiety", "avoidance", ""});
    for (int i = 0; i < way.steps_size(); ++i) {
      const v1::AttachmentStep& step = way.steps(i);
      table.Add({Plain(DayText(step.answered_time())),
                 Plain(NumberText(step.point().anxiety())),
                 Plain(NumberText(step.point().avoidance())),
                 {i + 1 == way.steps_size() ? "●"
                  : i == 0                  ? "○"
                                            : "·",
                  Colour::kDim}});
    }
    table.Print(console);
    if (way.truncated()) {
      console.out << "Older points: securebase series show " << ShortName(way.series()) << "\n";
    }
    if (way.has_vector()) {
      console.out << "Since the baseline: anxiety " << Signed(way.vector().anxiety())
                  << ", avoidance " << Signed(way.vector().avoidance())
                  << absl::StrFormat(", distance %.2f", way.vector().length()) << "\n";
    }
    console.out << "\n";
  }
  if (response.has_global()) {
    console.out << "All relationships together (their mean): anxiety "
                << NumberText(response.global().anxiety()) << ", avoidance "
                << NumberText(response.global().avoidance()) << "\n";
  }
  console.out << Paint(console, Colour::kDim,
                       "Higher is less secure on both axes. Two dimensions, never a type.")
              << "\n";
}

void RenderConcordance(Console& console, const v1::GetConcordanceResponse& response) {
  Table table({"domain", "measure", "course", "latest", "change since baseline"});
  for (const auto& column : response.columns()) {
    const std::string domain = EnumText(column.domain());
    if (column.series().empty()) {
      table.Add({{domain, Colour::kBold},
                 Plain(kNothing),
                 Plain(kNothing),
                 Plain(""),
                 {"insufficient data: nothing is measured", Colour::kDim}});
    }
    for (int i = 0; i < column.series_size(); ++i) {
      const v1::SeriesHeadline& series = column.series(i);
      const std::string reason = ReasonText(series.reason_code());
      table.Add(
          {{i == 0 ? domain : "", Colour::kBold},
           Plain(MeasureText(series)),
           Plain(CourseText(series)),
           Plain(series.has_latest_answered_time() ? DayText(series.latest_answered_time()) : ""),
           Told(absl::StrCat(VerdictText(series), reason.empty() ? "" : ": ", reason))});
    }
  }
  table.Print(console);
}

std::string Share(bool shown, int part, int all) {
  if (!shown) {
    return kNothing;
  }
  return all == 0 ? absl::StrCat(part) : absl::StrFormat("%d (%.0f %%)", part, 100.0 * part / all);
}

void RenderSummary(Console& console, const v1::GetPracticeSummaryResponse& response) {
  if (response.not_modified()) {
    console.out << "not modified\n";
    return;
  }
  if (response.rows().empty()) {
    console.out << "No episode with this measure was closed.\n";
    return;
  }
  console.out << "Scale " << response.scale() << ", closed episodes\n";
  Table table({"group", "n", "recovered", "reliably improved", "no reliable change",
               "reliably deteriorated", "insufficient data", "completed", "effect size g"});
  bool left_out = false;
  for (const auto& row : response.rows()) {
    const int n = row.count();
    std::vector<Table::Cell> cells = {{row.key().empty() ? "all" : row.key(), Colour::kBold}};
    if (row.suppressed()) {
      cells.resize(9, Plain(kNothing));
      left_out = true;
    } else {
      for (const std::string& text :
           {absl::StrCat(n), Share(row.has_recovered(), row.recovered(), n),
            Share(row.has_reliably_improved(), row.reliably_improved(), n),
            Share(row.has_no_reliable_change(), row.no_reliable_change(), n),
            Share(row.has_reliably_deteriorated(), row.reliably_deteriorated(), n),
            Share(row.has_insufficient_data(), row.insufficient_data(), n),
            Share(row.has_completed(), row.completed(), n),
            row.has_effect_size()
                ? absl::StrFormat("%.2f (n = %d)", row.effect_size().g(), row.effect_size().n())
                : std::string(kNothing)}) {
        left_out = left_out || (text == kNothing && response.smallest_group() > 0);
        cells.push_back(Plain(text));
      }
    }
    table.Add(std::move(cells));
  }
  table.Print(console);
  if (left_out) {
    console.out << kNothing << " stands for figures of fewer than " << response.smallest_group()
                << " persons, and for those that would give them away.\n";
  }
  if (response.truncated()) {
    console.out << "There are more rows.\n";
  }
}

void RenderInformants(Console& console, const v1::CompareInformantsResponse& response) {
  if (response.comparisons().empty()) {
    console.out << "No two informants have answered this form about the same person.\n";
    return;
  }
  Table table({"scale", "one", "value", "other", "value", "gap", "beyond measurement error?"});
  for (const auto& row : response.comparisons()) {
    const v1::InformantGap& gap = row.gap();
    const std::string judged = gap.has_exceeds()
                                   ? absl::StrCat(gap.exceeds() ? "yes" : "no", ", more than ",
                                                  NumberText(gap.threshold()))
                                   : "insufficient data: no standard error is known";
    table.Add({Plain(row.scale()), Plain(row.first().informant()),
               Plain(NumberText(row.first().value())), Plain(row.second().informant()),
               Plain(NumberText(row.second().value())), Plain(Signed(gap.gap())), Plain(judged)});
  }
  table.Print(console);
}

std::string YesNo(bool yes) { return yes ? "yes" : "no"; }

void RenderPairedOutcome(Console& console, const v1::GetPairedOutcomeResponse& response) {
  Table table({"measure", "first → latest", "reliable change", "caseness"});
  for (const v1::ChangeVerdict* verdict : {&response.depression(), &response.anxiety()}) {
    table.Add({Plain(verdict->instrument()),
               Plain(absl::StrCat(NumberText(verdict->from()), " → ", NumberText(verdict->to()))),
               Plain(absl::StrCat(NumberText(verdict->threshold()), " points or more")),
               Plain(absl::StrCat("from ", NumberText(verdict->cut_off().value())))});
  }
  table.Print(console);
  const v1::PairedOutcome& outcome = response.outcome();
  console.out << "at caseness at the start  " << YesNo(outcome.caseness_at_start()) << "\n"
              << "reliable improvement      " << YesNo(outcome.reliable_improvement()) << "\n"
              << "reliable deterioration    " << YesNo(outcome.reliable_deterioration()) << "\n"
              << "NHS recovery              " << YesNo(outcome.nhs_recovery()) << "\n"
              << "NHS reliable recovery     " << YesNo(outcome.nhs_reliable_recovery()) << "\n"
              << "counts for the recovery rate  "
              << (outcome.has_in_denominator()
                      ? YesNo(outcome.in_denominator())
                      : "insufficient data: treatment contacts are not reported")
              << "\n";
}

// Prints `response` by `render` if it is a Response.
template <typename Response>
bool RenderIf(Console& console, const google::protobuf::Message& response,
              void (*render)(Console&, const Response&)) {
  const auto* own = google::protobuf::DynamicCastToGenerated<Response>(&response);
  if (own != nullptr) {
    render(console, *own);
  }
  return own != nullptr;
}

}  // namespace

bool RenderDashboard(Console& console, const google::protobuf::Message& response) {
  return RenderIf(console, response, RenderCaseload) || RenderIf(console, response, RenderPlane) ||
         RenderIf(console, response, RenderConcordance) ||
         RenderIf(console, response, RenderSummary) ||
         RenderIf(console, response, RenderInformants) ||
         RenderIf(console, response, RenderPairedOutcome);
}

}  // namespace securebase::cli
