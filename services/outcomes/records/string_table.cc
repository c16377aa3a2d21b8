#include "services/outcomes/records/string_table.h"

#include <algorithm>

#include "absl/hash/hash.h"

namespace securebase::outcomes {
namespace {

constexpr size_t kFirstBlock = 1 << 10;  // most practices are small
constexpr size_t kLargestBlock = 1 << 16;

}  // namespace

StringTable::StringTable() : ids_(0, Hash{this}, Equal{this}) { Add(""); }

size_t StringTable::Hash::operator()(absl::string_view text) const {
  return absl::Hash<absl::string_view>()(text);
}

StringId StringTable::Add(absl::string_view text) {
  const auto found = ids_.find(text);
  if (found != ids_.end()) {
    return *found;
  }
  const auto id = static_cast<StringId>(strings_.size());
  strings_.push_back(Store(text));
  ids_.insert(id);
  return id;
}

std::optional<StringId> StringTable::Find(absl::string_view text) const {
  const auto found = ids_.find(text);
  return found == ids_.end() ? std::nullopt : std::optional<StringId>(*found);
}

absl::string_view StringTable::Store(absl::string_view text) {
  if (block_size_ - block_used_ < text.size()) {
    block_size_ = std::max(text.size(), std::clamp(block_size_ * 2, kFirstBlock, kLargestBlock));
    blocks_.push_back(std::make_unique<char[]>(block_size_));
    block_used_ = 0;
  }
  char* const place = blocks_.empty() ? nullptr : blocks_.back().get() + block_used_;
  std::copy(text.begin(), text.end(), place);
  block_used_ += text.size();
  return {place, text.size()};
}

}  // namespace securebase::outcomes
