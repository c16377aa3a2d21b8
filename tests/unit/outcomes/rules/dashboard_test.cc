#include "services/outcomes/rules/dashboard.h"

#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace securebase::outcomes {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

v1::AlertSummary Alert(v1::AlertKind kind, v1::AlertState state = v1::ALERT_STATE_OPEN) {
  v1::AlertSummary alert;
  alert.set_kind(kind);
  alert.set_state(state);
  return alert;
}

TEST(UrgencyTest, EveryKindOfAlertHasOneAndARiskPressesLessOnceSomebodyHasSeenIt) {
  EXPECT_EQ(UrgencyOf(Alert(v1::ALERT_KIND_RISK)), v1::URGENCY_RISK);
  EXPECT_EQ(UrgencyOf(Alert(v1::ALERT_KIND_RISK, v1::ALERT_STATE_ACKNOWLEDGED)),
            v1::URGENCY_RISK_ACKNOWLEDGED);
  EXPECT_LT(v1::URGENCY_RISK_ACKNOWLEDGED, v1::URGENCY_RISK);
  for (int kind = v1::AlertKind_MIN + 1; kind <= v1::AlertKind_MAX; ++kind) {
    EXPECT_NE(UrgencyOf(Alert(static_cast<v1::AlertKind>(kind))), v1::URGENCY_NONE) << kind;
  }
}

TEST(UrgencyTest, FallsWithTheOrderInWhichAlertsAreMet) {
  for (int kind = v1::AlertKind_MIN + 1; kind < v1::AlertKind_MAX; ++kind) {
    EXPECT_GE(UrgencyOf(Alert(static_cast<v1::AlertKind>(kind))),
              UrgencyOf(Alert(static_cast<v1::AlertKind>(kind + 1))))
        << kind;
  }
}

TEST(UrgencyTest, WhatHasEasedDoesNotPress) {
  v1::AlertSummary alert = Alert(v1::ALERT_KIND_DETERIORATION);
  alert.set_eased(true);
  EXPECT_EQ(UrgencyOf(alert), v1::URGENCY_NONE);
}

// 0: nothing waits, nothing is due.
v1::CaseloadEntry Entry(v1::Urgency urgency, int waits_since, int due, const std::string& name) {
  v1::CaseloadEntry entry;
  entry.set_episode(name);
  entry.set_urgency(urgency);
  if (waits_since > 0) {
    entry.add_alerts()->mutable_open_time()->set_seconds(waits_since);
    entry.add_alerts()->mutable_open_time()->set_seconds(1);  // of one that is less urgent
  }
  if (due > 0) {
    entry.mutable_next_due_time()->set_seconds(due);
  }
  return entry;
}

// Each differs from the one before in what decides there, and is ahead of it in all that counts
// less.
TEST(CaseloadTest, TheMostUrgentThenWhoWaitsLongestThenWhatIsDueFirst) {
  const v1::CaseloadEntry ordered[] = {
      Entry(v1::URGENCY_RISK, 5, 8, "b"),          Entry(v1::URGENCY_RISK, 5, 8, "c"),
      Entry(v1::URGENCY_RISK, 5, 9, "a"),          Entry(v1::URGENCY_RISK, 5, 0, "a"),
      Entry(v1::URGENCY_RISK, 6, 1, "a"),          Entry(v1::URGENCY_RISK, 0, 1, "a"),
      Entry(v1::URGENCY_DETERIORATION, 1, 1, "a"), Entry(v1::URGENCY_NONE, 1, 1, "a"),
  };
  for (size_t a = 0; a < std::size(ordered); ++a) {
    for (size_t b = 0; b < std::size(ordered); ++b) {
      EXPECT_EQ(PrecedesInCaseload(ordered[a], ordered[b]), a < b) << a << " " << b;
    }
  }
}

v1::SeriesHeadline Headline(v1::Domain domain, const std::string& series, v1::Verdict verdict) {
  v1::SeriesHeadline headline;
  headline.set_domain(domain);
  headline.set_series(series);
  headline.set_verdict(verdict);
  return headline;
}

std::vector<std::string> SeriesOf(const v1::ConcordanceColumn& column) {
  std::vector<std::string> names;
  for (const v1::SeriesHeadline& headline : column.series()) {
    names.push_back(headline.series());
  }
  return names;
}

TEST(ConcordanceTest, TheFourDomainsOfChangeAreThereEvenIfNothingWasMeasured) {
  const auto columns =
      MakeConcordance({Headline(v1::DOMAIN_ALLIANCE, "s", v1::VERDICT_NO_RELIABLE_CHANGE)});
  std::vector<v1::Domain> domains;
  for (const v1::ConcordanceColumn& column : columns) {
    domains.push_back(column.domain());
    EXPECT_EQ(column.insufficient_data(), column.domain() != v1::DOMAIN_ALLIANCE);
  }
  EXPECT_THAT(domains,
              ElementsAre(v1::DOMAIN_SYMPTOMS, v1::DOMAIN_FUNCTIONING, v1::DOMAIN_RELATIONSHIP,
                          v1::DOMAIN_ATTACHMENT, v1::DOMAIN_ALLIANCE));
}

TEST(ConcordanceTest, OneVerdictMakesAColumnSayMoreThanInsufficientData) {
  auto columns =
      MakeConcordance({Headline(v1::DOMAIN_SYMPTOMS, "b", v1::VERDICT_INSUFFICIENT_DATA),
                       Headline(v1::DOMAIN_SYMPTOMS, "a", v1::VERDICT_INSUFFICIENT_DATA)});
  EXPECT_TRUE(columns[0].insufficient_data());
  EXPECT_THAT(SeriesOf(columns[0]), ElementsAre("a", "b"));
  columns = MakeConcordance({Headline(v1::DOMAIN_SYMPTOMS, "b", v1::VERDICT_RELIABLY_DETERIORATED),
                             Headline(v1::DOMAIN_SYMPTOMS, "a", v1::VERDICT_INSUFFICIENT_DATA)});
  EXPECT_FALSE(columns[0].insufficient_data());
}

TEST(ConcordanceTest, AColumnIsBoundedAndTheOthersAreNotShortenedByIt) {
  std::vector<v1::SeriesHeadline> headlines;
  for (int i = 0; i <= kMaxSeriesOfColumn; ++i) {
    headlines.push_back(
        Headline(v1::DOMAIN_SYMPTOMS, absl::StrCat(i), v1::VERDICT_INSUFFICIENT_DATA));
  }
  headlines.push_back(Headline(v1::DOMAIN_FUNCTIONING, "f", v1::VERDICT_INSUFFICIENT_DATA));
  const auto columns = MakeConcordance(headlines);
  EXPECT_THAT(columns[0].series(), SizeIs(kMaxSeriesOfColumn));
  EXPECT_THAT(columns[1].series(), SizeIs(1));
}

}  // namespace
}  // namespace securebase::outcomes
