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
#include "services/plans/grpc_service.h"
#include "services/plans/handlers/plan_handlers.h"
#include "services/plans/remote_neighbours.h"
#include "services/plans/rules/library.h"
#include "services/platform/api/page_token.h"
#include "services/platform/records/database.h"
#include "services/platform/storage/memory_store.h"
#include "tests/testing/loop_client.h"
#include "tests/testing/test_server.h"

namespace securebase::testing {

// Every service of the product on one server. A new service is added here and in Names(), and is
// then tried by every test of this folder.
class AllServices {
 public:
  static const std::vector<std::string>& Names() {
    static const auto* const kNames =
        new std::vector<std::string>{episodes::kEpisodesService, outcomes::kOutcomesService,
                                     goals::kGoalsService, plans::kPlansService};
    return *kNames;
  }

  AllServices() {
    std::vector<TestServer::GrpcService> services;
    services.push_back(episodes::MakeEpisodesGrpcService(episodes_, server_.adapter()));
    services.push_back(outcomes::MakeOutcomesGrpcService(outcomes_, server_.adapter()));
    services.push_back(goals::MakeGoalsGrpcService(goals_, server_.adapter()));
    services.push_back(plans::MakePlansGrpcService(plans_, server_.adapter()));
    const absl::Status started = server_.Start(std::move(services));
    if (!started.ok()) {
      fprintf(stderr, "%s\n", started.ToString().c_str());
      abort();
    }
    server_.Client("goals");
    server_.Client("plans");
  }

  TestServer& server() { return server_; }

  // Where the journals of a practice stand: unchanged when nothing was written.
  std::vector<int64_t> JournalPositions(const std::string& practice) {
    std::vector<int64_t> positions;
    for (storage::Store* store : {store_.get(), goals_store_.get(), plans_store_.get()}) {
      const auto position = store->GetPosition({}, practice);
      positions.push_back(position.ok() ? position->sequence : -1);
    }
    return positions;
  }

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

  LoopClient goals_client_{server_, "goals"};
  client::AccessClient goals_access_{goals_client_, server_.clock()};
  goals::RemoteNeighbours goals_neighbours_{goals_client_, server_.clock()};
  std::unique_ptr<storage::Store> goals_store_ = storage::MakeMemoryStore(server_.clock());
  records::Database goals_database_{
      {goals_store_.get(), &goals_access_, &page_tokens_, &server_.ids()}};
  goals::GoalHandlers goals_{goals_database_, goals_neighbours_};

  LoopClient plans_client_{server_, "plans"};
  client::AccessClient plans_access_{plans_client_, server_.clock()};
  plans::RemoteEpisodes plans_episodes_{plans_client_};
  plans::RemoteGoals plans_goals_{plans_client_};
  plans::RemoteOutcomes plans_outcomes_{plans_client_};
  std::unique_ptr<storage::Store> plans_store_ = storage::MakeMemoryStore(server_.clock());
  records::Database plans_database_{
      {plans_store_.get(), &plans_access_, &page_tokens_, &server_.ids()}};
  plans::rules::PlanLibrary library_ = *plans::rules::PlanLibrary::LoadBuiltIn();
  plans::PlanHandlers plans_{
      plans_database_, library_, {&plans_episodes_, &plans_goals_, &plans_outcomes_}, nullptr};
};

}  // namespace securebase::testing
