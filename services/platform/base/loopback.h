#pragma once

#include <sys/socket.h>

#include "absl/strings/string_view.h"

// What may travel in the clear: what does not leave this machine.
namespace securebase {

// Whether a host, IPv6 with or without brackets, can only be this machine: 127.0.0.0/8, ::1 or
// localhost. Other names are not looked up, since who answers for them can change.
bool IsLoopback(absl::string_view host);

// The same of an address that a name was resolved to.
bool IsLoopback(const sockaddr& address);

}  // namespace securebase
