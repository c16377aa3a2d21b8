#include "tests/faults/history.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"

namespace securebase::faults {
namespace {

using Place = std::pair<int64_t, int>;  // version; 0: the write, 1: who saw it

Place PlaceOf(const Event& event) {
  return {event.version, event.kind == Event::Kind::kWrite ? 0 : 1};
}

std::string Describe(const Event& event) {
  const char* kind = event.kind == Event::Kind::kWrite  ? "write of "
                     : event.kind == Event::Kind::kRead ? "read of "
                                                        : "conflict beyond ";
  return absl::StrCat(kind, event.version, event.value.empty() ? "" : "=", event.value, " [",
                      event.begin, ",", event.end, "]");
}

void CheckValues(const std::vector<Event>& events, std::vector<std::string>& violations) {
  std::map<int64_t, const Event*> writes;
  for (const Event& event : events) {
    if (event.kind != Event::Kind::kWrite) {
      continue;
    }
    if (event.version < 1) {
      violations.push_back(absl::StrCat("no version: ", Describe(event)));
    }
    const auto [other, is_first] = writes.emplace(event.version, &event);
    if (!is_first) {
      violations.push_back(
          absl::StrCat("made twice: ", Describe(*other->second), " and ", Describe(event)));
    }
  }
  int64_t greatest = 0;
  for (const Event& event : events) {
    greatest = std::max(greatest, event.version);
    if (event.kind != Event::Kind::kRead || event.value.empty()) {
      continue;
    }
    const auto write = writes.find(event.version);
    if (event.version == 0) {
      violations.push_back(absl::StrCat(Describe(event), " has a value before any write"));
    } else if (write != writes.end() && write->second->value != event.value) {
      violations.push_back(absl::StrCat(Describe(event), " is not the ", Describe(*write->second)));
    }
  }
  for (int64_t version = 1; version <= greatest; ++version) {
    if (writes.count(version) == 0) {
      violations.push_back(absl::StrCat("nobody made version ", version));
      break;  // one gap is followed by as many as there are versions
    }
  }
}

void CheckOrder(std::vector<Event> events, std::vector<std::string>& violations) {
  std::sort(events.begin(), events.end(),
            [](const Event& a, const Event& b) { return a.begin < b.begin; });
  std::vector<const Event*> by_end;
  by_end.reserve(events.size());
  for (const Event& event : events) {
    by_end.push_back(&event);
  }
  std::sort(by_end.begin(), by_end.end(),
            [](const Event* a, const Event* b) { return a->end < b->end; });
  size_t returned = 0;
  const Event* last = nullptr;  // with the greatest place of those that had returned
  for (const Event& event : events) {
    for (; returned < by_end.size() && by_end[returned]->end < event.begin; ++returned) {
      if (last == nullptr || PlaceOf(*last) < PlaceOf(*by_end[returned])) {
        last = by_end[returned];
      }
    }
    if (last != nullptr && event.kind != Event::Kind::kBeyond && PlaceOf(event) < PlaceOf(*last)) {
      violations.push_back(absl::StrCat(Describe(event), " after ", Describe(*last)));
    }
  }
}

}  // namespace

std::vector<std::string> CheckRegister(std::vector<Event> events) {
  std::vector<std::string> violations;
  CheckValues(events, violations);
  CheckOrder(std::move(events), violations);
  return violations;
}

}  // namespace securebase::faults
