#pragma once

#include <string>

namespace securebase::cli {

// Markdown made from the descriptors and comments of the protos.

// Methods, messages and enumerations of a package: "securebase.goals.v1".
std::string ApiReference(const std::string& package);
// Every error reason.
std::string ErrorCatalogue();
// Every scope with the methods it opens.
std::string ScopeTable();

}  // namespace securebase::cli
