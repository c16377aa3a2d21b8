#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Debian's Abseil (20220623) has neither of these.

// Returns from the enclosing function when `expr` is an error.
#define SB_RETURN_IF_ERROR(expr)                              \
  do {                                                        \
    if (::absl::Status sb_status = (expr); !sb_status.ok()) { \
      return sb_status;                                       \
    }                                                         \
  } while (false)

// Assigns the value of the StatusOr `expr` to `lhs` (which may declare), or returns its error.
#define SB_ASSIGN_OR_RETURN(lhs, expr) \
  SB_ASSIGN_OR_RETURN_IMPL_(SB_CONCAT_(sb_status_or_, __LINE__), lhs, expr)

#define SB_ASSIGN_OR_RETURN_IMPL_(tmp, lhs, expr) \
  auto tmp = (expr);                              \
  if (!tmp.ok()) {                                \
    return std::move(tmp).status();               \
  }                                               \
  lhs = std::move(tmp).value()

#define SB_CONCAT_(a, b) SB_CONCAT_IMPL_(a, b)
#define SB_CONCAT_IMPL_(a, b) a##b
