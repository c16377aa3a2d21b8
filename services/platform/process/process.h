#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "clients/cpp/client.h"
#include "services/platform/api/access.h"
#include "services/platform/base/clock.h"
#include "services/platform/base/id.h"
#include "services/platform/config/server_options.h"
#include "services/platform/records/database.h"
#include "services/platform/rpc/adapter.h"
#include "services/platform/rpc/runtime.h"
#include "services/platform/storage/store.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace securebase::process {

// What the main.cc of one service would say as that of every other: its keys, logs and metrics, the
// store with its metrics and housekeeping, the adapter, the servers, and the order in which all of
// it ends. A main makes one, builds its handlers over it, adds their faces and runs:
//
//   SB_ASSIGN_OR_RETURN(const auto process, Process::Make("goals", {kGoalsService}, options));
//   GoalHandlers handlers(process->MakeDatabase(access), ...);
//   SB_RETURN_IF_ERROR(process->Add(MakeGoalsGrpcService(handlers, process->adapter())));
//   return process->Run();
//
// What it hands out lives as long as it does. Errors are FAILED_PRECONDITION or INVALID_ARGUMENT in
// one line that says what to do. Not thread-safe.
class Process {
 public:
  // `name`: "goals"; part of file names. `services`: full names of what is served,
  // "securebase.goals.v1.GoalsService". Opens the key files and the store.
  static absl::StatusOr<std::unique_ptr<Process>> Make(const std::string& name,
                                                       const std::vector<std::string>& services,
                                                       const config::ServerOptions& options);
  virtual ~Process() = default;

  virtual const Clock& clock() = 0;
  virtual IdGenerator& ids() = 0;
  virtual rpc::Runtime& runtime() = 0;
  virtual storage::Store& store() = 0;
  virtual rpc::Adapter& adapter() = 0;

  // The service's data, through the eyes that `access` gives. `access` must outlive it.
  virtual records::Database MakeDatabase(api::AccessSource& access) = 0;

  // A neighbour of the options, "outcomes". One that is down is no error: the first call meets it.
  virtual absl::StatusOr<std::unique_ptr<client::Client>> Connect(const std::string& neighbour) = 0;

  // Takes a service that Run shall serve; its error, if it could not be made.
  virtual absl::Status Add(absl::StatusOr<std::unique_ptr<grpc::Service>> service) = 0;

  // Serves until the process is asked to end. Then, in this order: the servers end without losing a
  // call (rpc::Server::Shutdown), `stop_work` ends what the service does besides calls (it must
  // wait for it; may be null), housekeeping ends, the store is closed. Once.
  virtual absl::Status Run(const std::function<void()>& stop_work = nullptr) = 0;
};

}  // namespace securebase::process
