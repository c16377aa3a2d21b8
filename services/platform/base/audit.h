#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace securebase {

// Who did what to which record. Names and codes only: no patient data beyond opaque ids.
struct AuditRecord {
  absl::Time time;
  std::string practice;
  std::string principal;  // "staff:dr-a"; with an acting service: "service:plans for staff:dr-a"
  std::string method;     // "/securebase.goals.v1.GoalsService/CreateGoal"
  std::string resource;   // the resource name the request was about, may be empty
  std::string outcome;    // "OK" or the status code's name
  std::string call_id;
};

// Where reads and refusals are recorded before they are answered (writes carry their entry in the
// batch that makes them). main connects it to the store. Thread-safe.
class AuditSink {
 public:
  virtual ~AuditSink() = default;
  // Durable when it returns OK. An error fails the call that was to be audited.
  virtual absl::Status Record(const AuditRecord& record, absl::Time deadline) = 0;
};

// One line of JSON, keys in the order of the struct.
std::string FormatAuditRecord(const AuditRecord& record);

}  // namespace securebase
