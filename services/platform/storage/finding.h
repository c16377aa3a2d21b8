#pragma once

#include <string>

namespace securebase::storage {

// One thing that an operator asked a store about, and what was found.
struct StoreFinding {
  enum class Severity {
    kOk,
    kWarning,  // the promise is kept, something else is at risk
    kError,    // the promise is not kept
  };
  Severity severity = Severity::kOk;
  std::string server;   // "127.0.0.1:6379"; empty where there is only one
  std::string setting;  // "journal_mode"
  std::string is;       // "delete"
  std::string should;   // "wal"
  std::string why;      // what happens otherwise; a clause
};

}  // namespace securebase::storage
