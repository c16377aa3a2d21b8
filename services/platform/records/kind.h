#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/platform/storage/store.h"

// What is kept under which name, whose it is, and how it is found again.
namespace securebase::records {

// Whose record it is.
struct Access {
  std::string episode;  // its id; empty: the practice's, for everybody but participants
  std::vector<std::string> subjects;  // participants' ids whose data it holds
};

// How messages of one type are stored. `Message` has `string name`, a resource name below
// "practices/{practice}/"; the head fields etag, uid, create_time and update_time are filled in
// where it has them. The etag is not stored: it is the record's version.
template <typename Message>
struct Kind {
  std::string name;  // of the record: "goal"
  std::function<Access(const Message&)> access;
  // All index entries of this message (at most 256); may be empty.
  std::function<std::vector<storage::IndexEntry>(const Message&)> index;
  bool journaled = true;  // changes appear in the practice's journal
};

// A sort key of several parts: joined with a byte that orders before all that ids and formatted
// times hold. A prefix for Scan ends with the separator: SortKey({"e1", ""}).
std::string SortKey(const std::vector<std::string>& parts);
// A time in a sort key: fixed width, ordered as times are, to the microsecond.
std::string SortableTime(absl::Time time);

// Where a list looks.
struct Query {
  std::string index;
  std::string prefix = "";
  std::string until = "";  // sort keys below this only; empty: no bound
  bool reverse = false;
  // Of a query over the whole practice: the index that has the same records with the episode's id
  // before their sort keys. A participant's list walks it, episode by episode, instead of all that
  // the practice has; `until` does not bind it. Empty: there is none.
  std::string by_episode = "";
};

// All records that hold one participant's data, whatever their kinds: every record is indexed by
// those whose data it is. For who must find them all, as an erasure must.
Query DataOf(absl::string_view episode, absl::string_view participant);

}  // namespace securebase::records
