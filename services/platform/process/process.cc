#include "services/platform/process/process.h"

#include <grpcpp/impl/service_type.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/platform/api/page_token.h"
#include "services/platform/auth/tls_files.h"
#include "services/platform/base/periodic.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/obs/log.h"
#include "services/platform/obs/metrics.h"
#include "services/platform/process/service_main.h"
#include "services/platform/records/housekeeping.h"
#include "services/platform/rpc/server.h"
#include "services/platform/storage/observed_store.h"
#include "services/platform/storage/open_store.h"

namespace securebase::process {
namespace {

constexpr absl::Duration kHousekeepingInterval = absl::Minutes(5);
constexpr absl::Duration kReadyTimeout = absl::Seconds(2);

class ServiceProcess final : public Process {
 public:
  ServiceProcess(std::string name, config::ServerOptions options)
      : name_(std::move(name)), options_(std::move(options)) {}

  absl::Status Open(const std::vector<std::string>& services) {
    if (!options_.audit_directory.empty()) {
      SB_RETURN_IF_ERROR(records::CheckAuditDirectory(options_.audit_directory));
    }
    // Before the store is opened, which may create it or bring it to a new schema.
    SB_RETURN_IF_ERROR(auth::RequireTlsFiles(options_.tls, clock_.Now()));
    SB_RETURN_IF_ERROR(auth::RequireTlsFiles(options_.neighbour_tls, clock_.Now()));
    SB_ASSIGN_OR_RETURN(runtime_, rpc::MakeRuntime(options_, services, clock_, ids_, sink_));
    SB_ASSIGN_OR_RETURN(auto store, storage::OpenStore(options_.store, clock_, name_));
    store_metrics_ = std::make_unique<obs::StoreMetrics>(*runtime_->metrics);
    store_ = storage::MakeObservedStore(
        std::move(store),
        [this](absl::string_view operation, absl::StatusCode code, absl::Duration took) {
          store_metrics_->Done(operation, absl::StatusCodeToString(code), took);
        });
    const std::vector<storage::StoreFigure> figures = store_->Figures();
    for (size_t i = 0; i < figures.size(); ++i) {
      runtime_->metrics->AddComputedGauge(
          absl::StrCat("securebase_store_", figures[i].name), figures[i].help,
          [this, i] { return static_cast<double>(store_->Figures()[i].value); });
    }
    housekeeping_failures_ = &runtime_->metrics->AddCounter(
        "securebase_housekeeping_failures_total",
        "Runs that could not export the audit trail or remove what is past its retention.", {});
    page_tokens_ = std::make_unique<api::PageTokens>(*runtime_->keyring);
    audit_ = records::MakeStoreAuditSink(*store_);
    adapter_ = rpc::MakeAdapter(options_, *runtime_, *audit_);
    return absl::OkStatus();
  }

  const Clock& clock() override { return clock_; }
  IdGenerator& ids() override { return ids_; }
  rpc::Runtime& runtime() override { return *runtime_; }
  storage::Store& store() override { return *store_; }
  rpc::Adapter& adapter() override { return *adapter_; }

  records::Database MakeDatabase(api::AccessSource& access) override {
    return records::Database({store_.get(), &access, page_tokens_.get(), &ids_});
  }

  absl::StatusOr<std::unique_ptr<client::Client>> Connect(const std::string& neighbour) override {
    const auth::TlsFiles& tls = options_.neighbour_tls;
    SB_RETURN_IF_ERROR(auth::RequireTlsFiles(tls, clock_.Now()));
    client::ChannelOptions channel;
    channel.address = options_.neighbours.at(neighbour);
    channel.ca_file = tls.ca;
    channel.certificate_file = tls.certificate;
    channel.key_file = tls.key;
    channel.on_reload =
        rpc::LogReloads(*runtime_->logger, absl::StrCat("TLS files for ", neighbour));
    return client::MakeClient(channel);
  }

  absl::Status Add(absl::StatusOr<std::unique_ptr<grpc::Service>> service) override {
    SB_RETURN_IF_ERROR(service.status());
    services_.push_back(*std::move(service));
    return absl::OkStatus();
  }

  absl::Status Run(const std::function<void()>& stop_work) override {
    const auto ready = [this] { return store_->Ping({absl::Now() + kReadyTimeout}); };
    SB_ASSIGN_OR_RETURN(
        const auto server,
        rpc::Server::Start(options_, {*runtime_, *adapter_, std::move(services_), ready}));
    Periodic housekeeping(kHousekeepingInterval,
                          [this, options = Housekeeping()] { KeepHouse(options); });
    WaitForShutdownSignal();
    server->Shutdown();
    if (stop_work) {
      stop_work();
    }
    housekeeping.Stop();
    return store_->Close();
  }

 private:
  records::HousekeepingOptions Housekeeping() {
    records::HousekeepingOptions housekeeping;
    housekeeping.journal_retention = options_.journal_retention;
    housekeeping.audit_directory = options_.audit_directory;
    housekeeping.audit_retention = options_.audit_retention;
    housekeeping.service = name_;
    housekeeping.owner = ids_.NewId();
    return housekeeping;
  }

  void KeepHouse(const records::HousekeepingOptions& options) {
    const absl::Status status = records::RunHousekeeping(*store_, clock_, options);
    if (!status.ok()) {
      housekeeping_failures_->Increment();
      runtime_->logger->Error("housekeeping failed", {{"error", std::string(status.message())}});
    }
  }

  const std::string name_;
  const config::ServerOptions options_;
  SystemClock clock_;
  UuidGenerator ids_;
  obs::StderrSink sink_;
  // Each uses what stands above it, and so goes before it.
  std::unique_ptr<rpc::Runtime> runtime_;
  std::unique_ptr<obs::StoreMetrics> store_metrics_;
  obs::Counter* housekeeping_failures_ = nullptr;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<api::PageTokens> page_tokens_;
  std::unique_ptr<AuditSink> audit_;
  std::unique_ptr<rpc::Adapter> adapter_;
  std::vector<std::unique_ptr<grpc::Service>> services_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Process>> Process::Make(const std::string& name,
                                                       const std::vector<std::string>& services,
                                                       const config::ServerOptions& options) {
  auto process = std::make_unique<ServiceProcess>(name, options);
  SB_RETURN_IF_ERROR(process->Open(services));
  return std::unique_ptr<Process>(std::move(process));
}

}  // namespace securebase::process
