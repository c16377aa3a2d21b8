#include "services/plans/rules/library.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"
#include "plans_rules_data.h"
#include "services/plans/rules/digest.h"
#include "services/platform/base/error.h"
#include "services/platform/base/resource_name.h"
#include "services/platform/base/status_macros.h"

namespace securebase::plans::rules {
namespace {

constexpr absl::string_view kTechniquePrefix = "techniques/";

absl::Status Invalid(absl::string_view where, absl::string_view what) {
  return MakeError(absl::StatusCode::kInvalidArgument, Reason::kDefinitionInvalid,
                   absl::StrCat(where, ": ", what));
}

// Keeps the first error of a file with its line.
class FirstError : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, google::protobuf::io::ColumnNumber column,
                const std::string& message) override {
    if (text_.empty()) {
      text_ = absl::StrCat(line + 1, ":", column + 1, ": ", message);
    }
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

absl::StatusOr<v1::Library> ParseFile(const EmbeddedFile& file) {
  google::protobuf::TextFormat::Parser parser;
  FirstError error;
  parser.RecordErrorsTo(&error);
  v1::Library library;
  if (!parser.ParseFromString(std::string(file.contents), &library)) {
    return MakeError(absl::StatusCode::kInvalidArgument, Reason::kDefinitionInvalid,
                     absl::StrCat(file.name, ":", error.text()));
  }
  return library;
}

// Checks what has ids and what refers to them.
class LibraryChecker {
 public:
  explicit LibraryChecker(const v1::Library& library) : library_(library) {}

  absl::Status Check() {
    for (const v1::Technique& technique : library_.techniques()) {
      SB_RETURN_IF_ERROR(CheckTechnique(technique));
    }
    for (const v1::LibraryEntry& entry : library_.entries()) {
      SB_RETURN_IF_ERROR(CheckEntry(entry));
    }
    for (const v1::LibraryMeasure& measure : library_.alliance_measures()) {
      SB_RETURN_IF_ERROR(CheckMeasure("alliance_measures", measure));
    }
    for (const v1::SuggestionRule& rule : library_.rules()) {
      SB_RETURN_IF_ERROR(CheckRule(rule));
    }
    for (const v1::GuardTerm& term : library_.guard_terms()) {
      SB_RETURN_IF_ERROR(CheckTerm(term));
    }
    for (const v1::Technique& technique : library_.techniques()) {
      SB_RETURN_IF_ERROR(CheckProblems(technique));
    }
    return absl::OkStatus();
  }

 private:
  absl::Status CheckTechnique(const v1::Technique& technique) {
    const std::string where = absl::StrCat("techniques[", technique.name(), "]");
    const std::string code = LastId(technique.name());
    if (technique.name() != absl::StrCat(kTechniquePrefix, code) || !IsValidId(code)) {
      return Invalid(where, "name must be \"techniques/<code>\"");
    }
    if (technique.title().empty() || technique.description().empty() ||
        technique.family() == v1::TECHNIQUE_FAMILY_UNSPECIFIED || technique.populations().empty()) {
      return Invalid(where, "title, description, family and populations must be set");
    }
    return Unique(codes_, where, code);
  }

  absl::Status CheckEntry(const v1::LibraryEntry& entry) {
    const std::string where = absl::StrCat("entries[", entry.id(), "]");
    if (!IsValidId(entry.problem()) || entry.title().empty() || entry.source().empty() ||
        entry.population() == v1::POPULATION_UNSPECIFIED || entry.goal_themes().empty() ||
        entry.techniques().empty() || entry.measures().empty()) {
      return Invalid(where,
                     "problem, title, population, goal_themes, techniques, measures and source "
                     "must be set");
    }
    problems_.insert(entry.problem());
    SB_RETURN_IF_ERROR(Unique(entry_ids_, where, entry.id()));
    SB_RETURN_IF_ERROR(
        Unique(entry_keys_, where, absl::StrCat(entry.problem(), "/", entry.population())));
    return CheckProposal(where, entry.techniques(), entry.measures());
  }

  absl::Status CheckRule(const v1::SuggestionRule& rule) {
    const std::string where = absl::StrCat("rules[", rule.id(), "]");
    const int thresholds = rule.has_at_least() + rule.has_at_most() + rule.has_below();
    if (!IsValidId(rule.id()) || rule.instrument().empty() || rule.scale().empty() ||
        rule.reason().empty() || rule.source().empty() || thresholds != 1) {
      return Invalid(where,
                     "id, instrument, scale, reason, source and one of at_least, at_most and "
                     "below must be set");
    }
    SB_RETURN_IF_ERROR(Unique(rule_ids_, where, rule.id()));
    return CheckProposal(where, rule.techniques(), rule.measures());
  }

  absl::Status CheckTerm(const v1::GuardTerm& term) {
    const std::string where = absl::StrCat("guard_terms[", term.id(), "]");
    if (!IsValidId(term.id()) || term.coercive_practice() == v1::COERCIVE_PRACTICE_UNSPECIFIED ||
        term.phrases().empty() || term.reference().empty()) {
      return Invalid(where, "id, practice, phrases and reference must be set");
    }
    return Unique(term_ids_, where, term.id());
  }

  absl::Status CheckProblems(const v1::Technique& technique) {
    for (const std::string& problem : technique.problems()) {
      if (problems_.count(problem) == 0) {
        return Invalid(absl::StrCat("techniques[", technique.name(), "]"),
                       absl::StrCat("no entry has the problem \"", problem, "\""));
      }
    }
    return absl::OkStatus();
  }

  template <typename Codes, typename Measures>
  absl::Status CheckProposal(const std::string& where, const Codes& codes,
                             const Measures& measures) {
    for (const std::string& code : codes) {
      if (codes_.count(code) == 0) {
        return Invalid(where, absl::StrCat("there is no technique \"", code, "\""));
      }
    }
    for (const v1::LibraryMeasure& measure : measures) {
      SB_RETURN_IF_ERROR(CheckMeasure(where, measure));
    }
    return absl::OkStatus();
  }

  static absl::Status CheckMeasure(absl::string_view where, const v1::LibraryMeasure& measure) {
    if (measure.instruments().empty() || measure.cadence_weeks() < 1 ||
        measure.cadence_weeks() > 104 || measure.respondent() == v1::RESPONDENT_UNSPECIFIED) {
      return Invalid(where,
                     "each measure needs instruments, cadence_weeks from 1 to 104 and respondent");
    }
    return absl::OkStatus();
  }

  static absl::Status Unique(std::set<std::string>& seen, absl::string_view where,
                             const std::string& id) {
    return seen.insert(id).second ? absl::OkStatus()
                                  : Invalid(where, absl::StrCat("\"", id, "\" occurs twice"));
  }

  const v1::Library& library_;
  std::set<std::string> codes_;
  std::set<std::string> problems_;
  std::set<std::string> entry_ids_;
  std::set<std::string> entry_keys_;
  std::set<std::string> rule_ids_;
  std::set<std::string> term_ids_;
};

}  // namespace

absl::StatusOr<PlanLibrary> PlanLibrary::Load(const std::vector<EmbeddedFile>& files) {
  v1::Library data;
  std::string all_bytes;
  for (const EmbeddedFile& file : files) {
    SB_ASSIGN_OR_RETURN(const v1::Library part, ParseFile(file));
    data.MergeFrom(part);
    absl::StrAppend(&all_bytes, file.name, "\n", file.contents, "\n");
  }
  SB_RETURN_IF_ERROR(LibraryChecker(data).Check());
  data.set_version(Sha256Hex(all_bytes));
  for (v1::Technique& technique : *data.mutable_techniques()) {
    technique.set_built_in(true);
  }
  auto guard = Guard::Make({data.guard_terms().begin(), data.guard_terms().end()});
  if (!guard.ok()) {
    const std::vector<FieldViolation> violations = ViolationsOf(guard.status());
    return Invalid(violations[0].field, violations[0].description);
  }
  for (const v1::Technique& technique : data.techniques()) {
    const std::string where = absl::StrCat("techniques[", technique.name(), "]");
    if (!guard->CheckTechnique(LastId(technique.name()), technique.title()).ok()) {
      return Invalid(where, "the guard refuses its code or title");
    }
    if (!guard->Find(technique.description()).empty()) {
      return Invalid(where, "the guard finds a coercive practice in its description");
    }
  }
  return PlanLibrary(std::move(data), *std::move(guard));
}

absl::StatusOr<PlanLibrary> PlanLibrary::LoadBuiltIn() { return Load(PlanLibraryFiles()); }

const v1::Technique* PlanLibrary::FindTechnique(absl::string_view code) const {
  for (const v1::Technique& technique : data_.techniques()) {
    if (absl::string_view(technique.name()).substr(kTechniquePrefix.size()) == code) {
      return &technique;
    }
  }
  return nullptr;
}

const v1::LibraryEntry* PlanLibrary::FindEntry(absl::string_view problem,
                                               v1::Population population) const {
  for (const v1::LibraryEntry& entry : data_.entries()) {
    if (entry.problem() == problem && entry.population() == population) {
      return &entry;
    }
  }
  return nullptr;
}

std::vector<v1::Requirement> PlanLibrary::RequirementsFor(v1::Population population) const {
  std::set<v1::Requirement> requirements;
  for (const v1::LibraryEntry& entry : data_.entries()) {
    if (entry.population() == population) {
      for (const int requirement : entry.requirements()) {
        requirements.insert(static_cast<v1::Requirement>(requirement));
      }
    }
  }
  return {requirements.begin(), requirements.end()};
}

}  // namespace securebase::plans::rules
