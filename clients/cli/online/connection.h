#pragma once

#include <map>
#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "clients/cpp/client.h"

namespace securebase::cli {

// Where the services are and who asks: options that every online verb has, each of them also an
// environment variable, or a line NAME=value of the file that --profile names.
struct ConnectionOptions {
  std::string profile;
  std::string practice;
  std::string token;
  std::string token_file;
  std::string ca_file;
  std::string certificate_file;
  std::string key_file;
  std::string outcomes_address;  // serves episodes and outcomes
  std::string goals_address;
  std::string plans_address;
  std::string plaintext_text;  // as it was given: "true"
  std::string timeout;
  bool plaintext = false;  // set by Complete
};

void AddConnectionOptions(CLI::App& command, ConnectionOptions& options);

// Fills in what the profile says where neither flag nor environment did, and checks that a practice
// and a token are there. INVALID_ARGUMENT says what is missing and how to give it, or which line of
// the profile is wrong.
absl::Status Complete(ConnectionOptions& options);

// Clients by service, made when first needed. Not thread-safe, but once a method's client has been
// made many threads may call the methods of its service.
class Connections {
 public:
  // `options` must be complete and outlive the object.
  explicit Connections(const ConnectionOptions& options) : options_(options) {}

  // The client for a method's full name, "securebase.goals.v1.GoalsService.GetGoal".
  absl::StatusOr<client::Client*> For(const std::string& method);

  // Calls a method by its full name.
  absl::Status Call(const std::string& method, const google::protobuf::Message& request,
                    google::protobuf::Message& response);

 private:
  const std::string& AddressOf(const std::string& method) const;

  const ConnectionOptions& options_;
  std::map<std::string, std::unique_ptr<client::Client>> clients_;  // by address
};

}  // namespace securebase::cli
