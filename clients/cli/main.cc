#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "clients/cli/cli.h"

int main(int argc, char** argv) {
  // https://no-color.org: any value, as long as it is not empty.
  const char* no_color = std::getenv("NO_COLOR");
  const bool colour = isatty(STDOUT_FILENO) == 1 && (no_color == nullptr || *no_color == '\0');
  securebase::cli::Console console{std::cout, std::cerr, colour, absl::OkStatus()};
  return securebase::cli::RunCli(std::vector<std::string>(argv + 1, argv + argc), console);
}
