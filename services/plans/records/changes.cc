#include "services/plans/records/changes.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "services/plans/rules/content.h"
#include "services/plans/rules/digest.h"
#include "services/plans/rules/guard.h"
#include "services/plans/rules/schedules.h"
#include "services/platform/api/acting_for.h"
#include "services/platform/api/actor.h"
#include "services/platform/api/timestamp.h"
#include "services/platform/base/error.h"
#include "services/platform/base/resource_name.h"
#include "services/platform/base/status_macros.h"

namespace securebase::plans {
namespace {

constexpr int kMaxRevisions = 500;
constexpr int kMaxScreenings = 200;

std::vector<std::string> TechniqueNames(const v1::PlanContent& content) {
  std::vector<std::string> names;
  for (const v1::PlannedTechnique& technique : content.techniques()) {
    names.push_back(technique.technique());
  }
  return names;
}

// Texts of the practice's own techniques are part of what a plan says.
std::vector<rules::ForeignText> OwnTexts(const std::map<std::string, v1::Technique>& techniques) {
  std::vector<rules::ForeignText> texts;
  for (const auto& [name, technique] : techniques) {
    if (!technique.built_in()) {
      texts.push_back({name, technique.description()});
    }
  }
  return texts;
}

absl::StatusOr<stored::PlanScreenings> FindScreenings(records::Write& write, const v1::Plan& plan) {
  const std::string name = PlanScreeningsName(plan.name());
  SB_ASSIGN_OR_RETURN(auto screenings, write.Find(PlanScreeningsKind(), name));
  if (!screenings.has_value()) {
    screenings.emplace();
    screenings->set_name(name);
    screenings->set_episode(plan.episode());
  }
  return *std::move(screenings);
}

}  // namespace

absl::StatusOr<v1::Revision> WithContent(v1::Revision revision) {
  SB_ASSIGN_OR_RETURN(v1::RevisionStatement statement, StatementOf(revision));
  *revision.mutable_content() = std::move(*statement.mutable_content());
  return revision;
}

v1::Technique ForPractice(const v1::Technique& built_in, absl::string_view practice) {
  v1::Technique technique = built_in;
  technique.set_name(absl::StrCat("practices/", practice, "/", built_in.name()));
  return technique;
}

absl::StatusOr<std::map<std::string, v1::Technique>> FindTechniques(
    const records::Reader& reader, const rules::PlanLibrary& library,
    const std::vector<std::string>& names) {
  std::map<std::string, v1::Technique> techniques;
  for (const std::string& name : names) {
    SB_RETURN_IF_ERROR(library.guard().CheckTechnique(LastId(name), ""));
    if (const v1::Technique* built_in = library.FindTechnique(LastId(name)); built_in != nullptr) {
      techniques[name] = ForPractice(*built_in, reader.call().practice());
      continue;
    }
    SB_ASSIGN_OR_RETURN(auto own, reader.Find(TechniqueKind(), name));
    if (own.has_value()) {
      techniques[name] = *std::move(own);
    }
  }
  return techniques;
}

absl::StatusOr<v1::Revision> AddRevision(records::Write& write, const rules::PlanLibrary& library,
                                         const rules::Episode& episode, v1::PlanContent content,
                                         absl::string_view change_reason, absl::string_view field,
                                         v1::Plan& plan) {
  if (plan.revision_count() >= kMaxRevisions) {
    return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kLimitExceeded,
                     absl::StrCat("a plan has ", kMaxRevisions,
                                  " revisions at most; complete it and create another"));
  }
  if (content.subjects().empty()) {
    const std::vector<std::string> subjects = rules::DefaultSubjects(episode);
    *content.mutable_subjects() = {subjects.begin(), subjects.end()};
  }
  SB_ASSIGN_OR_RETURN(const auto techniques,
                      FindTechniques(write, library, TechniqueNames(content)));
  SB_RETURN_IF_ERROR(InvalidFields(rules::CheckContent(
      content, episode,
      [&](absl::string_view name) { return techniques.count(std::string(name)) > 0; }, field)));

  std::optional<v1::Revision> previous;
  std::optional<rules::PreviousRevision> previous_texts;
  if (plan.revision_count() > 0) {
    SB_ASSIGN_OR_RETURN(previous, LatestRevision(write, plan));
    previous_texts = rules::PreviousRevision{
        &previous->content(), {previous->warnings().begin(), previous->warnings().end()}};
  }
  v1::Revision revision;
  revision.set_number(plan.revision_count() + 1);
  revision.set_name(RevisionName(plan.name(), revision.number()));
  revision.set_episode(plan.episode());
  *revision.mutable_author() = api::ActorOf(write.call());
  revision.set_change_reason(std::string(change_reason));
  for (v1::GuardWarning& warning :
       rules::FindWarnings(library.guard(), content, OwnTexts(techniques), previous_texts)) {
    *revision.add_warnings() = std::move(warning);
  }
  v1::RevisionStatement statement;
  statement.set_revision(revision.name());
  statement.set_episode(plan.episode());
  *statement.mutable_content() = content;
  revision.set_signed_bytes(rules::DeterministicBytes(statement));
  revision.set_digest(rules::Sha256Hex(revision.signed_bytes()));

  // Its number is the next one of the plan that was read, so the plan is older than what is stored.
  SB_ASSIGN_OR_RETURN(const auto existing, write.Find(RevisionKind(), revision.name()));
  if (existing.has_value()) {
    return MakeError(absl::StatusCode::kAborted, Reason::kConflict,
                     "the plan was revised meanwhile; read it again and repeat the call");
  }
  plan.set_revision_count(revision.number());
  plan.set_latest_revision(revision.name());
  *plan.mutable_content() = std::move(content);
  SB_ASSIGN_OR_RETURN(revision, write.Create(RevisionKind(), std::move(revision)));
  return WithContent(std::move(revision));
}

absl::StatusOr<v1::Revision> LatestRevision(const records::Reader& reader, const v1::Plan& plan) {
  SB_ASSIGN_OR_RETURN(auto revision, reader.Find(RevisionKind(), plan.latest_revision()));
  if (!revision.has_value()) {
    return Internal("a plan's latest revision must exist");
  }
  return WithContent(*std::move(revision));
}

absl::StatusOr<v1::Screening> AddScreening(records::Write& write, const v1::Plan& plan,
                                           v1::Screening screening) {
  SB_ASSIGN_OR_RETURN(stored::PlanScreenings screenings, FindScreenings(write, plan));
  screenings.set_count(screenings.count() + 1);
  SB_RETURN_IF_ERROR(write.Save(PlanScreeningsKind(), std::move(screenings)).status());
  return write.Create(ScreeningKind(), std::move(screening));
}

absl::StatusOr<std::vector<v1::Screening>> NewestScreenings(records::Write& write,
                                                            const v1::Plan& plan) {
  // Before they are scanned: one that comes after this read changes what was read.
  SB_RETURN_IF_ERROR(FindScreenings(write, plan).status());
  records::Query query = ScreeningsOfPlan(plan.name());
  query.reverse = true;
  return write.FindAll(ScreeningKind(), query, kMaxScreenings);
}

absl::Status WantSchedules(records::Write& write, const v1::Plan& plan,
                           const v1::PlanContent* content) {
  SB_ASSIGN_OR_RETURN(auto found, write.Find(ScheduleWorkKind(), ScheduleWorkName(plan.name())));
  if (!found.has_value() && content == nullptr) {
    return absl::OkStatus();
  }
  stored::ScheduleWork work = found.value_or(stored::ScheduleWork());
  work.set_name(ScheduleWorkName(plan.name()));
  work.set_plan(plan.name());
  work.set_episode(plan.episode());
  work.set_generation(work.generation() + 1);
  work.set_attempts(0);
  *work.mutable_acting_for() = api::ToActingFor(write.call().principal);

  const std::vector<v1::PlanSchedule> schedules = rules::Reconcile(
      {work.schedules().begin(), work.schedules().end()},
      content == nullptr ? std::vector<v1::PlanSchedule>()
                         : rules::WantedSchedules(plan.name(), *content, work.generation()));
  *work.mutable_schedules() = {schedules.begin(), schedules.end()};
  // Those of an earlier revision that are still to be ended may be somebody else's.
  const std::vector<std::string> concerned = rules::DataSubjects(plan.content());
  std::set<std::string> subjects(concerned.begin(), concerned.end());
  for (const v1::PlanSchedule& schedule : schedules) {
    subjects.insert({schedule.subject(), schedule.informant()});
  }
  *work.mutable_subjects() = {subjects.begin(), subjects.end()};
  if (rules::AnyPending(schedules)) {
    *work.mutable_next_attempt_time() = api::ToProto(write.now());
  } else {
    work.clear_next_attempt_time();
  }
  return write.Save(ScheduleWorkKind(), std::move(work)).status();
}

absl::Status FillSchedules(const records::Reader& reader, v1::Plan& plan) {
  SB_ASSIGN_OR_RETURN(auto work, reader.Find(ScheduleWorkKind(), ScheduleWorkName(plan.name())));
  if (work.has_value()) {
    for (const v1::PlanSchedule& schedule : work->schedules()) {
      if (reader.MaySee({LastId(plan.episode()), {schedule.subject(), schedule.informant()}})) {
        *plan.add_schedules() = schedule;
      }
    }
    plan.set_schedules_pending(work->has_next_attempt_time());
  }
  return absl::OkStatus();
}

}  // namespace securebase::plans
