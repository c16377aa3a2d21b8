#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "securebase/outcomes/v1/alert.pb.h"
#include "securebase/outcomes/v1/series.pb.h"
#include "services/outcomes/records/practice_rules.h"
#include "services/outcomes/rules/alert.h"
#include "services/platform/records/database.h"

// Alerts in a transaction: those of one cause are numbered, and all but the last are resolved.
namespace securebase::outcomes {

// Who acts in this transaction, and when.
AlertMoment MomentOf(const records::Write& write, const PracticeRules& rules);

// The alert of a cause that is not resolved, if there is one.
absl::StatusOr<std::optional<v1::Alert>> FindUnresolved(records::Write& write,
                                                        const std::string& cause);

// Writes an alert. Whom it is escalated to sees its episode until it is resolved.
absl::StatusOr<v1::Alert> SaveAlert(records::Write& write, v1::Alert alert);

// Adds those whose data the alert rests on, each once.
void AddDataSubjects(const records::Access& access, v1::Alert& alert);

// Alerts of one transaction, collected for the reply.
class AlertWriter {
 public:
  AlertWriter(records::Write& write, const PracticeRules& rules)
      : write_(write), moment_(MomentOf(write, rules)) {}

  const AlertMoment& moment() const { return moment_; }
  std::vector<v1::Alert> TakeAlerts() { return std::move(alerts_); }

  // Adds the finding to the alert of its cause that is not resolved, or to a new one like `blank`.
  // What somebody has resolved it neither raises again nor joins to another.
  absl::Status Raise(const std::string& cause, const v1::Alert& blank, const Finding& finding,
                     const v1::SeriesPoint& point);

  // The alert of the cause that is not resolved, or `blank` with the name that the next one gets.
  absl::StatusOr<v1::Alert> FindOrMake(const std::string& cause, const v1::Alert& blank);

  absl::Status Save(v1::Alert alert);

 private:
  records::Write& write_;
  const AlertMoment moment_;
  std::optional<v1::Alert> last_resolved_;
  std::vector<v1::Alert> alerts_;
};

}  // namespace securebase::outcomes
