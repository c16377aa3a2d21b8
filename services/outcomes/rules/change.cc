#include "services/outcomes/rules/change.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/outcomes/rules/catalogue.h"
#include "services/outcomes/rules/norm.h"
#include "services/outcomes/rules/numbers.h"
#include "services/platform/base/error.h"
#include "services/platform/base/resource_name.h"
#include "services/platform/base/status_macros.h"

namespace securebase::outcomes {
namespace {

// Of PairSums.
constexpr double kUnitsPerPoint = 1 << 20;
constexpr double kLargestValue = 1 << 17;

using type::v1::CONFIDENCE_HIGH;
using type::v1::CONFIDENCE_LOW;

constexpr double kZ95 = 1.96;
constexpr double kZ90 = 1.645;

const v1::ChangePolicy* FindPolicy(const v1::Scale& scale, const std::string& id) {
  for (const v1::ChangePolicy& policy : scale.change_policies()) {
    if (id.empty() ? policy.is_default() : policy.id() == id) {
      return &policy;
    }
  }
  return nullptr;
}

// Which policies a scale has, for a message.
std::string KnownPolicies(const v1::Scale& scale, const v1::Norm* norm) {
  std::vector<std::string> ids;
  for (const v1::ChangePolicy& policy : scale.change_policies()) {
    ids.push_back(policy.id());
  }
  if (norm != nullptr) {
    ids.push_back(LastId(norm->name()));
  }
  return ids.empty() ? "the scale has none" : absl::StrCat("known: ", absl::StrJoin(ids, ", "));
}

// The figures were checked when the norm was proposed, and have not changed since.
void CheckUsable(const v1::InstrumentDefinition& definition, const v1::Scale& scale,
                 const v1::Norm& norm, std::vector<FieldViolation>& violations) {
  if (LastId(norm.instrument()) != definition.id() ||
      norm.instrument_version() != definition.version() || norm.scale() != scale.id()) {
    violations.push_back({"norm", "is not for this scale and scoring version"});
  }
  if (norm.approved_by().empty()) {
    violations.push_back({"norm.approved_by", "must name who approved it"});
  }
}

// The policy that judges, and whether the practice's norm stands behind it.
struct Judge {
  std::optional<v1::ChangePolicy> policy;
  bool approved = false;
};

Judge ChooseJudge(const v1::Scale& scale, const ChangeOptions& options) {
  Judge judge;
  if (const v1::ChangePolicy* found = FindPolicy(scale, options.policy); found != nullptr) {
    judge.policy = *found;
    judge.approved = options.norm != nullptr && options.norm->policy() == found->id();
  } else if (options.norm != nullptr &&
             (options.policy.empty() || options.policy == LastId(options.norm->name()))) {
    judge.policy = PolicyOfNorm(scale, *options.norm);
    judge.approved = true;
  }
  return judge;
}

v1::ChangeVerdict Insufficient(v1::ChangeVerdict verdict, v1::ChangeReason code,
                               std::string reason) {
  verdict.set_verdict(v1::VERDICT_INSUFFICIENT_DATA);
  verdict.set_reason_code(code);
  verdict.set_reason(std::move(reason));
  return verdict;
}

// That of the least sure of what a verdict rests on.
type::v1::Confidence ConfidenceIn(const v1::Scale& scale, const v1::ChangePolicy& policy) {
  const auto rank = [](type::v1::Confidence confidence) {
    return confidence == CONFIDENCE_HIGH ? 2 : confidence == type::v1::CONFIDENCE_MEDIUM ? 1 : 0;
  };
  type::v1::Confidence least = scale.confidence();
  const auto take = [&](type::v1::Confidence confidence) {
    least = rank(confidence) < rank(least) ? confidence : least;
  };
  take(policy.confidence());
  if (policy.has_cut_off()) {
    take(policy.cut_off().confidence());
  }
  return least;
}

// Copies what the policy says, computing what it leaves to its inputs.
void FillPolicy(const v1::ChangePolicy& policy, v1::Direction direction,
                v1::ChangeVerdict& verdict) {
  verdict.set_policy(policy.id());
  verdict.set_comparator(policy.comparator());
  verdict.set_confidence_level(policy.confidence_level());
  verdict.set_source(policy.source());
  if (policy.has_inputs()) {
    const v1::ChangeInputs& inputs = policy.inputs();
    *verdict.mutable_norm() = inputs;
    verdict.set_standard_error(StandardError(inputs.sd(), inputs.reliability()));
  }
  verdict.set_threshold(policy.has_threshold()
                            ? policy.threshold()
                            : ReliableChangeThreshold(policy.inputs().sd(),
                                                      policy.inputs().reliability(),
                                                      policy.confidence_level()));
  if (policy.has_cut_off()) {
    *verdict.mutable_cut_off() = policy.cut_off();
  } else if (const std::optional<double> value =
                 JacobsonTruaxCutOff(policy.inputs(), policy.cut_off_method(), direction);
             value.has_value()) {
    v1::CutOff& cut_off = *verdict.mutable_cut_off();
    cut_off.set_value(*value);
    cut_off.set_clinical(direction == v1::DIRECTION_HIGHER_WORSE ? v1::COMPARATOR_EXCEEDS
                                                                 : v1::COMPARATOR_BELOW);
    cut_off.set_meaning("computed from the norm (Jacobson & Truax 1991)");
    cut_off.set_confidence(policy.confidence());
    cut_off.set_source(policy.source());
  }
}

void Decide(double improvement, v1::ChangeVerdict& verdict) {
  const std::string needed = absl::StrCat(", needs ", ComparatorWords(verdict.comparator()), " ",
                                          FormatNumber(verdict.threshold()));
  if (Holds(improvement, verdict.comparator(), verdict.threshold())) {
    const bool crossed =
        verdict.has_cut_off() &&
        Holds(verdict.from(), verdict.cut_off().clinical(), verdict.cut_off().value()) &&
        !Holds(verdict.to(), verdict.cut_off().clinical(), verdict.cut_off().value());
    verdict.set_verdict(crossed ? v1::VERDICT_RECOVERED : v1::VERDICT_RELIABLY_IMPROVED);
    verdict.set_rule(absl::StrCat("improved by ", FormatNumber(improvement), needed,
                                  crossed ? "; from the clinical to the functional side" : ""));
  } else if (Holds(-improvement, verdict.comparator(), verdict.threshold())) {
    verdict.set_verdict(v1::VERDICT_RELIABLY_DETERIORATED);
    verdict.set_rule(absl::StrCat("worsened by ", FormatNumber(-improvement), needed));
  } else {
    verdict.set_verdict(v1::VERDICT_NO_RELIABLE_CHANGE);
    verdict.set_rule(absl::StrCat("changed by ", FormatNumber(std::abs(improvement)), needed));
  }
}

}  // namespace

double StandardError(double sd, double reliability) { return sd * std::sqrt(1 - reliability); }

double ReliableChangeThreshold(double sd, double reliability, int confidence_level) {
  return (confidence_level == 90 ? kZ90 : kZ95) * std::sqrt(2.0) * StandardError(sd, reliability);
}

std::optional<double> JacobsonTruaxCutOff(const v1::ChangeInputs& inputs, v1::CutOffMethod method,
                                          v1::Direction direction) {
  const bool clinical = inputs.has_mean_clinical() && inputs.has_sd_clinical();
  const bool norm = inputs.has_mean_norm() && inputs.has_sd_norm();
  const double towards_function = direction == v1::DIRECTION_HIGHER_BETTER ? 1 : -1;
  switch (method) {
    case v1::CUT_OFF_METHOD_A:
      if (clinical) {
        return inputs.mean_clinical() + towards_function * 2 * inputs.sd_clinical();
      }
      return std::nullopt;
    case v1::CUT_OFF_METHOD_B:
      if (norm) {
        return inputs.mean_norm() - towards_function * 2 * inputs.sd_norm();
      }
      return std::nullopt;
    case v1::CUT_OFF_METHOD_C:
      if (clinical && norm && inputs.sd_norm() + inputs.sd_clinical() > 0) {
        return (inputs.sd_norm() * inputs.mean_clinical() +
                inputs.sd_clinical() * inputs.mean_norm()) /
               (inputs.sd_norm() + inputs.sd_clinical());
      }
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

absl::StatusOr<v1::ChangeVerdict> ClassifyChange(const v1::InstrumentDefinition& definition,
                                                 absl::string_view scale_id,
                                                 std::optional<double> from,
                                                 std::optional<double> to,
                                                 const ChangeOptions& options) {
  const v1::Scale* scale = FindScale(definition, scale_id);
  if (scale == nullptr) {
    std::vector<std::string> ids;
    for (const v1::Scale& other : definition.scales()) {
      ids.push_back(other.id());
    }
    return InvalidFields({{"scale", absl::StrCat("the instrument has no such scale; known: ",
                                                 absl::StrJoin(ids, ", "))}});
  }
  std::vector<FieldViolation> violations;
  for (const auto& [value, field] : {std::pair{from, "from"}, std::pair{to, "to"}}) {
    if (value.has_value() && !(Holds(*value, v1::COMPARATOR_AT_LEAST, scale->min()) &&
                               Holds(*value, v1::COMPARATOR_AT_MOST, scale->max()))) {
      violations.push_back({field, absl::StrCat("the scale runs from ", FormatNumber(scale->min()),
                                                " to ", FormatNumber(scale->max()))});
    }
  }
  if (options.norm != nullptr) {
    CheckUsable(definition, *scale, *options.norm, violations);
  }
  const auto [policy, approved] = ChooseJudge(*scale, options);
  if (!policy.has_value() && !options.policy.empty()) {
    violations.push_back(
        {"policy", absl::StrCat("unknown; ", KnownPolicies(*scale, options.norm))});
  }
  SB_RETURN_IF_ERROR(InvalidFields(violations));

  v1::ChangeVerdict verdict;
  verdict.set_instrument(definition.id());
  verdict.set_version(definition.version());
  verdict.set_scale(scale->id());
  verdict.set_policy_named(!options.policy.empty());
  verdict.set_arrow_allowed(scale->direction() != v1::DIRECTION_NON_MONOTONE &&
                            !definition.not_an_outcome());
  if (from.has_value()) {
    verdict.set_from(*from);
  }
  if (to.has_value()) {
    verdict.set_to(*to);
  }
  if (from.has_value() && to.has_value()) {
    verdict.set_difference(*to - *from);
  }
  if (definition.not_an_outcome()) {
    return Insufficient(verdict, v1::CHANGE_REASON_NOT_AN_OUTCOME,
                        "the instrument records history, it does not measure change");
  }
  if (scale->direction() == v1::DIRECTION_NON_MONOTONE) {
    return Insufficient(verdict, v1::CHANGE_REASON_NON_MONOTONE,
                        "higher is neither better nor worse on this scale");
  }
  if (!policy.has_value()) {
    return Insufficient(verdict, v1::CHANGE_REASON_NO_NORM,
                        "no threshold is published that may be relied on, and the practice has "
                        "approved no norm");
  }
  FillPolicy(*policy, scale->direction(), verdict);
  if (approved) {
    verdict.set_approved_norm(options.norm->name());
    verdict.set_approved_by(options.norm->approved_by());
  }
  const type::v1::Confidence confidence = ConfidenceIn(*scale, *policy);
  verdict.set_provisional(!approved && confidence != CONFIDENCE_HIGH);
  if (confidence == CONFIDENCE_LOW || confidence == type::v1::CONFIDENCE_UNSPECIFIED) {
    return Insufficient(verdict, v1::CHANGE_REASON_LOW_CONFIDENCE,
                        confidence == scale->confidence()
                            ? "how the scale is scored is of low confidence"
                            : "the figures behind this policy are of low confidence");
  }
  if (!verdict.has_difference()) {
    return Insufficient(verdict, v1::CHANGE_REASON_NO_SCORE, "one of the two scores is missing");
  }
  Decide(scale->direction() == v1::DIRECTION_HIGHER_WORSE ? -verdict.difference()
                                                          : verdict.difference(),
         verdict);
  return verdict;
}

double PairSums::MeanBefore() const {
  return static_cast<double>(before_) / kUnitsPerPoint / static_cast<double>(count_);
}

double PairSums::MeanAfter() const {
  return static_cast<double>(after_) / kUnitsPerPoint / static_cast<double>(count_);
}

double PairSums::VarianceBefore() const {
  // n·Σx² − (Σx)² in whole numbers: nothing is lost to rounding. 2^24 pairs of 2^37 units fit.
  const absl::int128 spread =
      absl::int128(count_) * before_squared_ - absl::int128(before_) * absl::int128(before_);
  const double count = static_cast<double>(count_);
  return static_cast<double>(spread) / (kUnitsPerPoint * kUnitsPerPoint) / (count * (count - 1));
}

std::string PairSums::DebugString() const {
  std::ostringstream squared;  // absl::StrCat does not take 128 bits
  squared << before_squared_;
  return absl::StrCat(count_, " ", before_, " ", after_, " ", squared.str());
}

void PairSums::Change(double before, double after, int sign) {
  const auto units = [](double value) {
    return std::llround(std::clamp(value, -kLargestValue, kLargestValue) * kUnitsPerPoint);
  };
  count_ += sign;
  before_ += sign * units(before);
  after_ += sign * units(after);
  before_squared_ += sign * absl::int128(units(before)) * units(before);
}

absl::StatusOr<v1::EffectSize> ComputeEffectSize(const PairSums& pairs, v1::Direction direction) {
  if (direction != v1::DIRECTION_HIGHER_WORSE && direction != v1::DIRECTION_HIGHER_BETTER) {
    return InvalidFields({{"direction", "must be one on which better is defined"}});
  }
  const double variance = pairs.count() < 3 ? 0 : pairs.VarianceBefore();
  if (!(variance > 0)) {
    return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kStateNotAllowed,
                     "an effect size needs at least three pairs that differ before");
  }
  v1::EffectSize effect;
  effect.set_n(static_cast<int>(pairs.count()));
  effect.set_mean_before(pairs.MeanBefore());
  effect.set_mean_after(pairs.MeanAfter());
  effect.set_sd_before(std::sqrt(variance));
  const double fall = (effect.mean_before() - effect.mean_after()) / effect.sd_before();
  effect.set_d(direction == v1::DIRECTION_HIGHER_WORSE ? fall : -fall);
  effect.set_g(effect.d() * (1 - 3.0 / (4 * (effect.n() - 1) - 1)));
  return effect;
}

absl::StatusOr<v1::PairedOutcome> NhsPairedOutcome(const v1::ChangeVerdict& depression,
                                                   const v1::ChangeVerdict& anxiety,
                                                   std::optional<int> treatment_contacts) {
  std::vector<FieldViolation> violations;
  int improved = 0;
  int deteriorated = 0;
  bool case_before = false;
  bool case_after = false;
  for (const auto& [verdict, field] :
       {std::pair{&depression, "depression"}, std::pair{&anxiety, "anxiety"}}) {
    const v1::Comparator clinical = verdict->cut_off().clinical();
    if (!verdict->has_difference() || !verdict->has_threshold() || !verdict->has_cut_off() ||
        (clinical != v1::COMPARATOR_AT_LEAST && clinical != v1::COMPARATOR_EXCEEDS)) {
      violations.push_back({field,
                            "needs two values, a threshold and a cut-off of a measure on which "
                            "higher is worse"});
      continue;
    }
    improved += Holds(-verdict->difference(), verdict->comparator(), verdict->threshold()) ? 1 : 0;
    deteriorated +=
        Holds(verdict->difference(), verdict->comparator(), verdict->threshold()) ? 1 : 0;
    const double cut_off = verdict->cut_off().value();
    case_before = case_before || Holds(verdict->from(), clinical, cut_off);
    case_after = case_after || Holds(verdict->to(), clinical, cut_off);
  }
  SB_RETURN_IF_ERROR(InvalidFields(violations));
  v1::PairedOutcome outcome;
  outcome.set_caseness_at_start(case_before);
  outcome.set_reliable_improvement(improved > 0 && deteriorated == 0);
  outcome.set_reliable_deterioration(deteriorated > 0 && improved == 0);
  outcome.set_nhs_recovery(case_before && !case_after);
  outcome.set_nhs_reliable_recovery(outcome.nhs_recovery() && outcome.reliable_improvement());
  if (treatment_contacts.has_value()) {
    outcome.set_in_denominator(case_before && *treatment_contacts >= 2);
  }
  return outcome;
}

v1::PlaneVector MoveOnPlane(const v1::AttachmentPoint& from, const v1::AttachmentPoint& to) {
  v1::PlaneVector vector;
  *vector.mutable_from() = from;
  *vector.mutable_to() = to;
  vector.set_anxiety(to.anxiety() - from.anxiety());
  vector.set_avoidance(to.avoidance() - from.avoidance());
  vector.set_length(std::hypot(vector.anxiety(), vector.avoidance()));
  return vector;
}

std::optional<v1::AttachmentPoint> GlobalAttachment(
    const std::vector<v1::AttachmentPoint>& points) {
  if (points.empty()) {
    return std::nullopt;
  }
  v1::AttachmentPoint sum;
  for (const v1::AttachmentPoint& point : points) {
    sum.set_anxiety(sum.anxiety() + point.anxiety());
    sum.set_avoidance(sum.avoidance() + point.avoidance());
  }
  sum.set_anxiety(sum.anxiety() / static_cast<double>(points.size()));
  sum.set_avoidance(sum.avoidance() / static_cast<double>(points.size()));
  return sum;
}

v1::InformantGap CompareInformants(double first, double second,
                                   std::optional<double> first_standard_error,
                                   std::optional<double> second_standard_error) {
  v1::InformantGap gap;
  gap.set_gap(second - first);
  if (first_standard_error.has_value() && second_standard_error.has_value()) {
    gap.set_threshold(kZ95 * std::hypot(*first_standard_error, *second_standard_error));
    gap.set_exceeds(Holds(std::abs(gap.gap()), v1::COMPARATOR_EXCEEDS, gap.threshold()));
  }
  return gap;
}

}  // namespace securebase::outcomes
