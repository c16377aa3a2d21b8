#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "services/platform/api/call.h"
#include "services/platform/api/method_policy.h"
#include "services/platform/base/audit.h"
#include "services/platform/base/clock.h"
#include "services/platform/obs/log.h"
#include "services/platform/obs/metrics.h"
#include "services/platform/rpc/authenticator.h"

// What happens to a call between its arrival and its answer, apart from gRPC: each step a function
// with its own test. docs/life-of-a-request.md tells the story.
namespace securebase::rpc {

// A handler with its request and response bound. Fills the response or returns an error.
using BoundHandler = std::function<absl::Status(const api::Call&)>;

// A call on its way. Adapter fills it from the wire, the steps add what they find out.
struct ServedCall {
  const api::MethodPolicy* policy = nullptr;
  google::protobuf::Message* request = nullptr;  // empty until ReadRequest
  google::protobuf::Message* response = nullptr;
  // Fills the request from the wire; false when there is no such message.
  std::function<bool()> read;
  BoundHandler handler;
  Credentials credentials;
  std::function<bool()> cancelled;  // whether the client has gone away

  // Complete but for the principal, which Authenticate sets. `deadline` is real time, whatever the
  // clock says: sockets and condition variables wait by it.
  api::Call call;
  bool authenticated = false;
};

// The steps, in their order. The first error ends the call.

// CANCELLED, or DEADLINE_EXCEEDED when `now` (real time) is past the deadline: the call waited too
// long for a thread, and nobody wants the answer any more.
absl::Status CheckAlive(const ServedCall& call, absl::Time now);

// Sets the principal, or UNAUTHENTICATED as Authenticator.
absl::Status Authenticate(const Authenticator& authenticator, ServedCall& call);

// INVALID_ARGUMENT of bytes that are no message of the method.
absl::Status UnreadableRequest();

// Fills the request, but for fields that this release does not know: nobody could check or hide
// them. UnreadableRequest, with an empty request, when there is no such message.
absl::Status ReadRequest(const ServedCall& call);

// The method's policy and the practice of every name in the request; before validation (AIP-211),
// so that a caller without rights learns nothing from violations. PERMISSION_DENIED.
absl::Status AuthorizeCall(const ServedCall& call);

// INVALID_ARGUMENT with every violation.
absl::Status ValidateCall(const ServedCall& call);

// Runs the handler. Own code throws nothing, but libraries may (std::bad_alloc): an exception
// becomes INTERNAL naming its type only, since its text could hold anything.
absl::Status Handle(const ServedCall& call);

// Whether the outcome must be on record before it is answered: a read that discloses patient data
// (unless it answers not_modified), and the refusal of a verified principal: PERMISSION_DENIED, and
// NOT_FOUND of such a read, because it is how a record is refused that the caller may not see.
// Writes carry their entry in their batch.
bool NeedsAudit(const ServedCall& call, const absl::Status& outcome);

// What is recorded.
AuditRecord MakeAuditRecord(const ServedCall& call, const absl::Status& outcome);

// All of the above, and then audit, metrics and one log line. Thread-safe.
class Pipeline {
 public:
  // Everything must outlive the pipeline.
  struct Parts {
    const Authenticator& authenticator;
    AuditSink& audit;
    const Clock& clock;
    obs::Logger& logger;
    obs::CallMetrics& metrics;
  };
  explicit Pipeline(const Parts& parts);

  // Serves the call and reports it. The response is meaningful only if OK is returned. If a read
  // cannot be audited its answer is withheld: DEADLINE_EXCEEDED when there was no time left for it,
  // else the audit's error, but never that the outcome is unknown: the caller wrote nothing.
  absl::Status Serve(ServedCall& call);

  // Reports a call that was refused before it reached a thread. `pool` is "reads" or "writes".
  void ReportNotAdmitted(const ServedCall& call, const absl::Status& outcome,
                         absl::string_view pool);

 private:
  absl::Status RunSteps(ServedCall& call) const;
  absl::Status Audit(const ServedCall& call, absl::Status outcome);
  void Report(const ServedCall& call, const absl::Status& outcome);

  Parts parts_;
  // What strangers can cause as often as they like must not fill the log.
  obs::RateLimitedLogger refusals_;
};

}  // namespace securebase::rpc
