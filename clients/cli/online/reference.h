#pragma once

#include <string>
#include <vector>

namespace securebase::cli {

// Markdown made from the descriptors and comments of the protos.

// The packages that there is a reference of.
std::vector<std::string> Packages();
// Methods, messages and enumerations of a package: "securebase.goals.v1".
std::string ApiReference(const std::string& package);
// Every error reason.
std::string ErrorCatalogue();
// Every scope with the methods it opens.
std::string ScopeTable();

}  // namespace securebase::cli
