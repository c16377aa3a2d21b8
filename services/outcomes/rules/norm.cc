#include "services/outcomes/rules/norm.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "services/outcomes/rules/catalogue.h"
#include "services/outcomes/rules/publication.h"
#include "services/platform/api/timestamp.h"
#include "services/platform/base/resource_name.h"

namespace securebase::outcomes {
namespace {

constexpr char kNotOwnFigures[] = "must be unset: the figures are those of the policy";

const v1::ChangePolicy* FindPolicy(const v1::Scale& scale, absl::string_view id) {
  for (const v1::ChangePolicy& policy : scale.change_policies()) {
    if (policy.id() == id) {
      return &policy;
    }
  }
  return nullptr;
}

void CheckApprovedPolicy(const v1::Scale& scale, const v1::Norm& norm,
                         std::vector<FieldViolation>& violations) {
  const v1::ChangePolicy* policy = FindPolicy(scale, norm.policy());
  if (policy == nullptr) {
    violations.push_back({"policy", absl::StrCat("is none of the scale's: ",
                                                 absl::StrJoin(scale.change_policies(), ", ",
                                                               [](std::string* out, const auto& p) {
                                                                 absl::StrAppend(out, p.id());
                                                               }))});
  } else if (policy->confidence() == type::v1::CONFIDENCE_LOW) {
    violations.push_back(
        {"policy", "is of low confidence, and judges nothing; propose figures of your own"});
  }
  for (const auto& [set, field] :
       {std::pair{norm.has_threshold(), "threshold"},
        std::pair{norm.comparator() != v1::COMPARATOR_UNSPECIFIED, "comparator"},
        std::pair{norm.confidence_level() != 0, "confidence_level"},
        std::pair{norm.has_cut_off(), "cut_off"},
        std::pair{norm.cut_off_method() != v1::CUT_OFF_METHOD_UNSPECIFIED, "cut_off_method"},
        std::pair{norm.has_inputs(), "inputs"},
        std::pair{norm.sample_size() != 0, "sample_size"}}) {
    if (set) {
      violations.push_back({field, kNotOwnFigures});
    }
  }
}

// The definition with nothing but the norm's policy on its scale is checked like any other.
void CheckFigures(const v1::InstrumentDefinition& definition, int scale, const v1::Norm& norm,
                  std::vector<FieldViolation>& violations) {
  v1::InstrumentDefinition judged = definition;
  v1::Scale& judged_scale = *judged.mutable_scales(scale);
  const v1::ChangePolicy policy = PolicyOfNorm(judged_scale, norm);
  judged_scale.clear_change_policies();
  *judged_scale.add_change_policies() = policy;
  const std::string place = absl::StrCat("scales[", scale, "].change_policies[0]");
  for (FieldViolation& violation : CheckDefinition(judged)) {
    absl::string_view field = violation.field;
    if (!absl::ConsumePrefix(&field, place)) {
      continue;  // not of the norm's making
    }
    absl::ConsumePrefix(&field, ".");
    if (field == "source" || field == "confidence") {
      continue;  // asked for by name below, or by the request
    }
    violations.push_back(
        {field.empty() ? "scale" : std::string(field), std::move(violation.description)});
  }
  if (norm.sample_size() < kLeastSample) {
    violations.push_back(
        {"sample_size", absl::StrCat("must be ", kLeastSample, " or more (house rule)")});
  }
}

}  // namespace

std::vector<FieldViolation> CheckNorm(const v1::InstrumentDefinition& definition,
                                      absl::string_view norm_id, const v1::Norm& norm) {
  std::vector<FieldViolation> violations;
  if (norm.confidence() != type::v1::CONFIDENCE_HIGH &&
      norm.confidence() != type::v1::CONFIDENCE_MEDIUM) {
    violations.push_back({"confidence", "must be HIGH or MEDIUM"});
  }
  const auto scale =
      std::find_if(definition.scales().begin(), definition.scales().end(),
                   [&](const v1::Scale& candidate) { return candidate.id() == norm.scale(); });
  if (scale == definition.scales().end()) {
    violations.push_back({"scale", "the instrument has no such scale"});
    return violations;
  }
  if (FindPolicy(*scale, norm_id) != nullptr) {
    violations.push_back({"norm_id", "is the id of a policy of the scale; choose another"});
  }
  if (norm.policy().empty()) {
    CheckFigures(definition, static_cast<int>(scale - definition.scales().begin()), norm,
                 violations);
  } else {
    CheckApprovedPolicy(*scale, norm, violations);
  }
  return violations;
}

v1::ChangePolicy PolicyOfNorm(const v1::Scale& scale, const v1::Norm& norm) {
  if (!norm.policy().empty()) {
    const v1::ChangePolicy* policy = FindPolicy(scale, norm.policy());
    return policy == nullptr ? v1::ChangePolicy() : *policy;
  }
  v1::ChangePolicy policy;
  // A norm that is only checked may have no name yet.
  policy.set_id(norm.name().empty() ? "norm" : LastId(norm.name()));
  if (norm.has_threshold()) {
    policy.set_threshold(norm.threshold());
  }
  policy.set_comparator(norm.comparator() == v1::COMPARATOR_UNSPECIFIED ? v1::COMPARATOR_EXCEEDS
                                                                        : norm.comparator());
  policy.set_confidence_level(norm.confidence_level());
  if (norm.has_cut_off()) {
    *policy.mutable_cut_off() = norm.cut_off();
  }
  policy.set_cut_off_method(norm.cut_off_method());
  if (norm.has_inputs()) {
    *policy.mutable_inputs() = norm.inputs();
  }
  policy.set_confidence(norm.confidence());
  policy.set_source(
      absl::StrCat(norm.source(), " (", norm.population(), "; n = ", norm.sample_size(), ")"));
  if (policy.has_cut_off() && policy.cut_off().confidence() == type::v1::CONFIDENCE_UNSPECIFIED) {
    policy.mutable_cut_off()->set_confidence(norm.confidence());
  }
  if (policy.has_cut_off() && policy.cut_off().source().empty()) {
    policy.mutable_cut_off()->set_source(policy.source());
  }
  return policy;
}

Norms NormsInForce(const std::vector<v1::Norm>& norms, absl::Time time) {
  Norms in_force;
  for (const v1::Norm& norm : norms) {
    if (StatusAt(norm.changes(), time) != v1::PUBLICATION_STATUS_ACTIVE) {
      continue;
    }
    in_force.push_back(norm);
    for (const v1::PublicationChange& change : norm.changes()) {
      if (change.status() == v1::PUBLICATION_STATUS_ACTIVE &&
          api::FromProto(change.time()) <= time) {
        in_force.back().set_approved_by(change.actor().subject());
      }
    }
  }
  return in_force;
}

const v1::Norm* FindNorm(const Norms& norms, absl::string_view scale) {
  for (const v1::Norm& norm : norms) {
    if (norm.scale() == scale) {
      return &norm;
    }
  }
  return nullptr;
}

}  // namespace securebase::outcomes
