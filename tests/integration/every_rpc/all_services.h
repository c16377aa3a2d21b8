#pragma once

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "clients/cpp/access_client.h"
#include "services/episodes/grpc_service.h"
#include "services/episodes/handlers/episode_handlers.h"
#include "services/episodes/records/local_access.h"
#include "services/goals/grpc_service.h"
#include "services/goals/handlers/goal_handlers.h"
#include "services/goals/remote_neighbours.h"
#include "services/outcomes/grpc_service.h"
#include "services/outcomes/handlers/outcome_handlers.h"
#include "services/outcomes/records/projection.h"
#include "services/outcomes/rules/catalogue.h"
#include "services/platform/api/page_token.h"
#include "services/platform/records/database.h"
#include "services/platform/storage/memory_store.h"
#include "tests/testing/test_server.h"

namespace securebase::testing {

// A service's client of the server it is served by, whose port is known only when it has started.
class NeighbourClient : public client::Client {
 public:
  NeighbourClient(TestServer& server, std::string service)
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

// Every service of the product on one server. A new service is added here and in Names(), and is
// then tried by every test of this folder.
class AllServices {
 public:
  static const std::vector<std::string>& Names() {
    static const auto* const kNames = new std::vector<std::string>{
        "securebase.episodes.v1.EpisodesService", "securebase.outcomes.v1.OutcomesService",
        "securebase.goals.v1.GoalsService"};
    return *kNames;
  }

  AllServices() {
    std::vector<TestServer::GrpcService> services;
    services.push_back(episodes::MakeEpisodesGrpcService(episodes_, server_.adapter()));
    services.push_back(outcomes::MakeOutcomesGrpcService(outcomes_, server_.adapter()));
    services.push_back(goals::MakeGoalsGrpcService(goals_, server_.adapter()));
    const absl::Status started = server_.Start(std::move(services));
    if (!started.ok()) {
      fprintf(stderr, "%s\n", started.ToString().c_str());
      abort();
    }
  }

  TestServer& server() { return server_; }

 private:
  TestServer server_{Names()};
  std::unique_ptr<storage::Store> store_ = storage::MakeMemoryStore(server_.clock());
  api::PageTokens page_tokens_{*server_.runtime().keyring};
  episodes::LocalAccess access_{*store_};
  records::Database database_{{store_.get(), &access_, &page_tokens_, &server_.ids()}};
  episodes::EpisodeHandlers episodes_{database_, access_};
  outcomes::Catalogue catalogue_ = *outcomes::BuiltInCatalogue();
  outcomes::Projections projections_{*store_, catalogue_};
  outcomes::OutcomeHandlers outcomes_{database_, catalogue_, projections_};

  NeighbourClient goals_client_{server_, "goals"};
  client::AccessClient goals_access_{goals_client_, server_.clock()};
  goals::RemoteNeighbours goals_neighbours_{goals_client_, server_.clock()};
  std::unique_ptr<storage::Store> goals_store_ = storage::MakeMemoryStore(server_.clock());
  records::Database goals_database_{
      {goals_store_.get(), &goals_access_, &page_tokens_, &server_.ids()}};
  goals::GoalHandlers goals_{goals_database_, goals_neighbours_};
};

}  // namespace securebase::testing
