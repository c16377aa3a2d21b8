#pragma once

#include <string>
#include <utility>

#include "clients/cpp/client.h"
#include "tests/testing/test_server.h"

namespace securebase::testing {

// How one of the services on a test server calls another one there: over the wire, with its own
// certificate. Made before the server starts. server.Client(service) must be called once after the
// start and before the first call, because the client is made then and not by two threads at once.
class LoopClient : public client::Client {
 public:
  LoopClient(TestServer& server, std::string service)
      : server_(server), service_(std::move(service)) {}

  absl::Status CallMethod(const std::string& method, const client::CallOptions& options,
                          const google::protobuf::Message& request,
                          google::protobuf::Message& response) override {
    return server_.Client(service_).CallMethod(method, options, request, response);
  }

 private:
  TestServer& server_;
  const std::string service_;
};

}  // namespace securebase::testing
