#include "services/platform/storage/observed_store.h"

#include <chrono>
#include <type_traits>
#include <utility>

namespace securebase::storage {
namespace {

const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

class ObservedStore final : public Store {
 public:
  ObservedStore(std::unique_ptr<Store> store, StoreObserver observer)
      : store_(std::move(store)), observer_(std::move(observer)) {}

  absl::StatusOr<Record> Get(const Context& context, absl::string_view practice,
                             const RecordKey& key) override {
    return Observe("get", [&] { return store_->Get(context, practice, key); });
  }
  absl::StatusOr<std::vector<std::optional<Record>>> GetMany(
      const Context& context, absl::string_view practice,
      const std::vector<RecordKey>& keys) override {
    return Observe("get_many", [&] { return store_->GetMany(context, practice, keys); });
  }
  absl::StatusOr<ApplyResult> Apply(const Context& context, const Batch& batch) override {
    return Observe("apply", [&] { return store_->Apply(context, batch); });
  }
  absl::StatusOr<std::optional<std::string>> FindResult(const Context& context,
                                                        absl::string_view practice,
                                                        absl::string_view key,
                                                        absl::string_view fingerprint) override {
    return Observe("find_result",
                   [&] { return store_->FindResult(context, practice, key, fingerprint); });
  }
  absl::StatusOr<ScanPage> Scan(const Context& context, const ScanRequest& request) override {
    return Observe("scan", [&] { return store_->Scan(context, request); });
  }
  absl::StatusOr<JournalPage> Journal(const Context& context, absl::string_view practice,
                                      int64_t after, int limit) override {
    return Observe("journal", [&] { return store_->Journal(context, practice, after, limit); });
  }
  absl::StatusOr<Position> GetPosition(const Context& context,
                                       absl::string_view practice) override {
    return Observe("position", [&] { return store_->GetPosition(context, practice); });
  }
  absl::StatusOr<std::vector<std::string>> ListPractices(const Context& context,
                                                         absl::string_view after,
                                                         int limit) override {
    return Observe("practices", [&] { return store_->ListPractices(context, after, limit); });
  }
  absl::StatusOr<Lease> AcquireLease(const Context& context, absl::string_view practice,
                                     absl::string_view name, absl::string_view owner,
                                     absl::Duration duration) override {
    return Observe("lease",
                   [&] { return store_->AcquireLease(context, practice, name, owner, duration); });
  }
  absl::Status ReleaseLease(const Context& context, absl::string_view practice,
                            absl::string_view name, int64_t token) override {
    return Observe("lease", [&] { return store_->ReleaseLease(context, practice, name, token); });
  }
  absl::StatusOr<std::vector<AuditEntry>> ListAudit(const Context& context,
                                                    absl::string_view practice, int64_t after,
                                                    int limit) override {
    return Observe("audit", [&] { return store_->ListAudit(context, practice, after, limit); });
  }
  absl::StatusOr<int64_t> Trim(const Context& context, const TrimRequest& request) override {
    return Observe("trim", [&] { return store_->Trim(context, request); });
  }
  absl::StatusOr<ExportPage> Export(const Context& context, absl::string_view practice,
                                    absl::string_view cursor, int limit) override {
    return Observe("copy", [&] { return store_->Export(context, practice, cursor, limit); });
  }
  absl::Status Import(const Context& context, absl::string_view practice,
                      const std::vector<CopyItem>& items) override {
    return Observe("copy", [&] { return store_->Import(context, practice, items); });
  }
  absl::Status FinishImport(const Context& context, absl::string_view practice) override {
    return Observe("copy", [&] { return store_->FinishImport(context, practice); });
  }
  absl::StatusOr<std::vector<std::string>> ListImports(const Context& context,
                                                       absl::string_view after,
                                                       int limit) override {
    return Observe("copy", [&] { return store_->ListImports(context, after, limit); });
  }
  absl::Status Ping(const Context& context) override {
    return Observe("ping", [&] { return store_->Ping(context); });
  }
  std::vector<StoreFigure> Figures() const override { return store_->Figures(); }
  absl::Status Close() override { return store_->Close(); }

 private:
  template <typename Operation>
  std::invoke_result_t<Operation> Observe(absl::string_view name, const Operation& operation) {
    // Not the clock of the records: a test may hold that still, and an operator may set it.
    const auto start = std::chrono::steady_clock::now();
    auto result = operation();
    observer_(name, StatusOf(result).code(),
              absl::FromChrono(std::chrono::steady_clock::now() - start));
    return result;
  }

  const std::unique_ptr<Store> store_;
  const StoreObserver observer_;
};

}  // namespace

std::unique_ptr<Store> MakeObservedStore(std::unique_ptr<Store> store, StoreObserver observer) {
  return std::make_unique<ObservedStore>(std::move(store), std::move(observer));
}

}  // namespace securebase::storage
