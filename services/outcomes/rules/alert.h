#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "securebase/outcomes/v1/alert.pb.h"
#include "securebase/outcomes/v1/change.pb.h"
#include "securebase/outcomes/v1/dashboard.pb.h"
#include "securebase/outcomes/v1/instrument.pb.h"
#include "securebase/outcomes/v1/score.pb.h"
#include "securebase/outcomes/v1/series.pb.h"
#include "securebase/type/v1/type.pb.h"

// The life of an alert: raised once for a cause, joined by repeats, worsened by a worse answer,
// acknowledged, resolved, and corrected together with the assessments behind it.
namespace securebase::outcomes {

// What every risk answer's reply and alert says.
inline constexpr absl::string_view kNoEmergencyService =
    "This is no emergency service: nobody watches alerts on your behalf. Follow your practice's "
    "crisis procedure.";

inline constexpr int kMaxAlertSources = 50;
inline constexpr int kMaxAlertEvents = 50;

// "OPEN".
std::string AlertStateWord(v1::AlertState state);

// What people may do: OPEN -> ACKNOWLEDGED -> RESOLVED, so that nothing is closed unseen. The way
// back to OPEN is not theirs: a worse answer takes it.
bool CanTransition(v1::AlertState from, v1::AlertState to);
// Where `from` can go, in the order of the enum.
std::vector<v1::AlertState> AllowedTransitions(v1::AlertState from);
// FAILED_PRECONDITION (TRANSITION_NOT_ALLOWED) naming what is allowed.
absl::Status CheckTransition(v1::AlertState from, v1::AlertState to);

// Something in one assessment that a clinician must see.
struct Finding {
  v1::AlertKind kind = v1::ALERT_KIND_UNSPECIFIED;
  std::string scale;  // empty: not about one scale
  v1::RiskLevel risk_level = v1::RISK_LEVEL_UNSPECIFIED;
  std::vector<v1::RiskAnswer> risk_answers;  // those that are present
  v1::ChangeVerdict verdict;                 // its derivation; instrument empty: there is none
  std::string rule;                          // in words, with its figures
  bool house_rule = false;
  bool provisional = false;
};

// When and by whom something happened to an alert.
struct AlertMoment {
  absl::Time time;
  type::v1::Actor actor;
  absl::Duration escalation_delay;  // of risk alerts, from the practice's settings
};

// Adds a source to `alert`, which is new (state unspecified) or not resolved, with the finding's
// derivation. A new alert is RAISED and open. On one that stands the source is JOINED or, when its
// risk level is above all before, WORSENED: then it is open again, whoever had acknowledged it, and
// the time to escalation begins anew. Where nobody had, it goes on: a worse answer never makes
// anybody wait longer. A source of the same assessment is replaced. Of more than kMaxAlertSources
// the oldest is dropped that is not of the highest level.
void AddAlertSource(const Finding& finding, const v1::SeriesPoint& point, const AlertMoment& moment,
                    v1::Alert& alert);

// Whether somebody has resolved what `finding` says of `point`: `alert` rests on that assessment,
// at this level or above for each of its risk answers, and a person closed it. What ceased by a
// correction nobody has judged.
bool IsSettledBy(const v1::Alert& alert, const Finding& finding, const v1::SeriesPoint& point);

// A finding with its place in a series.
struct FoundAt {
  Finding finding;
  v1::SeriesPoint point;
};

// Makes `found` (what still holds, oldest first) the alert's sources after `assessment` was
// corrected or came late. Nothing happens where they are its sources already. With none left the
// alert is resolved, CEASED; otherwise level, derivation and sources follow, CORRECTED, and
// WORSENED if the level rose. Returns whether anything changed.
bool CorrectAlert(const std::vector<FoundAt>& found, const std::string& assessment,
                  const AlertMoment& moment, v1::Alert& alert);

// The latest assessment of the series, `assessment`, says so (`eased` false) or no longer does. An
// alert that has eased stands until somebody closes it, but does not press. Returns whether
// anything changed.
bool SetEased(bool eased, const std::string& assessment, const AlertMoment& moment,
              v1::Alert& alert);

// The alert is resolved because what it was about no longer holds.
void CeaseAlert(const std::string& assessment, const AlertMoment& moment, v1::Alert& alert);

// People's doing; errors are those of CheckTransition.
absl::Status AcknowledgeAlert(const std::string& note_code, const AlertMoment& moment,
                              v1::Alert& alert);
absl::Status ResolveAlert(const std::string& note_code, const AlertMoment& moment,
                          v1::Alert& alert);

// It was not acknowledged in time.
void EscalateAlert(const std::vector<std::string>& staff, const AlertMoment& moment,
                   v1::Alert& alert);

// `count` assessments were missed in a row: raises a new OVERDUE alert (state unspecified), or
// joins one that is not resolved.
void AddMisses(int count, const AlertMoment& moment, v1::Alert& alert);

// Orders alerts as a clinician should meet them: by kind (those that have eased last), within it
// those not acknowledged first, then the higher level, then the longer wait, then by name.
bool MoreUrgent(const v1::AlertSummary& a, const v1::AlertSummary& b);

}  // namespace securebase::outcomes
