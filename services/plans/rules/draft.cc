#include "services/plans/rules/draft.h"

#include <algorithm>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "services/platform/base/error.h"
#include "services/platform/base/resource_name.h"
#include "services/platform/base/status_macros.h"

namespace securebase::plans::rules {
namespace {

bool AnswersAboutThemself(const Member& member) {
  return !member.left && !member.minor &&
         (member.role == MemberRole::kClient || member.role == MemberRole::kPartner);
}

bool IsCaregiver(const Member& member) {
  return !member.left && !member.minor && member.role == MemberRole::kCaregiver;
}

bool IsChild(const Member& member) {
  return !member.left && (member.role == MemberRole::kChild ||
                          (member.role == MemberRole::kClient && member.minor));
}

bool Applies(const v1::SuggestionRule& rule, const v1::Score& score, v1::Population population) {
  if (rule.instrument() != score.instrument() || rule.scale() != score.scale()) {
    return false;
  }
  if (!rule.populations().empty() &&
      std::count(rule.populations().begin(), rule.populations().end(), population) == 0) {
    return false;
  }
  return (rule.has_at_least() && score.value() >= rule.at_least()) ||
         (rule.has_at_most() && score.value() <= rule.at_most()) ||
         (rule.has_below() && score.value() < rule.below());
}

// Puts suggestions into a content, each once.
class Drafter {
 public:
  Drafter(const Episode& episode, const v1::DraftBasis& basis, v1::PlanContent& content)
      : episode_(episode), content_(content) {
    practice_ = absl::StrCat("practices/", PracticeOf(episode.name), "/");
    preferred_.insert(basis.preferred_instruments().begin(), basis.preferred_instruments().end());
  }

  void AddGoal(const std::string& theme, const std::string& problem, const std::string& rationale,
               const std::string& rule) {
    for (const v1::PlannedGoal& goal : content_.goals()) {
      if (goal.theme() == theme) {
        return;
      }
    }
    v1::PlannedGoal* goal = content_.add_goals();
    goal->set_id(absl::StrCat("g", content_.goals_size()));
    goal->set_theme(theme);
    goal->set_problem(problem);
    goal->set_rationale(rationale);
    goal->set_rule(rule);
  }

  void AddTechnique(const std::string& code, const std::string& rationale,
                    const std::string& rule) {
    const std::string name = absl::StrCat(practice_, "techniques/", code);
    for (const v1::PlannedTechnique& technique : content_.techniques()) {
      if (technique.technique() == name) {
        return;
      }
    }
    v1::PlannedTechnique* technique = content_.add_techniques();
    technique->set_technique(name);
    technique->set_rationale(rationale);
    technique->set_rule(rule);
  }

  // `about`: only of these participants.
  void AddMeasure(const v1::LibraryMeasure& proposed, const std::set<std::string>& about,
                  const std::string& rationale, const std::string& rule) {
    const std::string id = ChooseInstrument(proposed);
    if (id.empty()) {
      return;
    }
    const std::string instrument = absl::StrCat(practice_, "instruments/", id);
    switch (proposed.respondent()) {
      case v1::RESPONDENT_SELF:
        AddSelfMeasures(proposed, instrument, AnswersAboutThemself, about, rationale, rule);
        break;
      case v1::RESPONDENT_CAREGIVER:
        AddSelfMeasures(proposed, instrument, IsCaregiver, about, rationale, rule);
        break;
      case v1::RESPONDENT_CAREGIVER_ABOUT_CHILD:
        AddChildMeasures(proposed, instrument, about, rationale, rule);
        break;
      default:
        break;
    }
  }

 private:
  // The practice's choice among those that serve alike; else the first. Empty: none may be used.
  std::string ChooseInstrument(const v1::LibraryMeasure& proposed) const {
    for (const std::string& id : proposed.instruments()) {
      if (preferred_.count(id) > 0) {
        return id;
      }
    }
    return proposed.permission_needed() ? "" : proposed.instruments(0);
  }

  void AddSelfMeasures(const v1::LibraryMeasure& proposed, const std::string& instrument,
                       bool (*answers)(const Member&), const std::set<std::string>& about,
                       const std::string& rationale, const std::string& rule) {
    for (const Member& member : episode_.members) {
      if (answers(member) && about.count(member.id) > 0) {
        Add(proposed, instrument, member.id, {member.id}, rationale, rule);
      }
    }
  }

  void AddChildMeasures(const v1::LibraryMeasure& proposed, const std::string& instrument,
                        const std::set<std::string>& about, const std::string& rationale,
                        const std::string& rule) {
    std::vector<std::string> caregivers;
    for (const Member& member : episode_.members) {
      if (IsCaregiver(member)) {
        caregivers.push_back(member.id);
      }
    }
    for (const Member& member : episode_.members) {
      if (IsChild(member) && about.count(member.id) > 0 && !caregivers.empty()) {
        Add(proposed, instrument, member.id, caregivers, rationale, rule);
      }
    }
  }

  void Add(const v1::LibraryMeasure& proposed, const std::string& instrument,
           const std::string& subject, const std::vector<std::string>& informants,
           const std::string& rationale, const std::string& rule) {
    for (v1::PlannedMeasure& measure : *content_.mutable_measures()) {
      if (measure.instrument() == instrument && measure.subject() == subject &&
          measure.relationship_target() == proposed.relationship_target()) {
        measure.set_cadence_weeks(std::min(measure.cadence_weeks(), proposed.cadence_weeks()));
        return;
      }
    }
    v1::PlannedMeasure* measure = content_.add_measures();
    measure->set_id(absl::StrCat("m", content_.measures_size()));
    measure->set_instrument(instrument);
    measure->set_subject(subject);
    *measure->mutable_informants() = {informants.begin(), informants.end()};
    measure->set_cadence_weeks(proposed.cadence_weeks());
    measure->set_relationship_target(proposed.relationship_target());
    measure->set_rationale(rationale);
    measure->set_rule(rule);
  }

  const Episode& episode_;
  v1::PlanContent& content_;
  std::string practice_;
  std::set<std::string> preferred_;
};

// "caregiver-child" for POPULATION_CAREGIVER_CHILD.
std::string PopulationWord(v1::Population population) {
  std::string word =
      absl::AsciiStrToLower(v1::Population_Name(population).substr(sizeof("POPULATION_") - 1));
  return absl::StrReplaceAll(word, {{"_", "-"}});
}

}  // namespace

absl::StatusOr<v1::PlanContent> DraftContent(const PlanLibrary& library, const Episode& episode,
                                             const v1::DraftBasis& basis,
                                             absl::string_view prefix) {
  const std::string path = prefix.empty() ? "" : absl::StrCat(prefix, ".");
  v1::PlanContent content;
  content.set_population(basis.population() != v1::POPULATION_UNSPECIFIED ? basis.population()
                                                                          : episode.population);
  if (basis.problems().empty()) {
    *content.mutable_problems() = {episode.problems.begin(), episode.problems.end()};
  } else {
    *content.mutable_problems() = basis.problems();
  }
  std::vector<FieldViolation> violations;
  std::vector<const v1::LibraryEntry*> entries;
  if (content.population() == v1::POPULATION_UNSPECIFIED) {
    violations.push_back({absl::StrCat(path, "population"),
                          "must be set: the kind of the episode does not say for whom"});
  } else if (content.problems().empty()) {
    violations.push_back(
        {absl::StrCat(path, "problems"), "must name a problem: the episode has none"});
  } else {
    for (int i = 0; i < content.problems_size(); ++i) {
      entries.push_back(library.FindEntry(content.problems(i), content.population()));
      if (entries.back() == nullptr) {
        violations.push_back(
            {absl::StrCat(path, "problems[", i, "]"),
             "must be a problem for which the library has an entry in this population; see "
             "GetLibrary"});
      }
    }
  }
  for (int i = 0; i < basis.scores_size(); ++i) {
    if (FindMember(episode, basis.scores(i).participant()) == nullptr) {
      violations.push_back({absl::StrCat(path, "scores[", i, "].participant"),
                            "must be a participant of the episode"});
    }
  }
  SB_RETURN_IF_ERROR(InvalidFields(violations));

  const std::vector<std::string> subjects = DefaultSubjects(episode);
  *content.mutable_subjects() = {subjects.begin(), subjects.end()};
  Drafter drafter(episode, basis, content);
  std::set<std::string> everybody;
  for (const Member& member : episode.members) {
    everybody.insert(member.id);
  }
  for (const v1::LibraryEntry* entry : entries) {
    const std::string reason =
        absl::StrCat("The plan library proposes it for \"", entry->title(), "\", population ",
                     PopulationWord(entry->population()), ". ", entry->source());
    for (const std::string& theme : entry->goal_themes()) {
      drafter.AddGoal(theme, entry->problem(), reason, entry->id());
    }
    for (const std::string& code : entry->techniques()) {
      drafter.AddTechnique(code, reason, entry->id());
    }
    for (const v1::LibraryMeasure& measure : entry->measures()) {
      drafter.AddMeasure(measure, everybody, reason, entry->id());
    }
  }
  for (const v1::SuggestionRule& rule : library.data().rules()) {
    std::set<std::string> scorers;
    for (const v1::Score& score : basis.scores()) {
      if (Applies(rule, score, content.population())) {
        scorers.insert(score.participant());
      }
    }
    if (scorers.empty()) {
      continue;
    }
    const std::string reason = absl::StrCat(rule.reason(), ". ", rule.source());
    for (const std::string& code : rule.techniques()) {
      drafter.AddTechnique(code, reason, rule.id());
    }
    for (const v1::LibraryMeasure& measure : rule.measures()) {
      drafter.AddMeasure(measure, scorers, reason, rule.id());
    }
  }
  for (const v1::LibraryMeasure& measure : library.data().alliance_measures()) {
    drafter.AddMeasure(measure, everybody,
                       "The practice holds a measure of the therapeutic alliance that it may use",
                       "alliance");
  }
  return content;
}

}  // namespace securebase::plans::rules
