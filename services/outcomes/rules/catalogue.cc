#include "services/outcomes/rules/catalogue.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/text_format.h"
#include "outcomes_rules_data.h"
#include "services/outcomes/rules/numbers.h"
#include "services/outcomes/rules/text_errors.h"
#include "services/platform/api/field_options.h"
#include "services/platform/base/status_macros.h"

namespace securebase::outcomes {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::TextFormat;

template <typename Repeated, typename T>
bool Contains(const Repeated& values, const T& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

// As the rules of Item.min and Item.max, which a file does not pass through.
constexpr int kLargestAnswer = 1000;

std::string At(absl::string_view list, int index) { return absl::StrCat(list, "[", index, "]"); }

// As FieldRules.id: 1 to 63 characters of A-Z a-z 0-9 . _ -
bool IsId(absl::string_view id) {
  return !id.empty() && id.size() <= 63 && absl::c_all_of(id, [](char c) {
    return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-';
  });
}

// The last digit of a LOINC code checks the others (Luhn's mod 10; LOINC Users' Guide, appendix
// "Calculating mod 10 check digits"). A typing error is found here, not in an EHR.
bool IsLoinc(absl::string_view code) {
  const std::vector<std::string> parts = absl::StrSplit(code, '-');
  if (parts.size() != 2 || parts[0].empty() || parts[1].size() != 1 ||
      !absl::c_all_of(parts[0] + parts[1], [](char c) { return absl::ascii_isdigit(c); })) {
    return false;
  }
  int sum = 0;
  bool twice = true;
  for (auto digit = parts[0].rbegin(); digit != parts[0].rend(); ++digit, twice = !twice) {
    const int value = (*digit - '0') * (twice ? 2 : 1);
    sum += value / 10 + value % 10;
  }
  return (10 - sum % 10) % 10 == parts[1][0] - '0';
}

// Collects what is wrong with one definition.
class Checker {
 public:
  explicit Checker(const v1::InstrumentDefinition& definition) : definition_(definition) {}

  std::vector<FieldViolation> Run() {
    CheckNumbers(definition_, "");
    CheckHead();
    CheckItems();
    CheckCodings();
    for (int i = 0; i < definition_.scales_size(); ++i) {
      CheckScale(definition_.scales(i), At("scales", i));
    }
    CheckEveryItemIsUsed();
    CheckDiagnosticRules();
    CheckRiskItems();
    return std::move(violations_);
  }

 private:
  void Require(bool condition, std::string field, std::string description) {
    if (!condition) {
      violations_.push_back({std::move(field), std::move(description)});
    }
  }

  // Text format knows "nan" and "inf"; every comparison below would let them through. And a number
  // that was forgotten would read as a 0.
  void CheckNumbers(const google::protobuf::Message& message, const std::string& path) {
    const google::protobuf::Descriptor* type = message.GetDescriptor();
    const google::protobuf::Reflection* reflection = message.GetReflection();
    for (int f = 0; f < type->field_count(); ++f) {
      const FieldDescriptor* field = type->field(f);
      const std::string name = absl::StrCat(path, path.empty() ? "" : ".", field->name());
      if (field->is_repeated()) {
        for (int i = 0;
             field->message_type() != nullptr && i < reflection->FieldSize(message, field); ++i) {
          CheckNumbers(reflection->GetRepeatedMessage(message, field, i), At(name, i));
        }
      } else if (field->has_presence() && !reflection->HasField(message, field)) {
        Require(field->message_type() != nullptr || !api::HasBehavior(field, google::api::REQUIRED),
                name, "must be set");
      } else if (field->message_type() != nullptr) {
        CheckNumbers(reflection->GetMessage(message, field), name);
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE) {
        Require(std::isfinite(reflection->GetDouble(message, field)), name, "must be finite");
      }
    }
  }

  // Ids must be well formed and unique in `seen`.
  void CheckId(const std::string& id, const std::string& field, std::set<std::string>& seen) {
    Require(IsId(id), field, "must be 1 to 63 characters of A-Z a-z 0-9 . _ -");
    Require(seen.insert(id).second, field, "is used twice");
  }

  // A fact says where it comes from and how sure it is.
  template <typename Fact>
  void CheckFact(const Fact& fact, const std::string& path) {
    Require(fact.confidence() != type::v1::CONFIDENCE_UNSPECIFIED, path + ".confidence",
            "must be said");
    Require(!fact.source().empty(), path + ".source", "must be named");
  }

  void CheckInformants(const google::protobuf::RepeatedField<int>& informants,
                       const std::string& path) {
    std::set<int> seen;
    for (int i = 0; i < informants.size(); ++i) {
      Require(informants[i] != v1::INFORMANT_UNSPECIFIED, At(path, i), "must be said");
      Require(seen.insert(informants[i]).second, At(path, i), "is named twice");
      Require(Contains(definition_.informants(), informants[i]), At(path, i),
              "is no informant of the instrument");
    }
  }

  void CheckLoinc(const std::string& code, const std::string& field) {
    Require(code.empty() || IsLoinc(code), field, "is no LOINC code: the check digit is wrong");
  }

  void CheckHead() {
    Require(IsId(definition_.id()), "id", "must be 1 to 63 characters of A-Z a-z 0-9 . _ -");
    Require(definition_.version() >= 1, "version", "must be 1 or more");
    Require(!definition_.title().empty(), "title", "must be set");
    Require(!definition_.abbreviation().empty(), "abbreviation", "must be set");
    Require(definition_.domain() != v1::DOMAIN_UNSPECIFIED, "domain", "must be said");
    Require(definition_.licence().decision() != v1::LICENCE_DECISION_UNSPECIFIED,
            "licence.decision", "must be said");
    Require(!definition_.sources().empty(), "sources", "at least one must be named");
    Require(definition_.confidence() != type::v1::CONFIDENCE_UNSPECIFIED, "confidence",
            "must be said");
    Require(!definition_.informants().empty(), "informants", "at least one must be named");
    CheckInformants(definition_.informants(), "informants");
    CheckLoinc(definition_.loinc_panel(), "loinc_panel");
    for (int i = 0; i < definition_.answer_codes_size(); ++i) {
      Require(absl::StartsWith(definition_.answer_codes(i).loinc(), "LA"),
              At("answer_codes", i) + ".loinc", "is no LOINC answer code");
    }
    for (int i = 0; i < definition_.age_limits_size(); ++i) {
      const v1::AgeLimit& limit = definition_.age_limits(i);
      CheckInformants(limit.informants(), At("age_limits", i) + ".informants");
      Require(limit.min_months() <= limit.max_months(), At("age_limits", i) + ".max_months",
              "must not be below min_months");
    }
    std::set<std::string> targets;
    for (int i = 0; i < definition_.relationship_targets_size(); ++i) {
      CheckId(definition_.relationship_targets(i), At("relationship_targets", i), targets);
    }
  }

  void CheckItems() {
    Require(!definition_.items().empty(), "items", "at least one is needed");
    std::set<std::string> ids;
    for (int i = 0; i < definition_.items_size(); ++i) {
      const v1::Item& item = definition_.items(i);
      const std::string path = At("items", i);
      CheckId(item.id(), path + ".id", ids);
      Require(item.min() < item.max(), path + ".max", "must be above min");
      Require(IsBounded(item), path + ".min", "must be within -1000 and 1000, as max");
      Require(!item.has_not_applicable_value() || InRange(item, item.not_applicable_value()),
              path + ".not_applicable_value", "must be in the item's range");
      CheckLoinc(item.loinc(), path + ".loinc");
    }
  }

  void CheckCodings() {
    std::set<std::string> ids;
    for (int i = 0; i < definition_.codings_size(); ++i) {
      const v1::AnswerCoding& coding = definition_.codings(i);
      CheckId(coding.id(), At("codings", i) + ".id", ids);
      Require(!coding.transforms().empty(), At("codings", i) + ".transforms",
              "at least one is needed");
      std::set<std::string> transformed;
      for (int t = 0; t < coding.transforms_size(); ++t) {
        const v1::CodingTransform& transform = coding.transforms(t);
        const std::string path = At(At("codings", i) + ".transforms", t);
        Require(transform.multiplier() == 1 || transform.multiplier() == -1, path + ".multiplier",
                "must be 1 or -1");
        Require(!transform.items().empty() || coding.transforms_size() == 1, path + ".items",
                "must be named where there are several transforms");
        CheckItemList(transform.items(), path + ".items", transformed);
      }
    }
  }

  // The items exist, and none is in `seen` yet.
  void CheckItemList(const google::protobuf::RepeatedPtrField<std::string>& items,
                     const std::string& path, std::set<std::string>& seen) {
    for (int i = 0; i < items.size(); ++i) {
      Require(FindItem(definition_, items[i]) != nullptr, At(path, i),
              "the instrument has no such item");
      Require(seen.insert(items[i]).second, At(path, i), "is named twice");
    }
  }

  static bool IsBounded(const v1::Item& item) {
    return item.min() >= -kLargestAnswer && item.max() <= kLargestAnswer;
  }

  static bool InRange(const v1::Item& item, int value) {
    return value >= item.min() && value <= item.max();
  }

  void CheckScale(const v1::Scale& scale, const std::string& path) {
    CheckId(scale.id(), path + ".id", scale_ids_);
    Require(!scale.name().empty(), path + ".name", "must be set");
    Require(scale.method() != v1::SCORING_METHOD_UNSPECIFIED, path + ".method", "must be said");
    Require(scale.direction() != v1::DIRECTION_UNSPECIFIED, path + ".direction", "must be said");
    Require(scale.min() < scale.max(), path + ".max", "must be above min");
    CheckFact(scale, path);
    CheckLoinc(scale.loinc(), path + ".loinc");
    if (scale.attachment_axis() != v1::ATTACHMENT_AXIS_UNSPECIFIED) {
      Require(axes_.insert(scale.attachment_axis()).second, path + ".attachment_axis",
              "another scale is this axis");
    }
    const size_t before = violations_.size();
    if (scale.method() == v1::SCORING_METHOD_SUM_OF_SCALES) {
      CheckParts(scale, path);
    } else {
      CheckScaleItems(scale, path);
    }
    if (violations_.size() == before) {
      CheckAttainableRange(scale, path);
    }
    CheckMissingRule(scale, path);
    CheckBands(scale, path);
    for (int i = 0; i < scale.cut_offs_size(); ++i) {
      CheckCutOff(scale, scale.cut_offs(i), At(path + ".cut_offs", i));
      CheckFact(scale.cut_offs(i), At(path + ".cut_offs", i));
    }
    CheckPolicies(scale, path);
  }

  void CheckParts(const v1::Scale& scale, const std::string& path) {
    Require(!scale.scales().empty(), path + ".scales", "at least one is needed");
    Require(scale.items().empty() && scale.reversed().empty() && scale.weights().empty() &&
                scale.recodes().empty(),
            path + ".items", "a sum of scales has no items of its own");
    std::set<std::string> seen;
    for (int i = 0; i < scale.scales_size(); ++i) {
      const std::string& id = scale.scales(i);
      Require(id != scale.id() && Contains(scale_ids_, id), At(path + ".scales", i),
              "no scale of this id stands before this one");
      Require(seen.insert(id).second, At(path + ".scales", i), "is named twice");
    }
  }

  void CheckScaleItems(const v1::Scale& scale, const std::string& path) {
    Require(!scale.items().empty(), path + ".items", "at least one is needed");
    Require(scale.scales().empty(), path + ".scales", "only a sum of scales names scales");
    std::set<std::string> items;
    CheckItemList(scale.items(), path + ".items", items);
    std::set<std::string> reversed;
    CheckSubset(scale.reversed(), scale.items(), path + ".reversed", reversed);
    std::set<std::string> weighted;
    for (int i = 0; i < scale.weights_size(); ++i) {
      const v1::ItemWeight& weight = scale.weights(i);
      const std::string field = At(path + ".weights", i);
      Require(Contains(scale.items(), weight.item()), field + ".item", "is not on the scale");
      Require(weighted.insert(weight.item()).second, field + ".item", "is named twice");
      Require(weight.weight() != 0 && std::isfinite(weight.weight()), field + ".weight",
              "must not be 0");
    }
    Require(scale.weights().empty() || scale.method() == v1::SCORING_METHOD_SUM, path + ".weights",
            "are for sums only");
    std::set<std::string> recoded = reversed;
    for (int i = 0; i < scale.recodes_size(); ++i) {
      const v1::Recode& recode = scale.recodes(i);
      const std::string field = At(path + ".recodes", i);
      CheckSubset(recode.items(), scale.items(), field + ".items", recoded);
      CheckRecodeValues(recode, field);
    }
  }

  // Elements are on the scale, and none is in `seen` yet.
  void CheckSubset(const google::protobuf::RepeatedPtrField<std::string>& part,
                   const google::protobuf::RepeatedPtrField<std::string>& whole,
                   const std::string& path, std::set<std::string>& seen) {
    for (int i = 0; i < part.size(); ++i) {
      Require(Contains(whole, part[i]), At(path, i), "is not on the scale");
      Require(seen.insert(part[i]).second, At(path, i), "is reversed or recoded twice");
    }
  }

  void CheckRecodeValues(const v1::Recode& recode, const std::string& path) {
    std::set<int> answers;
    for (int i = 0; i < recode.values_size(); ++i) {
      Require(answers.insert(recode.values(i).answer()).second, At(path + ".values", i),
              "the answer is recoded twice");
    }
    for (int i = 0; i < recode.items_size(); ++i) {
      const v1::Item* item = FindItem(definition_, recode.items(i));
      if (item == nullptr || !IsBounded(*item)) {
        continue;
      }
      // The first one says it: a practice's definition could lack two thousand for every item.
      int lacking = item->min();
      while (lacking <= item->max() && answers.count(lacking) > 0) {
        ++lacking;
      }
      Require(lacking > item->max(), path + ".values",
              absl::StrCat("lacks answer ", lacking, " of item ", item->id()));
    }
  }

  // The least and greatest value that answers can bring about.
  std::pair<double, double> Attainable(const v1::Scale& scale) {
    double low = 0;
    double high = 0;
    if (scale.method() == v1::SCORING_METHOD_SUM_OF_SCALES) {
      for (const std::string& id : scale.scales()) {
        low += FindScale(definition_, id)->min();
        high += FindScale(definition_, id)->max();
      }
    }
    for (const std::string& id : scale.items()) {
      const v1::Item& item = *FindItem(definition_, id);
      double least = item.min();
      double greatest = item.max();
      for (const v1::Recode& recode : scale.recodes()) {
        if (Contains(recode.items(), id)) {
          least = std::numeric_limits<double>::infinity();
          greatest = -least;
          for (const v1::RecodeValue& line : recode.values()) {
            least = std::min(least, line.value());
            greatest = std::max(greatest, line.value());
          }
        }
      }
      for (const v1::ItemWeight& weight : scale.weights()) {
        if (weight.item() == id) {
          std::tie(least, greatest) =
              std::minmax({least * weight.weight(), greatest * weight.weight()});
        }
      }
      low += least;
      high += greatest;
    }
    double factor = scale.has_multiplier() ? scale.multiplier() : 1;
    if (scale.method() == v1::SCORING_METHOD_MEAN) {
      factor /= scale.items_size();
    }
    return {low * factor, high * factor};
  }

  void CheckAttainableRange(const v1::Scale& scale, const std::string& path) {
    const auto [low, high] = Attainable(scale);
    Require(std::abs(low - scale.min()) < 1e-6, path + ".min",
            absl::StrCat("the items reach down to ", FormatNumber(low)));
    Require(std::abs(high - scale.max()) < 1e-6, path + ".max",
            absl::StrCat("the items reach up to ", FormatNumber(high)));
  }

  void CheckMissingRule(const v1::Scale& scale, const std::string& path) {
    if (!scale.has_missing_rule()) {
      return;
    }
    const v1::MissingRule& rule = scale.missing_rule();
    const std::string field = path + ".missing_rule";
    CheckFact(rule, field);
    Require(rule.confidence() != type::v1::CONFIDENCE_LOW, field + ".confidence",
            "a rule of low confidence counts as unpublished: leave it out");
    Require(scale.method() != v1::SCORING_METHOD_SUM_OF_SCALES, field,
            "a sum of scales follows the rules of its parts");
    switch (rule.method()) {
      case v1::MISSING_METHOD_COMPLETE:
        Require(rule.max_missing() == 0, field + ".max_missing", "must be 0: every item is needed");
        break;
      case v1::MISSING_METHOD_MEAN_OF_ANSWERED:
        Require(rule.max_missing() >= 1 && rule.max_missing() < scale.items_size(),
                field + ".max_missing", "must be 1 or more, and below the number of items");
        Require(scale.weights().empty() && scale.recodes().empty() && EqualRanges(scale), field,
                "a mean across items of unequal range, weighted or recoded ones is no answer");
        break;
      default:
        Require(false, field + ".method", "must be said");
    }
  }

  bool EqualRanges(const v1::Scale& scale) {
    std::set<std::pair<int, int>> ranges;
    for (const std::string& id : scale.items()) {
      if (const v1::Item* item = FindItem(definition_, id); item != nullptr) {
        ranges.insert({item->min(), item->max()});
      }
    }
    return ranges.size() <= 1;
  }

  void CheckBands(const v1::Scale& scale, const std::string& path) {
    std::set<std::string> ids;
    for (int s = 0; s < scale.band_sets_size(); ++s) {
      const v1::BandSet& set = scale.band_sets(s);
      const std::string field = At(path + ".band_sets", s);
      CheckId(set.id(), field + ".id", ids);
      CheckFact(set, field);
      CheckInformants(set.informants(), field + ".informants");
      Require(
          !set.has_min_months() || !set.has_max_months() || set.min_months() <= set.max_months(),
          field + ".max_months", "must not be below min_months");
      Require(set.bands_size() >= 2, field + ".bands", "at least two are needed");
      for (int b = 0; b < set.bands_size(); ++b) {
        const v1::Band& band = set.bands(b);
        const std::string place = At(field + ".bands", b);
        Require(!band.label().empty(), place + ".label", "must be set");
        if (b == 0) {
          Require(band.lower_bound() == scale.min(), place + ".lower_bound",
                  "the first band starts at the scale's minimum");
        } else {
          Require(band.lower_bound() > set.bands(b - 1).lower_bound() &&
                      band.lower_bound() <= scale.max(),
                  place + ".lower_bound", "must be above the band before it, and within the scale");
        }
      }
    }
  }

  void CheckCutOff(const v1::Scale& scale, const v1::CutOff& cut_off, const std::string& path) {
    Require(cut_off.value() >= scale.min() && cut_off.value() <= scale.max(), path + ".value",
            "must be within the scale");
    const bool upper = cut_off.clinical() == v1::COMPARATOR_EXCEEDS ||
                       cut_off.clinical() == v1::COMPARATOR_AT_LEAST;
    const bool lower =
        cut_off.clinical() == v1::COMPARATOR_BELOW || cut_off.clinical() == v1::COMPARATOR_AT_MOST;
    Require(upper || lower, path + ".clinical", "must be said");
    Require((!upper || scale.direction() == v1::DIRECTION_HIGHER_WORSE) &&
                (!lower || scale.direction() == v1::DIRECTION_HIGHER_BETTER),
            path + ".clinical", "must agree with the scale's direction");
  }

  void CheckPolicies(const v1::Scale& scale, const std::string& path) {
    std::set<std::string> ids;
    int defaults = 0;
    for (int i = 0; i < scale.change_policies_size(); ++i) {
      const v1::ChangePolicy& policy = scale.change_policies(i);
      const std::string field = At(path + ".change_policies", i);
      CheckId(policy.id(), field + ".id", ids);
      CheckFact(policy, field);
      defaults += policy.is_default() ? 1 : 0;
      Require(!policy.is_default() || defaults == 1, field + ".is_default",
              "another policy is the default");
      Require(!policy.is_default() || policy.confidence() != type::v1::CONFIDENCE_LOW,
              field + ".is_default", "a default must not be of low confidence");
      Require(policy.comparator() == v1::COMPARATOR_EXCEEDS ||
                  policy.comparator() == v1::COMPARATOR_AT_LEAST,
              field + ".comparator", "must be EXCEEDS or AT_LEAST");
      Require(Contains(std::set<int>{0, 90, 95}, policy.confidence_level()),
              field + ".confidence_level", "must be 90, 95 or 0");
      Require(!policy.has_threshold() ||
                  (policy.threshold() > 0 && policy.threshold() <= scale.max() - scale.min()),
              field + ".threshold", "must be above 0 and within the scale");
      Require(policy.has_threshold() || (policy.has_inputs() && policy.confidence_level() != 0),
              field + ".threshold",
              "is missing, with no inputs and confidence level to compute it");
      Require(!policy.has_cut_off() || policy.cut_off_method() == v1::CUT_OFF_METHOD_UNSPECIFIED,
              field + ".cut_off_method", "the cut-off is given already");
      if (policy.has_cut_off()) {
        CheckCutOff(scale, policy.cut_off(), field + ".cut_off");
        CheckFact(policy.cut_off(), field + ".cut_off");
      }
      if (policy.has_inputs()) {
        const v1::ChangeInputs& inputs = policy.inputs();
        Require(inputs.sd() > 0, field + ".inputs.sd", "must be above 0");
        Require(inputs.reliability() > 0 && inputs.reliability() < 1, field + ".inputs.reliability",
                "must be between 0 and 1");
        Require(!inputs.source().empty(), field + ".inputs.source", "must be named");
      }
      Require(HasCutOffInputs(policy), field + ".inputs", "lacks figures for the cut-off");
      Require(scale.direction() != v1::DIRECTION_NON_MONOTONE, field,
              "a scale on which higher is neither better nor worse has no verdict");
      Require(!definition_.not_an_outcome(), field, "the instrument is not an outcome");
    }
  }

  static bool HasCutOffInputs(const v1::ChangePolicy& policy) {
    const v1::ChangeInputs& inputs = policy.inputs();
    const bool clinical = inputs.has_mean_clinical() && inputs.has_sd_clinical();
    const bool norm = inputs.has_mean_norm() && inputs.has_sd_norm();
    switch (policy.cut_off_method()) {
      case v1::CUT_OFF_METHOD_A:
        return clinical;
      case v1::CUT_OFF_METHOD_B:
        return norm;
      case v1::CUT_OFF_METHOD_C:
        return clinical && norm && inputs.sd_clinical() + inputs.sd_norm() > 0;
      default:
        return true;
    }
  }

  void CheckEveryItemIsUsed() {
    for (int i = 0; i < definition_.items_size(); ++i) {
      const v1::Item& item = definition_.items(i);
      const bool on_scale = absl::c_any_of(definition_.scales(), [&](const v1::Scale& scale) {
        return Contains(scale.items(), item.id());
      });
      Require(on_scale != item.unscored(), At("items", i),
              on_scale ? "is marked unscored, but is on a scale"
                       : "is on no scale, and not marked unscored");
    }
  }

  void CheckDiagnosticRules() {
    std::set<std::string> ids;
    bool reported = false;
    for (int i = 0; i < definition_.diagnostic_rules_size(); ++i) {
      const v1::DiagnosticRule& rule = definition_.diagnostic_rules(i);
      const std::string path = At("diagnostic_rules", i);
      const std::set<std::string> earlier = ids;
      CheckId(rule.id(), path + ".id", ids);
      CheckFact(rule, path);
      reported = reported || rule.reported();
      const bool combines = !rule.all_of().empty() || !rule.none_of().empty();
      Require(rule.has_count() != combines, path, "must be either a count or a combination");
      for (const auto& [list, field] :
           {std::pair{&rule.all_of(), ".all_of"}, std::pair{&rule.none_of(), ".none_of"}}) {
        for (int r = 0; r < list->size(); ++r) {
          Require(earlier.count(list->Get(r)) > 0, At(path + field, r),
                  "no rule of this id stands before this one");
        }
      }
      if (rule.has_count()) {
        CheckCount(rule.count(), path + ".count");
      }
    }
    Require(reported || definition_.diagnostic_rules().empty(), "diagnostic_rules",
            "none is reported");
  }

  void CheckCount(const v1::CountCondition& count, const std::string& path) {
    std::set<std::string> items;
    CheckItemList(count.items(), path + ".items", items);
    Require(count.min_count() >= 1 && count.min_count() <= count.items_size(), path + ".min_count",
            "must be from 1 to the number of items");
    Require(!count.has_max_count() || count.max_count() >= count.min_count(), path + ".max_count",
            "must not be below min_count");
    for (int i = 0; i < count.items_size(); ++i) {
      const v1::Item* item = FindItem(definition_, count.items(i));
      Require(item == nullptr || InRange(*item, count.at_least()), path + ".at_least",
              absl::StrCat("is out of the range of item ", count.items(i)));
    }
    for (int i = 0; i < count.exceptions_size(); ++i) {
      const v1::ItemBound& bound = count.exceptions(i);
      const v1::Item* item = FindItem(definition_, bound.item());
      Require(Contains(count.items(), bound.item()), At(path + ".exceptions", i) + ".item",
              "is not counted");
      Require(item == nullptr || InRange(*item, bound.at_least()),
              At(path + ".exceptions", i) + ".at_least", "is out of the item's range");
    }
  }

  void CheckRiskItems() {
    std::set<std::string> items;
    for (int i = 0; i < definition_.risk_items_size(); ++i) {
      const v1::RiskItem& risk = definition_.risk_items(i);
      const std::string path = At("risk_items", i);
      const v1::Item* item = FindItem(definition_, risk.item());
      Require(item != nullptr, path + ".item", "the instrument has no such item");
      Require(items.insert(risk.item()).second, path + ".item", "is named twice");
      Require(!risk.kind().empty(), path + ".kind", "must be set");
      CheckFact(risk, path);
      Require(!risk.steps().empty(), path + ".steps", "at least one is needed");
      for (int s = 0; s < risk.steps_size(); ++s) {
        const v1::RiskStep& step = risk.steps(s);
        const std::string field = At(path + ".steps", s);
        Require(step.level() != v1::RISK_LEVEL_UNSPECIFIED, field + ".level", "must be said");
        Require(
            item == nullptr || (step.at_least() > item->min() && step.at_least() <= item->max()),
            field + ".at_least", "must be above the item's minimum and within its range");
        Require(s == 0 || (step.at_least() > risk.steps(s - 1).at_least() &&
                           step.level() > risk.steps(s - 1).level()),
                field, "must be above the step before it");
      }
    }
  }

  const v1::InstrumentDefinition& definition_;
  std::vector<FieldViolation> violations_;
  std::set<std::string> scale_ids_;
  std::set<int> axes_;
};

// The line (from 1) where the field of `path` ("scales[0].items[2]") stands, or the nearest field
// around it that the file sets; 1 if none is.
int LineOf(absl::string_view path, TextFormat::ParseInfoTree* tree) {
  const google::protobuf::Descriptor* message = v1::InstrumentDefinition::descriptor();
  int line = 1;
  for (const std::string& step : std::vector<std::string>(absl::StrSplit(path, '.'))) {
    const std::vector<std::string> name = absl::StrSplit(step, absl::ByAnyChar("[]"));
    const FieldDescriptor* field = message->FindFieldByName(name[0]);
    int index = 0;
    if (field == nullptr || (name.size() > 1 && !absl::SimpleAtoi(name[1], &index))) {
      return line;
    }
    // Repeated fields are numbered in the tree, single ones are not.
    const int position = field->is_repeated() ? index : -1;
    const TextFormat::ParseLocation location = tree->GetLocation(field, position);
    if (location.line < 0) {
      return line;
    }
    line = location.line + 1;
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      return line;
    }
    tree = tree->GetTreeForNested(field, position);
    message = field->message_type();
    if (tree == nullptr) {
      return line;
    }
  }
  return line;
}

}  // namespace

std::vector<FieldViolation> CheckDefinition(const v1::InstrumentDefinition& definition) {
  return Checker(definition).Run();
}

absl::StatusOr<v1::InstrumentDefinition> ParseDefinition(absl::string_view file,
                                                         absl::string_view text,
                                                         const DefinitionCheck& check) {
  v1::InstrumentDefinition definition;
  TextErrors errors(file);
  TextFormat::ParseInfoTree tree;
  TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  parser.WriteLocationsTo(&tree);
  google::protobuf::io::ArrayInputStream input(text.data(), static_cast<int>(text.size()));
  if (!parser.Parse(&input, &definition)) {
    return InvalidFields(errors.violations(), Reason::kDefinitionInvalid);
  }
  std::vector<FieldViolation> violations = check(definition);
  for (FieldViolation& violation : violations) {
    violation.description = absl::StrCat(violation.field, " ", violation.description);
    violation.field = absl::StrCat(file, ":", LineOf(violation.field, &tree));
  }
  SB_RETURN_IF_ERROR(InvalidFields(violations, Reason::kDefinitionInvalid));
  return definition;
}

const v1::Item* FindItem(const v1::InstrumentDefinition& definition, absl::string_view id) {
  for (const v1::Item& item : definition.items()) {
    if (item.id() == id) {
      return &item;
    }
  }
  return nullptr;
}

const v1::Scale* FindScale(const v1::InstrumentDefinition& definition, absl::string_view id) {
  for (const v1::Scale& scale : definition.scales()) {
    if (scale.id() == id) {
      return &scale;
    }
  }
  return nullptr;
}

absl::StatusOr<Catalogue> Catalogue::FromFiles(const std::vector<EmbeddedFile>& files) {
  Catalogue catalogue;
  for (const EmbeddedFile& file : files) {
    SB_ASSIGN_OR_RETURN(v1::InstrumentDefinition definition,
                        ParseDefinition(file.name, file.contents));
    if (absl::StartsWith(definition.id(), kOwnPrefix)) {
      return InvalidFields(
          {{std::string(file.name),
            absl::StrCat("ids that begin with ", kOwnPrefix, " are those of practices")}},
          Reason::kDefinitionInvalid);
    }
    std::map<int, v1::InstrumentDefinition>& versions = catalogue.definitions_[definition.id()];
    const int version = definition.version();
    if (!versions.emplace(version, std::move(definition)).second) {
      return InvalidFields({{std::string(file.name), "another file defines this version already"}},
                           Reason::kDefinitionInvalid);
    }
  }
  return catalogue;
}

const v1::InstrumentDefinition* Catalogue::Find(absl::string_view id) const {
  const auto found = definitions_.find(std::string(id));
  return found == definitions_.end() ? nullptr : &found->second.rbegin()->second;
}

const v1::InstrumentDefinition* Catalogue::Find(absl::string_view id, int version) const {
  const auto found = definitions_.find(std::string(id));
  if (found == definitions_.end()) {
    return nullptr;
  }
  const auto at = found->second.find(version);
  return at == found->second.end() ? nullptr : &at->second;
}

std::vector<const v1::InstrumentDefinition*> Catalogue::Versions(absl::string_view id) const {
  std::vector<const v1::InstrumentDefinition*> versions;
  const auto found = definitions_.find(std::string(id));
  if (found != definitions_.end()) {
    for (const auto& [number, definition] : found->second) {
      versions.push_back(&definition);
    }
  }
  return versions;
}

std::vector<const v1::InstrumentDefinition*> Catalogue::Newest() const {
  std::vector<const v1::InstrumentDefinition*> newest;
  for (const auto& [id, versions] : definitions_) {
    newest.push_back(&versions.rbegin()->second);
  }
  return newest;
}

absl::StatusOr<Catalogue> BuiltInCatalogue() { return Catalogue::FromFiles(InstrumentFiles()); }

}  // namespace securebase::outcomes
