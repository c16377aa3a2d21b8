#include "services/platform/records/practices.h"

#include <vector>

#include "absl/time/clock.h"
#include "services/platform/base/status_macros.h"

namespace securebase::records {
namespace {

constexpr int kPracticesPerPage = 500;

}  // namespace

absl::Status ForEachPractice(storage::Store& store, absl::Duration timeout,
                             const std::function<absl::Status(const std::string&)>& work) {
  std::string after;
  while (true) {
    SB_ASSIGN_OR_RETURN(const std::vector<std::string> practices,
                        store.ListPractices({absl::Now() + timeout}, after, kPracticesPerPage));
    if (practices.empty()) {
      return absl::OkStatus();
    }
    for (const std::string& practice : practices) {
      SB_RETURN_IF_ERROR(work(practice));
    }
    after = practices.back();
  }
}

}  // namespace securebase::records
