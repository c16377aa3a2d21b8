#include "services/platform/records/reader.h"

#include <algorithm>

#include "services/platform/base/resource_name.h"

namespace securebase::records {

using internal::kScanRows;
using internal::ScanOf;

Reader::Reader(storage::Store& store, const api::Call& call,
               std::shared_ptr<const type::v1::AccessView> view)
    : store_(&store), call_(&call), view_(std::move(view)) {}

std::string Reader::SelfIn(absl::string_view episode) const {
  for (const type::v1::EpisodeAccess& access : view_->episodes()) {
    if (access.episode() == LastId(episode)) {
      return access.self();
    }
  }
  return "";
}

bool Reader::MaySee(const Access& access) const {
  return api::MaySee(*view_, access.episode, access.subjects);
}

bool Reader::MaySeeNamed(const Access& access) const {
  if (MaySee(access)) {
    return true;
  }
  if (refresh_ == nullptr) {
    return false;
  }
  auto fresh = refresh_->FreshViewFor(*call_);
  refresh_ = nullptr;
  if (!fresh.ok()) {
    return false;  // closed, not open
  }
  view_ = *std::move(fresh);
  return MaySee(access);
}

absl::Status Reader::CheckEpisode(absl::string_view episode) const {
  return MaySeeNamed({LastId(episode), {}}) ? absl::OkStatus() : NotFound(episode);
}

absl::StatusOr<std::optional<internal::StoredBytes>> Reader::ReadBytes(
    const std::string& kind, absl::string_view name) const {
  // A name of another practice finds nothing here: the practice is the caller's, always.
  if (PracticeOf(name) != call_->practice()) {
    return std::optional<internal::StoredBytes>();
  }
  const auto record = store_->Get(context(), call_->practice(), {kind, internal::RecordId(name)});
  if (absl::IsNotFound(record.status())) {
    return std::optional<internal::StoredBytes>();
  }
  SB_RETURN_IF_ERROR(record.status());
  SB_ASSIGN_OR_RETURN(internal::StoredBytes bytes, internal::OpenRecord(*record));
  return std::optional<internal::StoredBytes>(std::move(bytes));
}

absl::StatusOr<std::vector<Reader::Row>> Reader::ReadRows(const std::string& kind,
                                                          const Query& query, int limit,
                                                          bool filtered) const {
  std::vector<Row> rows;
  storage::ScanRequest request = ScanOf(call_->practice(), query);
  bool more = true;
  while (more && static_cast<int>(rows.size()) < limit) {
    request.limit = std::min(kScanRows, std::max(1, limit - static_cast<int>(rows.size())));
    SB_ASSIGN_OR_RETURN(const storage::ScanPage page, store_->Scan(context(), request));
    for (const storage::ScanRow& row : page.rows) {
      if (row.key.kind != kind) {
        continue;
      }
      SB_ASSIGN_OR_RETURN(internal::StoredBytes bytes, internal::OpenRecord(row.record));
      if (!filtered || MaySee(bytes.access)) {
        rows.push_back({row.sort_key, row.key.id, std::move(bytes)});
      }
    }
    more = page.more && !page.rows.empty();
    if (!page.rows.empty()) {
      request.after = page.rows.back().cursor;
    }
  }
  return rows;
}

absl::Status Reader::ReadEach(
    const std::string& kind, const Query& query,
    const std::function<absl::Status(const internal::StoredBytes&)>& use) const {
  storage::ScanRequest request = ScanOf(call_->practice(), query);
  request.limit = kScanRows;
  while (true) {
    SB_ASSIGN_OR_RETURN(const storage::ScanPage page, store_->Scan(context(), request));
    for (const storage::ScanRow& row : page.rows) {
      if (row.key.kind == kind) {
        SB_ASSIGN_OR_RETURN(const internal::StoredBytes bytes, internal::OpenRecord(row.record));
        SB_RETURN_IF_ERROR(use(bytes));
      }
    }
    if (!page.more || page.rows.empty()) {
      return absl::OkStatus();
    }
    request.after = page.rows.back().cursor;
  }
}

}  // namespace securebase::records
