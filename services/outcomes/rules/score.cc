#include "services/outcomes/rules/score.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/outcomes/rules/catalogue.h"
#include "services/outcomes/rules/numbers.h"
#include "services/platform/base/error.h"
#include "services/platform/base/status_macros.h"

namespace securebase::outcomes {
namespace {

using type::v1::CONFIDENCE_HIGH;

// Values by item, in the item's own coding; items without an answer are absent.
using Values = std::map<std::string, int>;

template <typename Repeated, typename T>
bool Contains(const Repeated& values, const T& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

const v1::AnswerCoding* FindCoding(const v1::InstrumentDefinition& definition,
                                   const std::string& id) {
  for (const v1::AnswerCoding& coding : definition.codings()) {
    if (coding.id() == id) {
      return &coding;
    }
  }
  return nullptr;
}

double FromCoding(const v1::AnswerCoding* coding, const std::string& item, double value) {
  if (coding != nullptr) {
    for (const v1::CodingTransform& transform : coding->transforms()) {
      if (transform.items().empty() || Contains(transform.items(), item)) {
        return transform.multiplier() * value + transform.offset();
      }
    }
  }
  return value;
}

double ToCoding(const v1::AnswerCoding* coding, const std::string& item, double value) {
  if (coding != nullptr) {
    for (const v1::CodingTransform& transform : coding->transforms()) {
      if (transform.items().empty() || Contains(transform.items(), item)) {
        return (value - transform.offset()) * transform.multiplier();
      }
    }
  }
  return value;
}

absl::StatusOr<Values> ReadAnswers(const v1::InstrumentDefinition& definition,
                                   const std::vector<v1::Answer>& answers,
                                   const ScoringContext& context) {
  std::vector<FieldViolation> violations;
  if (context.informant != v1::INFORMANT_UNSPECIFIED &&
      !Contains(definition.informants(), context.informant)) {
    violations.push_back({"informant", "the instrument is not for this informant"});
  }
  if (context.age_months.has_value() && *context.age_months < 0) {
    violations.push_back({"age_months", "must not be negative"});
  }
  const v1::AnswerCoding* coding = nullptr;
  if (!context.coding.empty()) {
    coding = FindCoding(definition, context.coding);
    if (coding == nullptr) {
      std::vector<std::string> known;
      for (const v1::AnswerCoding& other : definition.codings()) {
        known.push_back(other.id());
      }
      violations.push_back({"coding", known.empty() ? "the instrument has no other coding"
                                                    : absl::StrCat("must be empty or one of: ",
                                                                   absl::StrJoin(known, ", "))});
    }
  }
  Values values;
  std::set<std::string> seen;
  for (size_t i = 0; i < answers.size(); ++i) {
    const v1::Answer& answer = answers[i];
    const std::string path = absl::StrCat("answers[", i, "]");
    const v1::Item* item = FindItem(definition, answer.item());
    if (item == nullptr) {
      violations.push_back({path + ".item", "the instrument has no such item"});
      continue;
    }
    if (!seen.insert(answer.item()).second) {
      violations.push_back({path + ".item", "the item is answered more than once"});
      continue;
    }
    if (answer.has_not_applicable() && answer.not_applicable()) {
      if (item->has_not_applicable_value()) {
        values[item->id()] = item->not_applicable_value();
      } else {
        violations.push_back({path + ".not_applicable", "the item has no such option"});
      }
    } else if (answer.has_value()) {
      const double value = FromCoding(coding, item->id(), answer.value());
      if (value >= item->min() && value <= item->max() && value == std::floor(value)) {
        values[item->id()] = static_cast<int>(value);
      } else {
        const double a = ToCoding(coding, item->id(), item->min());
        const double b = ToCoding(coding, item->id(), item->max());
        violations.push_back(
            {path + ".value",
             absl::StrCat("item ", item->id(), " takes whole numbers from ",
                          FormatNumber(std::min(a, b)), " to ", FormatNumber(std::max(a, b)))});
      }
    }
  }
  SB_RETURN_IF_ERROR(InvalidFields(violations));
  return values;
}

bool Applies(const google::protobuf::RepeatedField<int>& informants, v1::Informant informant) {
  return informants.empty() || Contains(informants, informant);
}

bool AgeOutOfRange(const v1::InstrumentDefinition& definition, const ScoringContext& context) {
  if (!context.age_months.has_value()) {
    return false;
  }
  bool limited = false;
  for (const v1::AgeLimit& limit : definition.age_limits()) {
    // An unknown informant may be any of them: in range if it is in range for one.
    if (Applies(limit.informants(), context.informant) ||
        context.informant == v1::INFORMANT_UNSPECIFIED) {
      limited = true;
      if (*context.age_months >= limit.min_months() && *context.age_months <= limit.max_months()) {
        return false;
      }
    }
  }
  return limited;
}

// What one answer brings into a scale.
double Contribution(const v1::Scale& scale, const v1::Item& item, int answer) {
  for (const v1::Recode& recode : scale.recodes()) {
    if (!Contains(recode.items(), item.id())) {
      continue;
    }
    for (const v1::RecodeValue& line : recode.values()) {
      if (line.answer() == answer) {
        return line.value();
      }
    }
  }
  double value = Contains(scale.reversed(), item.id()) ? item.min() + item.max() - answer : answer;
  for (const v1::ItemWeight& weight : scale.weights()) {
    if (weight.item() == item.id()) {
      value *= weight.weight();
    }
  }
  return value;
}

void SetUnscorable(v1::ScaleScore& score, v1::ScaleReason code, std::string reason) {
  score.set_status(v1::SCALE_STATUS_UNSCORABLE);
  score.set_reason_code(code);
  score.set_reason(std::move(reason));
}

void AddSource(v1::ScaleDerivation& derivation, const std::string& source) {
  if (!source.empty() && !Contains(derivation.sources(), source)) {
    derivation.add_sources(source);
  }
}

void MarkProvisional(v1::ScaleScore& score, const std::string& fact) {
  score.set_provisional(true);
  if (!Contains(score.derivation().provisional_facts(), fact)) {
    score.mutable_derivation()->add_provisional_facts(fact);
  }
}

// 0.8 of the items, as whole numbers.
bool EnoughForHouseRule(int answered, int count) { return answered * 5 >= count * 4; }

bool HouseRuleFits(const v1::InstrumentDefinition& definition, const v1::Scale& scale) {
  if (!definition.house_missing_rule() || !scale.recodes().empty() || !scale.weights().empty()) {
    return false;
  }
  const v1::Item* first = FindItem(definition, scale.items(0));
  for (const std::string& id : scale.items()) {
    const v1::Item* item = FindItem(definition, id);
    if (item->min() != first->min() || item->max() != first->max()) {
      return false;
    }
  }
  return true;
}

// Decides whether the answered items are enough; fills status, reason and rule.
void ApplyMissingRule(const v1::InstrumentDefinition& definition, const v1::Scale& scale,
                      v1::ScaleScore& score) {
  v1::ScaleDerivation& derivation = *score.mutable_derivation();
  const int count = scale.items_size();
  const int answered = derivation.contributions_size();
  const int missing = count - answered;
  if (missing == 0) {
    score.set_status(v1::SCALE_STATUS_SCORED);
    return;
  }
  if (answered == 0) {
    SetUnscorable(score, v1::SCALE_REASON_NOTHING_ANSWERED, "nothing is answered");
    return;
  }
  const std::string gap = absl::StrCat(missing, " of ", count, count == 1 ? " item" : " items",
                                       missing == 1 ? " is" : " are", " not answered");
  if (scale.has_missing_rule()) {
    const v1::MissingRule& rule = scale.missing_rule();
    const int allowed =
        rule.method() == v1::MISSING_METHOD_MEAN_OF_ANSWERED ? rule.max_missing() : 0;
    if (missing > allowed) {
      SetUnscorable(score, v1::SCALE_REASON_TOO_MANY_MISSING,
                    allowed == 0 ? absl::StrCat(gap, "; every item is needed")
                                 : absl::StrCat(gap, "; at most ", allowed, " may be missing"));
      return;
    }
    derivation.set_missing_rule(absl::StrCat("mean of the answered items, at most ", allowed,
                                             " missing (", rule.source(), ")"));
    derivation.set_rounding(rule.rounding());
    derivation.set_house_rule(rule.house_rule());
    AddSource(derivation, rule.source());
    if (rule.confidence() != CONFIDENCE_HIGH) {
      MarkProvisional(score, "missing rule");
    }
  } else if (HouseRuleFits(definition, scale)) {
    if (!EnoughForHouseRule(answered, count)) {
      SetUnscorable(score, v1::SCALE_REASON_TOO_MANY_MISSING,
                    absl::StrCat(gap, "; the house rule needs 80 % of them"));
      return;
    }
    derivation.set_missing_rule("mean of the answered items, at least 80 % answered (house rule)");
    derivation.set_house_rule(true);
    MarkProvisional(score, "missing rule");
  } else {
    SetUnscorable(score, v1::SCALE_REASON_NO_MISSING_RULE,
                  absl::StrCat(gap, ", and there is no published rule for missing answers"));
    return;
  }
  score.set_status(v1::SCALE_STATUS_PRORATED);
  score.set_reason_code(v1::SCALE_REASON_ITEMS_MISSING);
  score.set_reason(absl::StrCat(gap, "; each counts as the mean of the answered ones",
                                derivation.house_rule() ? " (house rule)" : ""));
}

double Round(double value, v1::Rounding rounding) {
  return rounding == v1::ROUNDING_HALF_UP ? std::floor(value + 0.5) : value;
}

void ScoreItems(const v1::InstrumentDefinition& definition, const v1::Scale& scale,
                const Values& values, v1::ScaleScore& score) {
  v1::ScaleDerivation& derivation = *score.mutable_derivation();
  derivation.set_item_count(scale.items_size());
  double sum = 0;
  for (const std::string& id : scale.items()) {
    if (Contains(scale.reversed(), id)) {
      derivation.add_reversed_items(id);
    }
    const auto found = values.find(id);
    if (found == values.end()) {
      derivation.add_missing_items(id);
      continue;
    }
    v1::ItemContribution& contribution = *derivation.add_contributions();
    contribution.set_item(id);
    contribution.set_value(Contribution(scale, *FindItem(definition, id), found->second));
    sum += contribution.value();
  }
  ApplyMissingRule(definition, scale, score);
  if (score.status() == v1::SCALE_STATUS_UNSCORABLE) {
    return;
  }
  const double multiplier = scale.has_multiplier() ? scale.multiplier() : 1;
  const int answered = derivation.contributions_size();
  double value = sum * multiplier;
  // Multiplied before divided: 13 of 8 items times 9 is 14.625 exactly.
  if (scale.method() == v1::SCORING_METHOD_MEAN) {
    value = value / answered;
  } else if (answered < scale.items_size()) {
    value = value * scale.items_size() / answered;
  }
  score.set_value(score.status() == v1::SCALE_STATUS_PRORATED ? Round(value, derivation.rounding())
                                                              : value);
}

void ScoreParts(const v1::Scale& scale, const v1::ScoringResult& result, v1::ScaleScore& score) {
  double sum = 0;
  std::vector<std::string> without;
  std::vector<std::string> prorated;
  for (const std::string& id : scale.scales()) {
    for (const v1::ScaleScore& part : result.scales()) {
      if (part.id() != id) {
        continue;
      }
      v1::ScaleDerivation& derivation = *score.mutable_derivation();
      derivation.set_item_count(derivation.item_count() + part.derivation().item_count());
      derivation.mutable_missing_items()->MergeFrom(part.derivation().missing_items());
      derivation.mutable_reversed_items()->MergeFrom(part.derivation().reversed_items());
      derivation.mutable_contributions()->MergeFrom(part.derivation().contributions());
      for (const std::string& source : part.derivation().sources()) {
        AddSource(derivation, source);
      }
      for (const std::string& fact : part.derivation().provisional_facts()) {
        if (fact != "bands") {
          MarkProvisional(score, fact);
        }
      }
      if (part.derivation().house_rule()) {
        derivation.set_house_rule(true);
      }
      if (part.status() == v1::SCALE_STATUS_UNSCORABLE) {
        without.push_back(id);
      } else if (part.status() == v1::SCALE_STATUS_PRORATED) {
        prorated.push_back(id);
        derivation.set_missing_rule(part.derivation().missing_rule());
        derivation.set_rounding(part.derivation().rounding());
      }
      sum += part.value();
    }
  }
  if (!without.empty()) {
    score.mutable_derivation()->clear_missing_rule();
    score.mutable_derivation()->clear_rounding();
    SetUnscorable(score, v1::SCALE_REASON_PART_UNSCORABLE,
                  absl::StrCat("no value for: ", absl::StrJoin(without, ", ")));
    return;
  }
  score.set_value(sum * (scale.has_multiplier() ? scale.multiplier() : 1));
  score.set_status(prorated.empty() ? v1::SCALE_STATUS_SCORED : v1::SCALE_STATUS_PRORATED);
  if (!prorated.empty()) {
    score.set_reason_code(v1::SCALE_REASON_ITEMS_MISSING);
    score.set_reason(absl::StrCat("pro-rated: ", absl::StrJoin(prorated, ", ")));
  }
}

void SetBand(const v1::Scale& scale, const ScoringContext& context, v1::ScaleScore& score) {
  for (const v1::BandSet& set : scale.band_sets()) {
    const bool age_fits = !context.age_months.has_value() ||
                          ((!set.has_min_months() || *context.age_months >= set.min_months()) &&
                           (!set.has_max_months() || *context.age_months <= set.max_months()));
    if (!age_fits || !Applies(set.informants(), context.informant)) {
      continue;
    }
    for (const v1::Band& band : set.bands()) {
      if (Holds(score.value(), v1::COMPARATOR_AT_LEAST, band.lower_bound())) {
        score.set_band(band.label());
      }
    }
    score.mutable_derivation()->set_band_set(set.id());
    AddSource(*score.mutable_derivation(), set.source());
    const bool age_assumed =
        !context.age_months.has_value() && (set.has_min_months() || set.has_max_months());
    if (set.confidence() != CONFIDENCE_HIGH || age_assumed) {
      MarkProvisional(score, "bands");
    }
    return;
  }
}

v1::RiskAnswer EvaluateRisk(const v1::RiskItem& risk, const Values& values) {
  v1::RiskAnswer answer;
  answer.set_item(risk.item());
  answer.set_kind(risk.kind());
  answer.set_provisional(risk.confidence() != CONFIDENCE_HIGH);
  answer.set_house_rule(risk.house_rule());
  answer.set_source(risk.source());
  const auto found = values.find(risk.item());
  if (found == values.end()) {
    answer.set_state(v1::RISK_STATE_NOT_ANSWERED);
    return answer;
  }
  answer.set_state(v1::RISK_STATE_ABSENT);
  for (const v1::RiskStep& step : risk.steps()) {
    if (found->second >= step.at_least()) {
      answer.set_state(v1::RISK_STATE_PRESENT);
      answer.set_level(step.level());
    }
  }
  return answer;
}

using States = std::map<std::string, v1::DiagnosticState>;

v1::DiagnosticState EvaluateCount(const v1::CountCondition& condition, const Values& values) {
  int count = 0;
  for (const std::string& id : condition.items()) {
    const auto found = values.find(id);
    if (found == values.end()) {
      // The published algorithms are defined on complete answers only.
      return v1::DIAGNOSTIC_STATE_UNDETERMINED;
    }
    int bound = condition.at_least();
    for (const v1::ItemBound& exception : condition.exceptions()) {
      if (exception.item() == id) {
        bound = exception.at_least();
      }
    }
    count += found->second >= bound ? 1 : 0;
  }
  const bool met = count >= condition.min_count() &&
                   (!condition.has_max_count() || count <= condition.max_count());
  return met ? v1::DIAGNOSTIC_STATE_MET : v1::DIAGNOSTIC_STATE_NOT_MET;
}

v1::DiagnosticState EvaluateRule(const v1::DiagnosticRule& rule, const Values& values,
                                 const States& earlier) {
  if (rule.has_count()) {
    return EvaluateCount(rule.count(), values);
  }
  bool met = true;
  for (const auto& [ids, wanted] : {std::pair{&rule.all_of(), v1::DIAGNOSTIC_STATE_MET},
                                    std::pair{&rule.none_of(), v1::DIAGNOSTIC_STATE_NOT_MET}}) {
    for (const std::string& id : *ids) {
      const v1::DiagnosticState state = earlier.at(id);
      if (state == v1::DIAGNOSTIC_STATE_UNDETERMINED) {
        return state;
      }
      met = met && state == wanted;
    }
  }
  return met ? v1::DIAGNOSTIC_STATE_MET : v1::DIAGNOSTIC_STATE_NOT_MET;
}

void EvaluateDiagnostics(const v1::InstrumentDefinition& definition, const Values& values,
                         bool age_out_of_range, v1::ScoringResult& result) {
  States states;
  for (const v1::DiagnosticRule& rule : definition.diagnostic_rules()) {
    const v1::DiagnosticState state =
        age_out_of_range ? v1::DIAGNOSTIC_STATE_UNDETERMINED : EvaluateRule(rule, values, states);
    states[rule.id()] = state;
    if (rule.reported()) {
      v1::DiagnosticResult& diagnostic = *result.add_diagnostics();
      diagnostic.set_id(rule.id());
      diagnostic.set_name(rule.name());
      diagnostic.set_state(state);
      diagnostic.set_provisional(rule.confidence() != CONFIDENCE_HIGH);
      diagnostic.set_source(rule.source());
    }
  }
}

void SetAttachmentPoint(const v1::InstrumentDefinition& definition, v1::ScoringResult& result) {
  std::optional<double> anxiety;
  std::optional<double> avoidance;
  for (int i = 0; i < definition.scales_size(); ++i) {
    const v1::ScaleScore& score = result.scales(i);
    if (!score.has_value()) {
      continue;
    }
    if (definition.scales(i).attachment_axis() == v1::ATTACHMENT_AXIS_ANXIETY) {
      anxiety = score.value();
    } else if (definition.scales(i).attachment_axis() == v1::ATTACHMENT_AXIS_AVOIDANCE) {
      avoidance = score.value();
    }
  }
  if (anxiety.has_value() && avoidance.has_value()) {
    result.mutable_attachment_point()->set_anxiety(*anxiety);
    result.mutable_attachment_point()->set_avoidance(*avoidance);
  }
}

void AddNotes(const v1::InstrumentDefinition& definition, const ScoringContext& context,
              v1::ScoringResult& result) {
  if (!definition.age_limits().empty() && !context.age_months.has_value()) {
    result.add_notes("age not given: the instrument's age range was not checked");
  }
  if (context.informant == v1::INFORMANT_UNSPECIFIED && definition.informants_size() > 1) {
    result.add_notes("informant not given: bands that depend on it are left out");
  }
  const auto& risks = result.risk_answers();
  if (std::any_of(risks.begin(), risks.end(), [](const v1::RiskAnswer& risk) {
        return risk.state() == v1::RISK_STATE_PRESENT;
      })) {
    // Publishers say which answer is one, not how urgent it is.
    result.add_notes("the level of a risk answer is a house rule");
  }
}

// By how much the scale's value is higher when every answer is 1 higher.
double PointsPerAnswerPoint(const v1::InstrumentDefinition& definition, const v1::Scale& scale) {
  double points = 1;
  if (scale.method() == v1::SCORING_METHOD_SUM) {
    points = scale.items_size();
  } else if (scale.method() == v1::SCORING_METHOD_SUM_OF_SCALES) {
    points = 0;
    for (const std::string& part : scale.scales()) {
      points += PointsPerAnswerPoint(definition, *FindScale(definition, part));
    }
  }
  return points * (scale.has_multiplier() ? scale.multiplier() : 1);
}

}  // namespace

absl::StatusOr<v1::ScoringResult> Score(const v1::InstrumentDefinition& definition,
                                        const std::vector<v1::Answer>& answers,
                                        const ScoringContext& given) {
  ScoringContext context = given;
  if (context.informant == v1::INFORMANT_UNSPECIFIED && definition.informants_size() == 1) {
    context.informant = definition.informants(0);
  }
  SB_ASSIGN_OR_RETURN(const Values values, ReadAnswers(definition, answers, context));
  const bool age_out_of_range = AgeOutOfRange(definition, context);
  v1::ScoringResult result;
  for (const v1::Scale& scale : definition.scales()) {
    v1::ScaleScore score;
    score.set_id(scale.id());
    AddSource(*score.mutable_derivation(), scale.source());
    if (scale.confidence() != CONFIDENCE_HIGH) {
      MarkProvisional(score, "scoring");
    }
    if (scale.method() == v1::SCORING_METHOD_SUM_OF_SCALES) {
      ScoreParts(scale, result, score);
    } else {
      ScoreItems(definition, scale, values, score);
    }
    if (age_out_of_range) {
      score.clear_value();
      SetUnscorable(score, v1::SCALE_REASON_AGE_OUT_OF_RANGE,
                    "the subject's age is outside of the instrument's range");
    }
    if (score.has_value()) {
      SetBand(scale, context, score);
    }
    *result.add_scales() = std::move(score);
  }
  for (const v1::RiskItem& risk : definition.risk_items()) {
    *result.add_risk_answers() = EvaluateRisk(risk, values);
  }
  EvaluateDiagnostics(definition, values, age_out_of_range, result);
  SetAttachmentPoint(definition, result);
  AddNotes(definition, context, result);
  v1::Derivation& derivation = *result.mutable_derivation();
  derivation.set_instrument(definition.id());
  derivation.set_version(definition.version());
  derivation.set_coding(context.coding);
  derivation.set_informant(context.informant);
  if (context.age_months.has_value()) {
    derivation.set_age_months(*context.age_months);
  }
  for (const v1::Item& item : definition.items()) {
    const auto found = values.find(item.id());
    if (found != values.end()) {
      v1::ItemContribution& answer = *derivation.add_answers();
      answer.set_item(item.id());
      answer.set_value(found->second);
    }
  }
  return result;
}

double ItemMean(const v1::InstrumentDefinition& definition, const v1::Scale& scale, double value) {
  return value / PointsPerAnswerPoint(definition, scale);
}

}  // namespace securebase::outcomes
