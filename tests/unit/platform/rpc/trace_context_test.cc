#include "services/platform/rpc/trace_context.h"

#include <string>

#include "gtest/gtest.h"

namespace securebase::rpc {
namespace {

constexpr char kCallId[] = "01980000-0000-7000-8000-0123456789ab";
// The example of the W3C recommendation, section 3.2.
constexpr char kIncoming[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(TraceContextTest, ContinuesATraceWithThisCallAsParent) {
  const std::string next = ContinueTrace(kIncoming, kCallId);
  EXPECT_EQ(next, "00-4bf92f3577b34da6a3ce929d0e0e4736-80000123456789ab-01");
  EXPECT_EQ(TraceId(next), "4bf92f3577b34da6a3ce929d0e0e4736");
}

TEST(TraceContextTest, BeginsATraceOfItsOwnWhereThereIsNone) {
  EXPECT_EQ(ContinueTrace("", kCallId),
            "00-0198000000007000"
            "80000123456789ab-80000123456789ab-00");
}

TEST(TraceContextTest, WhatIsNotATraceIsNotPassedOn) {
  for (const char* bad : {
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
           "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
           "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
           "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
           "00-4bf92f3577b34da6a3ce929d0e0e4736 00f067aa0ba902b7-01",
           "00-4bf92f3577b34da6a3ce929d0e0e473\"-00f067aa0ba902b7-01",
       }) {
    EXPECT_EQ(ContinueTrace(bad, kCallId), ContinueTrace("", kCallId)) << bad;
  }
}

}  // namespace
}  // namespace securebase::rpc
