#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "services/platform/base/error.h"

namespace securebase {

// Which state of something may follow which: the whole of its life as one table.
template <typename State>
class TransitionTable {
 public:
  struct Row {
    State from;
    std::vector<State> to;  // as refusals name them: in the order of the enum
  };

  // `word` says a state as the API does: "ON_HOLD". A state without a row leads nowhere.
  TransitionTable(std::string (*word)(State), std::vector<Row> rows)
      : word_(word), rows_(std::move(rows)) {}

  std::vector<State> From(State from) const {
    for (const Row& row : rows_) {
      if (row.from == from) {
        return row.to;
      }
    }
    return {};
  }

  bool Allows(State from, State to) const {
    const std::vector<State> allowed = From(from);
    return std::find(allowed.begin(), allowed.end(), to) != allowed.end();
  }

  // OK, or FAILED_PRECONDITION (TRANSITION_NOT_ALLOWED) naming what is allowed.
  absl::Status Check(State from, State to) const {
    if (Allows(from, to)) {
      return absl::OkStatus();
    }
    std::vector<std::string> allowed;
    for (const State state : From(from)) {
      allowed.push_back(word_(state));
    }
    return TransitionNotAllowed(word_(from), absl::StrCat("become ", word_(to)), allowed);
  }

 private:
  std::string (*word_)(State);
  std::vector<Row> rows_;
};

}  // namespace securebase
