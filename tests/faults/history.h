#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace securebase::faults {

// One operation on a versioned register: a record, or a practice's journal with its last sequence
// as the version. `begin` and `end` are numbers of one counter of the test, taken before the call
// and after its return: a.end < b.begin means that a had returned before b was called.
struct Event {
  enum class Kind {
    kWrite,   // made `version` (1, 2, ...), holding `value`
    kRead,    // saw `version` (0: nothing was there yet) with `value`
    kBeyond,  // learned that the register was at `version` or later: a compare-and-set that failed
  };
  Kind kind = Kind::kRead;
  int64_t begin = 0;
  int64_t end = 0;  // INT64_MAX: it never returned
  int64_t version = 0;
  std::string value;  // of a read: empty is not compared
};

// Says what keeps the history of one register from being linearizable; empty: it is.
//
// Deciding this is hard for registers in general, but versions make it a sort. Every write makes
// the next version, so any legal order has the writes by their version, and the reads of a version
// after its write and before the next. The history is linearizable exactly if
//   1. each version up to the greatest that was seen was made by exactly one write, and every read
//      of it saw that write's value; and
//   2. that order contradicts no order in time: when a returned before b was called, then a is not
//      behind b.
// (If both hold, sort by version, write before reads, reads by their begin: legal by 1, and by 2 no
// event comes before one that had returned when it began. If one fails, no legal order exists.) A
// kBeyond may stand anywhere from the first read of its version on, so only who comes after it is
// bound by it: as early as the others allow is early enough.
//
// So each event has a place (version, write or read), and the rule is that the greatest place among
// those that returned before an event began is not greater than its own: O(n log n).
std::vector<std::string> CheckRegister(std::vector<Event> events);

}  // namespace securebase::faults
