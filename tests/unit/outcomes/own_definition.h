#pragma once

#include <string>

#include "absl/strings/str_cat.h"
#include "securebase/outcomes/v1/instrument.pb.h"
#include "tests/unit/episodes/builders.h"

namespace securebase::outcomes::testing {

// An instrument that a practice might make up: four items of 0 to 4, item 3 reversed, total 0 to
// 16, item 4 a risk item from 3 on. Higher is worse, and nothing says yet what a change means.
inline v1::InstrumentDefinition OwnDefinition(int version = 1,
                                              const std::string& id = "own-closeness") {
  auto definition = episodes::testing::FromText<v1::InstrumentDefinition>(R"pb(
    title: "How close we were this week"
    abbreviation: "Closeness"
    domain: DOMAIN_RELATIONSHIP
    licence { decision: LICENCE_DECISION_PRACTICE }
    sources: "the practice's own"
    confidence: CONFIDENCE_HIGH
    informants: [ INFORMANT_SELF, INFORMANT_PARTNER ]
    cadence_weeks: 1
    answer_key: "0 never to 4 always"
    items { id: "1" min: 0 max: 4 }
    items { id: "2" min: 0 max: 4 }
    items { id: "3" min: 0 max: 4 }
    items { id: "4" min: 0 max: 4 label: "afraid at home" }
    scales {
      id: "total"
      name: "Total"
      method: SCORING_METHOD_SUM
      items: [ "1", "2", "3", "4" ]
      reversed: "3"
      min: 0
      max: 16
      direction: DIRECTION_HIGHER_WORSE
      confidence: CONFIDENCE_HIGH
      source: "the practice's own"
    }
    risk_items {
      item: "4"
      kind: "violence at home"
      steps { at_least: 3 level: RISK_LEVEL_RAISED }
      house_rule: true
      confidence: CONFIDENCE_HIGH
      source: "the practice's own"
    })pb");
  definition.set_id(id);
  definition.set_version(version);
  return definition;
}

}  // namespace securebase::outcomes::testing
