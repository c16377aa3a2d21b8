#include "services/plans/rules/content.h"

#include <set>

#include "absl/strings/str_cat.h"

namespace securebase::plans::rules {
namespace {

constexpr char kNoMember[] = "must be a participant of the episode";
constexpr char kTwice[] = "must occur only once";
constexpr char kNoTechnique[] = "must be a technique of the practice; see ListTechniques";

// Collects violations under one prefix.
class Checker {
 public:
  Checker(absl::string_view prefix, const Episode& episode)
      : prefix_(prefix.empty() ? "" : absl::StrCat(prefix, ".")), episode_(episode) {}

  void Add(absl::string_view field, absl::string_view description) {
    violations_.push_back({absl::StrCat(prefix_, field), std::string(description)});
  }
  void Member(absl::string_view field, const std::string& id) {
    if (FindMember(episode_, id) == nullptr) {
      Add(field, kNoMember);
    }
  }
  template <typename Ids>
  void Members(absl::string_view field, const Ids& ids) {
    for (int i = 0; i < ids.size(); ++i) {
      Member(absl::StrCat(field, "[", i, "]"), ids[i]);
    }
  }
  // Elements of a list, each with an id of its own; returns the ids.
  template <typename Elements, typename IdOf>
  std::set<std::string> Unique(absl::string_view field, absl::string_view id_field,
                               const Elements& elements, IdOf id_of) {
    std::set<std::string> ids;
    for (int i = 0; i < elements.size(); ++i) {
      if (!ids.insert(id_of(elements[i])).second) {
        Add(absl::StrCat(field, "[", i, "]", id_field), kTwice);
      }
    }
    return ids;
  }
  template <typename Ids>
  void References(absl::string_view field, const Ids& ids, const std::set<std::string>& known) {
    for (int i = 0; i < ids.size(); ++i) {
      if (known.count(ids[i]) == 0) {
        Add(absl::StrCat(field, "[", i, "]"), "must be the id of a goal of this plan");
      }
    }
  }

  std::vector<FieldViolation> Take() { return std::move(violations_); }

 private:
  const std::string prefix_;
  const Episode& episode_;
  std::vector<FieldViolation> violations_;
};

const std::string& Self(const std::string& id) { return id; }

}  // namespace

std::vector<FieldViolation> CheckContent(const v1::PlanContent& content, const Episode& episode,
                                         const TechniqueExists& exists, absl::string_view prefix) {
  Checker check(prefix, episode);
  const std::set<std::string> problems = check.Unique("problems", "", content.problems(), Self);
  check.Unique("subjects", "", content.subjects(), Self);
  check.Members("subjects", content.subjects());
  check.Unique("formulations", ".id", content.formulations(),
               [](const auto& formulation) { return formulation.id(); });
  for (int i = 0; i < content.formulations_size(); ++i) {
    check.Member(absl::StrCat("formulations[", i, "].participant"),
                 content.formulations(i).participant());
  }
  const std::set<std::string> goals =
      check.Unique("goals", ".id", content.goals(), [](const auto& goal) { return goal.id(); });
  for (int i = 0; i < content.goals_size(); ++i) {
    const std::string& problem = content.goals(i).problem();
    if (!problem.empty() && problems.count(problem) == 0) {
      check.Add(absl::StrCat("goals[", i, "].problem"), "must be one of the plan's problems");
    }
  }
  check.Unique("techniques", ".technique", content.techniques(),
               [](const auto& technique) { return technique.technique(); });
  for (int i = 0; i < content.techniques_size(); ++i) {
    const v1::PlannedTechnique& technique = content.techniques(i);
    const std::string field = absl::StrCat("techniques[", i, "]");
    if (!exists(technique.technique())) {
      check.Add(absl::StrCat(field, ".technique"), kNoTechnique);
    }
    check.References(absl::StrCat(field, ".goals"), technique.goals(), goals);
    check.Members(absl::StrCat(field, ".participants"), technique.participants());
  }
  check.Unique("measures", ".id", content.measures(),
               [](const auto& measure) { return measure.id(); });
  std::set<std::string> administrations;
  for (int i = 0; i < content.measures_size(); ++i) {
    const v1::PlannedMeasure& measure = content.measures(i);
    const std::string field = absl::StrCat("measures[", i, "]");
    check.Member(absl::StrCat(field, ".subject"), measure.subject());
    check.Members(absl::StrCat(field, ".informants"), measure.informants());
    check.References(absl::StrCat(field, ".goals"), measure.goals(), goals);
    for (int j = 0; j < measure.informants_size(); ++j) {
      // One schedule per informant: two for the same series would ask for the same answers twice.
      if (!administrations
               .insert(absl::StrCat(measure.instrument(), "|", measure.subject(), "|",
                                    measure.informants(j), "|", measure.relationship_target()))
               .second) {
        check.Add(absl::StrCat(field, ".informants[", j, "]"),
                  "must answer an instrument about the same subject and relationship only once");
      }
    }
  }
  return check.Take();
}

std::vector<std::string> DataSubjects(const v1::PlanContent& content) {
  std::set<std::string> ids(content.subjects().begin(), content.subjects().end());
  for (const v1::AttachmentFormulation& formulation : content.formulations()) {
    ids.insert(formulation.participant());
  }
  for (const v1::PlannedTechnique& technique : content.techniques()) {
    ids.insert(technique.participants().begin(), technique.participants().end());
  }
  for (const v1::PlannedMeasure& measure : content.measures()) {
    ids.insert(measure.subject());
    ids.insert(measure.informants().begin(), measure.informants().end());
  }
  return {ids.begin(), ids.end()};
}

std::vector<FieldViolation> CheckSession(const v1::Session& session, const Episode& episode,
                                         const TechniqueExists& exists, absl::string_view prefix) {
  Checker check(prefix, episode);
  check.Unique("participants", "", session.participants(), Self);
  check.Members("participants", session.participants());
  check.Unique("staff", "", session.staff(), Self);
  check.Unique("techniques", ".technique", session.techniques(),
               [](const auto& use) { return use.technique(); });
  int minutes = 0;
  for (int i = 0; i < session.techniques_size(); ++i) {
    if (!exists(session.techniques(i).technique())) {
      check.Add(absl::StrCat("techniques[", i, "].technique"), kNoTechnique);
    }
    minutes += session.techniques(i).minutes();
  }
  if (minutes > session.minutes()) {
    check.Add("techniques", "must not take more minutes together than the session");
  }
  return check.Take();
}

}  // namespace securebase::plans::rules
