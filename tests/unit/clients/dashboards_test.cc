// What a clinician and a practice read in the terminal: golden files, because people read them.
#include "clients/cli/online/dashboards.h"

#include <sstream>
#include <string>

#include "clients/cli/online/render.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "securebase/episodes/v1/episodes_service.pb.h"
#include "securebase/outcomes/v1/outcomes_service.pb.h"
#include "tests/testing/golden.h"

namespace securebase::cli {
namespace {

using ::securebase::testing::ExpectGolden;

template <typename Response>
std::string Shown(const std::string& text) {
  Response response;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &response)) << text;
  std::ostringstream out;
  Console console{out, out, false, absl::OkStatus()};
  Render(console, response);
  return out.str();
}

TEST(DashboardsTest, TheCaseloadSaysWhatPressesAndWhy) {
  ExpectGolden("cli/caseload.txt", Shown<outcomes::v1::GetCaseloadResponse>(R"pb(
                 entries {
                   episode: "practices/p1/episodes/ada"
                   urgency: URGENCY_RISK
                   alerts {
                     kind: ALERT_KIND_RISK
                     state: ALERT_STATE_OPEN
                     risk_level: RISK_LEVEL_HIGH
                     instrument: "practices/p1/instruments/phq-9"
                     subject: "ada"
                     escalated: true
                   }
                   alerts {
                     kind: ALERT_KIND_NOT_ON_TRACK
                     state: ALERT_STATE_OPEN
                     instrument: "practices/p1/instruments/phq-9"
                     subject: "ada"
                     eased: true
                   }
                   series {
                     instrument: "practices/p1/instruments/phq-9"
                     subject: "ada"
                     informant: "ada"
                     scale: "total"
                     count: 5
                     baseline: 19
                     latest: 6.5
                     verdict: VERDICT_RECOVERED
                   }
                   next_due_time { seconds: 1772366400 }
                 }
                 entries {
                   episode: "practices/p1/episodes/bo-cleo"
                   urgency: URGENCY_NONE
                   series {
                     instrument: "practices/p1/instruments/ecr-rs"
                     subject: "cleo"
                     informant: "cleo"
                     relationship_target: "partner"
                     scale: "avoidance"
                     count: 1
                     baseline: 3
                     latest: 3
                     verdict: VERDICT_INSUFFICIENT_DATA
                     reason_code: CHANGE_REASON_NO_NORM
                   }
                   series {
                     instrument: "practices/p1/instruments/core-10"
                     subject: "bo"
                     informant: "bo"
                     scale: "total"
                     count: 2
                     baseline: 14
                     latest: 24
                     verdict: VERDICT_RELIABLY_DETERIORATED
                     provisional: true
                   }
                 }
                 entries { episode: "practices/p1/episodes/new" urgency: URGENCY_NONE }
                 truncated: true
               )pb"));
  EXPECT_EQ(Shown<outcomes::v1::GetCaseloadResponse>("not_modified: true"), "not modified\n");
  EXPECT_EQ(Shown<outcomes::v1::GetCaseloadResponse>(""), "No open episodes.\n");
}

TEST(DashboardsTest, ThePlaneIsAPictureWithTheWay) {
  ExpectGolden("cli/plane.txt", Shown<outcomes::v1::GetAttachmentPlaneResponse>(R"pb(
                 trajectories {
                   series: "practices/p1/series/s1"
                   relationship_target: "partner"
                   informant: "bo"
                   steps {
                     answered_time { seconds: 1772366400 }
                     point { anxiety: 5.5 avoidance: 6 }
                   }
                   steps {
                     answered_time { seconds: 1775000000 }
                     point { anxiety: 4 avoidance: 4.333333 }
                   }
                   steps {
                     answered_time { seconds: 1778000000 }
                     point { anxiety: 2 avoidance: 3 }
                   }
                   vector { anxiety: -3.5 avoidance: -3 length: 4.6098 }
                 }
                 trajectories {
                   series: "practices/p1/series/s2"
                   relationship_target: "mother"
                   informant: "bo"
                   steps {
                     answered_time { seconds: 1772366400 }
                     point { anxiety: 1 avoidance: 7 }
                   }
                 }
                 global { anxiety: 1.5 avoidance: 5 }
               )pb"));
  EXPECT_EQ(Shown<outcomes::v1::GetAttachmentPlaneResponse>(""),
            "No attachment measure with a score.\n");
}

TEST(DashboardsTest, MeasuresStandSideBySideAndSayWhatIsMissing) {
  ExpectGolden("cli/concordance.txt", Shown<outcomes::v1::GetConcordanceResponse>(R"pb(
                 columns {
                   domain: DOMAIN_SYMPTOMS
                   series {
                     instrument: "practices/p1/instruments/phq-9"
                     subject: "ada"
                     informant: "ada"
                     scale: "total"
                     count: 9
                     baseline: 19
                     latest: 5
                     latest_answered_time { seconds: 1772366400 }
                     verdict: VERDICT_RECOVERED
                   }
                   series {
                     instrument: "practices/p1/instruments/gad-7"
                     subject: "ada"
                     informant: "ada"
                     scale: "total"
                     count: 1
                     baseline: 9
                     latest: 9
                     latest_answered_time { seconds: 1772366400 }
                     verdict: VERDICT_INSUFFICIENT_DATA
                     reason_code: CHANGE_REASON_NO_SCORE
                   }
                 }
                 columns { domain: DOMAIN_FUNCTIONING insufficient_data: true }
                 columns { domain: DOMAIN_RELATIONSHIP insufficient_data: true }
                 columns {
                   domain: DOMAIN_ATTACHMENT
                   insufficient_data: true
                   series {
                     instrument: "practices/p1/instruments/rfq-8"
                     subject: "ada"
                     informant: "ada"
                     scale: "rfq_c"
                     count: 2
                     baseline: 1.5
                     latest: 0.66666
                     latest_answered_time { seconds: 1772366400 }
                     verdict: VERDICT_INSUFFICIENT_DATA
                     reason_code: CHANGE_REASON_NON_MONOTONE
                   }
                 }
               )pb"));
}

TEST(DashboardsTest, ThePracticeSummaryLeavesSmallFiguresOutAndSaysSo) {
  ExpectGolden("cli/summary.txt", Shown<outcomes::v1::GetPracticeSummaryResponse>(R"pb(
                 scale: "total"
                 smallest_group: 11
                 rows {
                   key: "dr-heron"
                   count: 40
                   recovered: 18
                   reliably_improved: 0
                   completed: 40
                   completion_rate: 1
                   effect_size { n: 40 g: 1.234 }
                 }
                 rows { key: "dr-wren" suppressed: true }
               )pb"));
  ExpectGolden("cli/summary-all.txt", Shown<outcomes::v1::GetPracticeSummaryResponse>(R"pb(
                 scale: "total"
                 rows {
                   count: 3
                   recovered: 1
                   reliably_improved: 1
                   no_reliable_change: 0
                   reliably_deteriorated: 0
                   insufficient_data: 1
                   completed: 2
                   completion_rate: 0.6667
                 }
               )pb"));
  EXPECT_EQ(Shown<outcomes::v1::GetPracticeSummaryResponse>("scale: 'total'"),
            "No episode with this measure was closed.\n");
}

TEST(DashboardsTest, InformantsAndThePairedOutcome) {
  ExpectGolden("cli/informants.txt", Shown<outcomes::v1::CompareInformantsResponse>(R"pb(
                 comparisons {
                   scale: "total"
                   first { informant: "mum" value: 12 }
                   second { informant: "dad" value: 20 }
                   gap { gap: 8 threshold: 6.2 exceeds: true }
                 }
                 comparisons {
                   scale: "peer"
                   first { informant: "mum" value: 4 }
                   second { informant: "dad" value: 3 }
                   gap { gap: -1 }
                 }
               )pb"));
  ExpectGolden("cli/paired-outcome.txt", Shown<outcomes::v1::GetPairedOutcomeResponse>(R"pb(
                 depression {
                   instrument: "phq-9"
                   from: 19
                   to: 5
                   threshold: 6
                   cut_off { value: 10 }
                 }
                 anxiety {
                   instrument: "gad-7"
                   from: 14
                   to: 8
                   threshold: 4
                   cut_off { value: 8 }
                 }
                 outcome { caseness_at_start: true reliable_improvement: true }
               )pb"));
}

// A reminder says whom to remind of what.
TEST(DashboardsTest, WhatIsDueNamesTheMeasureAndThePerson) {
  ExpectGolden("cli/due.txt", Shown<outcomes::v1::ListDueAssessmentsResponse>(R"pb(
                 due {
                   schedule {
                     episode: "practices/p1/episodes/ada"
                     instrument: "practices/p1/instruments/phq-9"
                     subject: "ada"
                     informant: "ada"
                   }
                   state: DUE_STATE_OVERDUE
                   due_time { seconds: 1772366400 }
                   missed_in_a_row: 2
                 }
               )pb"));
}

TEST(DashboardsTest, OtherAnswersAreNotDashboards) {
  std::ostringstream out;
  Console console{out, out, false, absl::OkStatus()};
  EXPECT_FALSE(RenderDashboard(console, episodes::v1::ListEpisodesResponse()));
  EXPECT_EQ(out.str(), "");
}

}  // namespace
}  // namespace securebase::cli
