#include "clients/cli/console.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"

namespace securebase::cli {
namespace {

// Characters, not bytes: text may hold umlauts.
size_t Width(absl::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

std::string Printable(absl::string_view text, bool lines) {
  std::string printable;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    // U+0080 to U+009F, which some terminals take for ESC and a letter.
    const bool c1 = byte == 0xC2 && i + 1 < text.size() &&
                    static_cast<unsigned char>(text[i + 1]) >= 0x80 &&
                    static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (c1) {
      ++i;
      absl::StrAppendFormat(&printable, "\\x%02x", static_cast<unsigned char>(text[i]));
    } else if ((byte < 0x20 || byte == 0x7F) && !(lines && (byte == '\n' || byte == '\t'))) {
      absl::StrAppendFormat(&printable, "\\x%02x", byte);
    } else {
      printable += text[i];
    }
  }
  return printable;
}

std::string JsonProblem(absl::string_view message) {
  // Further lines show where, in the input's own words.
  const std::vector<absl::string_view> quoted =
      absl::StrSplit(message.substr(0, message.find('\n')), '"');
  std::string problem;
  for (size_t i = 0; i < quoted.size(); ++i) {
    absl::StrAppend(&problem, i == 0 ? "" : "\"", i % 2 == 0 ? quoted[i] : "...");
  }
  return problem;
}

std::string Paint(const Console& console, Colour colour, absl::string_view text) {
  if (!console.colour || colour == Colour::kPlain || text.empty()) {
    return std::string(text);
  }
  const char* code = "";
  switch (colour) {
    case Colour::kBold:
      code = "1";
      break;
    case Colour::kDim:
      code = "2";
      break;
    case Colour::kRed:
      code = "1;31";
      break;
    case Colour::kGreen:
      code = "32";
      break;
    case Colour::kYellow:
      code = "33";
      break;
    case Colour::kPlain:
      break;
  }
  return absl::StrCat("\x1b[", code, "m", text, "\x1b[0m");
}

void Table::Add(std::vector<Cell> cells) {
  for (Cell& cell : cells) {
    cell.text = Printable(cell.text);
  }
  rows_.push_back(std::move(cells));
}

void Table::Print(Console& console) const {
  std::vector<size_t> widths;
  for (const std::string& title : header_) {
    widths.push_back(Width(title));
  }
  for (const std::vector<Cell>& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], Width(row[i].text));
    }
  }
  const auto print_row = [&](const std::vector<Cell>& row) {
    for (size_t i = 0; i < row.size(); ++i) {
      console.out << Paint(console, row[i].colour, row[i].text);
      // Nothing behind the last text of a line.
      const bool more = std::any_of(row.begin() + static_cast<std::ptrdiff_t>(i) + 1, row.end(),
                                    [](const Cell& cell) { return !cell.text.empty(); });
      if (!more) {
        break;
      }
      console.out << std::string(widths[i] - Width(row[i].text) + 2, ' ');
    }
    console.out << "\n";
  };
  std::vector<Cell> header;
  for (const std::string& title : header_) {
    header.push_back({title, Colour::kBold});
  }
  print_row(header);
  for (const std::vector<Cell>& row : rows_) {
    print_row(row);
  }
}

}  // namespace securebase::cli
