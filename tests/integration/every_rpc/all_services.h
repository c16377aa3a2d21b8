#pragma once

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "services/episodes/grpc_service.h"
#include "services/episodes/handlers/episode_handlers.h"
#include "services/episodes/records/local_access.h"
#include "services/outcomes/grpc_service.h"
#include "services/outcomes/handlers/outcome_handlers.h"
#include "services/outcomes/records/projection.h"
#include "services/outcomes/rules/catalogue.h"
#include "services/platform/api/page_token.h"
#include "services/platform/records/database.h"
#include "services/platform/storage/memory_store.h"
#include "tests/testing/test_server.h"

namespace securebase::testing {

// Every service of the product on one server. A new service is added here and in Names(), and is
// then tried by every test of this folder.
class AllServices {
 public:
  static const std::vector<std::string>& Names() {
    static const auto* const kNames = new std::vector<std::string>{
        "securebase.episodes.v1.EpisodesService", "securebase.outcomes.v1.OutcomesService"};
    return *kNames;
  }

  AllServices() {
    std::vector<TestServer::GrpcService> services;
    services.push_back(episodes::MakeEpisodesGrpcService(episodes_, server_.adapter()));
    services.push_back(outcomes::MakeOutcomesGrpcService(outcomes_, server_.adapter()));
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
};

}  // namespace securebase::testing
