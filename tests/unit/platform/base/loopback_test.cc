#include "services/platform/base/loopback.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <string>

#include "gtest/gtest.h"

namespace securebase {
namespace {

TEST(LoopbackTest, OnlyWhatCanBeNobodyElse) {
  for (const char* host : {"127.0.0.1", "127.255.255.254", "::1", "[::1]", "0:0:0:0:0:0:0:1",
                           "localhost", "LocalHost"}) {
    EXPECT_TRUE(IsLoopback(absl::string_view(host))) << host;
  }
  for (const char* host : {"", "0.0.0.0", "126.255.255.255", "128.0.0.1", "10.127.0.1",
                           "127.0.0.1.example.org", "127.1", "localhost.example.org", "[localhost]",
                           "[127.0.0.1]", "[::1", "::", "::2", "[::1]:80", "outcomes"}) {
    EXPECT_FALSE(IsLoopback(absl::string_view(host))) << host;
  }
}

TEST(LoopbackTest, WhatANameWasResolvedTo) {
  const auto four = [](const char* text) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    EXPECT_EQ(inet_pton(AF_INET, text, &address.sin_addr), 1);
    return IsLoopback(reinterpret_cast<const sockaddr&>(address));
  };
  EXPECT_TRUE(four("127.0.0.53"));
  EXPECT_FALSE(four("192.168.0.127"));
  sockaddr_in6 six = {};
  six.sin6_family = AF_INET6;
  six.sin6_addr = in6addr_loopback;
  EXPECT_TRUE(IsLoopback(reinterpret_cast<const sockaddr&>(six)));
  six.sin6_addr = in6addr_any;
  EXPECT_FALSE(IsLoopback(reinterpret_cast<const sockaddr&>(six)));
}

}  // namespace
}  // namespace securebase
