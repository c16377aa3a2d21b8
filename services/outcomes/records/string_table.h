#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"

namespace securebase::outcomes {

// A string of a table, as a number. 0 is the empty string.
using StringId = uint32_t;

// Strings that many rows share, each kept once: 24 to 30 bytes and its characters. They stay as
// long as the table does. Numbers depend on the order of the calls, so they must not be shown. Not
// thread-safe.
class StringTable {
 public:
  StringTable();
  // Rows and the set inside hold on to its place.
  StringTable(const StringTable&) = delete;
  StringTable& operator=(const StringTable&) = delete;

  // The number of `text`, which is added if it is new.
  StringId Add(absl::string_view text);
  // The same without adding it; nothing: it is not there.
  std::optional<StringId> Find(absl::string_view text) const;

  // Valid as long as the table is.
  absl::string_view Get(StringId id) const { return strings_[id]; }

 private:
  struct Hash {
    using is_transparent = void;
    const StringTable* table;
    size_t operator()(absl::string_view text) const;
    size_t operator()(StringId id) const { return (*this)(table->Get(id)); }
  };
  struct Equal {
    using is_transparent = void;
    const StringTable* table;
    bool operator()(StringId a, StringId b) const { return a == b; }
    bool operator()(StringId a, absl::string_view b) const { return table->Get(a) == b; }
    bool operator()(absl::string_view a, StringId b) const { return a == table->Get(b); }
  };

  absl::string_view Store(absl::string_view text);

  std::deque<absl::string_view> strings_;  // by number
  absl::flat_hash_set<StringId, Hash, Equal> ids_;
  std::vector<std::unique_ptr<char[]>> blocks_;  // of characters
  size_t block_size_ = 0;                        // of the last block
  size_t block_used_ = 0;
};

}  // namespace securebase::outcomes
