#include "services/platform/base/loopback.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"

namespace securebase {
namespace {

bool IsLoopback(const in_addr& address) { return ntohl(address.s_addr) >> 24 == 127; }

}  // namespace

bool IsLoopback(absl::string_view host) {
  in_addr four;
  if (absl::EqualsIgnoreCase(host, "localhost") ||
      (inet_pton(AF_INET, std::string(host).c_str(), &four) == 1 && IsLoopback(four))) {
    return true;
  }
  if (absl::ConsumePrefix(&host, "[") && !absl::ConsumeSuffix(&host, "]")) {
    return false;
  }
  in6_addr six;
  return inet_pton(AF_INET6, std::string(host).c_str(), &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

bool IsLoopback(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    return IsLoopback(reinterpret_cast<const sockaddr_in&>(address).sin_addr);
  }
  return address.sa_family == AF_INET6 &&
         IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6&>(address).sin6_addr);
}

}  // namespace securebase
