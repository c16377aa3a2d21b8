#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace securebase::cli {

// Where a command writes and how it reports failure.
struct Console {
  std::ostream& out;
  std::ostream& err;
  // Escape sequences for colours may be written to `out`.
  bool colour = false;
  // Set by a command that fails; OK otherwise.
  absl::Status status;
};

enum class Colour { kPlain, kBold, kDim, kRed, kGreen, kYellow };

// `text` with its control characters written out ("\\x1b"), so that what somebody else wrote cannot
// command the terminal; `lines` leaves line ends and tabs.
std::string Printable(absl::string_view text, bool lines = false);

// What is wrong with JSON, in a line, of what protobuf says about it, which may quote the input and
// with it somebody's data: that is left out.
std::string JsonProblem(absl::string_view message);

// `text` in a colour, if the console has any.
std::string Paint(const Console& console, Colour colour, absl::string_view text);

// A table with a bold header line and aligned columns. Colours do not count for the width. Cells
// are made Printable.
class Table {
 public:
  struct Cell {
    std::string text;
    Colour colour = Colour::kPlain;
  };

  explicit Table(std::vector<std::string> header) : header_(std::move(header)) {}
  // `cells` are as many as the header's.
  void Add(std::vector<Cell> cells);
  void Print(Console& console) const;

 private:
  std::vector<std::string> header_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace securebase::cli
