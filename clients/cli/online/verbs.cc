#include "clients/cli/online/verbs.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "clients/cli/online/comments.h"
#include "google/api/field_behavior.pb.h"
#include "securebase/episodes/v1/episodes_service.pb.h"
#include "securebase/goals/v1/goals_service.pb.h"
#include "securebase/options/v1/options.pb.h"
#include "securebase/outcomes/v1/outcomes_service.pb.h"
#include "securebase/plans/v1/plans_service.pb.h"

namespace securebase::cli {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::MethodDescriptor;

using Name = std::pair<std::string, std::string>;  // resource, verb

// Where the rule below (first word the verb, the rest the resource) reads badly.
const std::map<std::string, Name>& Exceptions() {
  static const auto* names = new std::map<std::string, Name>{
      {"AddCareTeamMember", {"care-team", "add"}},
      {"AnswerWarning", {"revisions", "answer-warning"}},
      {"BatchSubmitAssessments", {"assessments", "submit-batch"}},
      {"CompareInformants", {"informants", ""}},
      {"EndCareTeamMembership", {"care-team", "end"}},
      {"EndParticipation", {"participants", "end"}},
      {"GetAccessView", {"access", ""}},
      {"GetAttachmentPlane", {"plane", ""}},
      {"GetAttainment", {"attainment", ""}},
      {"GetCaseload", {"caseload", ""}},
      {"GetConcordance", {"concordance", ""}},
      {"GetLibrary", {"library", ""}},
      {"GetPairedOutcome", {"paired-outcome", ""}},
      {"GetPracticeSettings", {"settings", "show"}},
      {"GetPracticeSummary", {"summary", ""}},
      {"ImportInstrumentTexts", {"instrument-texts", "import-batch"}},
      {"ListDueAssessments", {"assessments", "due"}},
      {"MarkAssessmentEnteredInError", {"assessments", "mark-entered-in-error"}},
      {"MarkRatingEnteredInError", {"ratings", "mark-entered-in-error"}},
      {"MarkSessionEnteredInError", {"sessions", "mark-entered-in-error"}},
      {"MergePatients", {"patients", "merge"}},
      {"OverrideAchievement", {"goals", "override-achievement"}},
      {"RespondToGoal", {"goals", "respond"}},
      {"SetSeriesBaseline", {"series", "set-baseline"}},
      {"UpdatePracticeSettings", {"settings", "update"}},
  };
  return *names;
}

std::string Plural(const std::string& word) {
  if (absl::EndsWith(word, "s")) {
    return word;
  }
  return absl::EndsWith(word, "y") ? word.substr(0, word.size() - 1) + "ies" : word + "s";
}

Name NameOf(const MethodDescriptor& method) {
  // Every service has a journal of its own.
  if (method.name() == "ListJournal") {
    const std::vector<std::string> package = absl::StrSplit(method.full_name(), '.');
    return {"journal", package[1]};
  }
  const auto exception = Exceptions().find(method.name());
  if (exception != Exceptions().end()) {
    return exception->second;
  }
  const std::string kebab = Kebab(method.name());
  const size_t dash = kebab.find('-');
  if (dash == std::string::npos) {
    return {kebab, ""};
  }
  const std::string verb = kebab.substr(0, dash);
  return {Plural(kebab.substr(dash + 1)), verb == "get" ? "show" : verb};
}

bool Has(const FieldDescriptor& field, google::api::FieldBehavior behavior) {
  const auto& options = field.options();
  for (int i = 0; i < options.ExtensionSize(google::api::field_behavior); ++i) {
    if (options.GetExtension(google::api::field_behavior, i) == behavior) {
      return true;
    }
  }
  return false;
}

const std::string& Pattern(const FieldDescriptor& field) {
  return field.options().GetExtension(options::v1::rules).name();
}

// A message that has no short form of its own and is worth a flag for each field.
bool IsExpandable(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && !field.is_repeated() &&
         !absl::StartsWith(field.message_type()->full_name(), "google.protobuf.") &&
         field.message_type()->full_name() != "securebase.type.v1.PartialDate" &&
         field.message_type()->full_name() != "securebase.type.v1.ExternalIdentifier" &&
         field.message_type()->full_name() != "securebase.type.v1.Coding";
}

// Messages that have a form of their own, and how it is shown.
const std::map<std::string, std::string>& ShortForms() {
  static const auto* forms = new std::map<std::string, std::string>{
      {"google.protobuf.Duration", "DURATION"},
      {"google.protobuf.FieldMask", "FIELD,..."},
      {"google.protobuf.Timestamp", "TIME"},
      {"securebase.outcomes.v1.Answer", "ANSWER,..."},
      {"securebase.type.v1.ExternalIdentifier", "SYSTEM|VALUE"},
      {"securebase.type.v1.PartialDate", "DATE"},
  };
  return *forms;
}

bool IsJson(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
         ShortForms().count(field.message_type()->full_name()) == 0;
}

// What may be given of a message: "id, role, display_name".
std::string FieldNames(const Descriptor& type) {
  std::vector<std::string> names;
  for (int i = 0; i < type.field_count(); ++i) {
    if (!Has(*type.field(i), google::api::OUTPUT_ONLY)) {
      names.push_back(type.field(i)->name());
    }
  }
  return absl::StrJoin(names, ", ");
}

std::string Help(const FieldDescriptor& field) {
  std::string help = CommentOf(field.full_name());
  const size_t paragraph = help.find("\n\n");
  if (paragraph != std::string::npos) {
    help.resize(paragraph);
  }
  if (IsJson(field)) {
    absl::StrAppend(&help, " JSON with ", FieldNames(*field.message_type()), "; or @FILE.");
  }
  if (field.is_repeated() && field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    help += " Give the flag once for each.";
  }
  return help;
}

std::string Placeholder(const FieldDescriptor& field) {
  const std::string type =
      field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE ? field.message_type()->full_name() : "";
  const auto message = ShortForms().find(type);
  if (message != ShortForms().end()) {
    return message->second;
  }
  std::string one;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return "JSON";
    case FieldDescriptor::CPPTYPE_ENUM:
      one = absl::StrReplaceAll(EnumChoices(*field.enum_type()), {{", ", "|"}});
      break;
    case FieldDescriptor::CPPTYPE_BOOL:
      one = "true|false";
      break;
    case FieldDescriptor::CPPTYPE_STRING:
      one = Pattern(field).empty() ? "TEXT" : "NAME";
      break;
    default:
      one = "NUMBER";
  }
  return field.is_repeated() ? one + ",..." : one;
}

class FlagBuilder {
 public:
  explicit FlagBuilder(Verb& verb) : verb_(verb) {}

  void Build() {
    const Descriptor& request = *verb_.method->input_type();
    FindNames(request);
    // The request's own fields first: they keep the short name when one inside is called alike.
    std::vector<const FieldDescriptor*> inner;
    for (int i = 0; i < request.field_count(); ++i) {
      const FieldDescriptor& field = *request.field(i);
      if (IsExpandable(field)) {
        inner.push_back(&field);
      } else {
        Add({&field}, Kebab(field.name()));
      }
    }
    for (const FieldDescriptor* field : inner) {
      Expand({field}, "");
    }
    for (const FieldDescriptor* field : inner) {
      Add({field}, Kebab(field->name()));  // whole, as JSON
    }
  }

 private:
  void FindNames(const Descriptor& request) {
    for (int i = 0; i < request.field_count(); ++i) {
      const FieldDescriptor& field = *request.field(i);
      const bool is_practice =
          (field.name() == "parent" && Pattern(field) == "practices/{practice}") ||
          (field.name() == "name" && Pattern(field) == "practices/{practice}/settings");
      if (is_practice) {
        verb_.parent = {&field};
      } else if (field.name() == "name" || field.name() == "parent") {
        verb_.positional = {&field};
      }
    }
    // An update names its resource inside.
    const FieldDescriptor* mask = request.FindFieldByName("update_mask");
    if (mask != nullptr && verb_.positional.empty() && verb_.parent.empty()) {
      for (int i = 0; i < request.field_count(); ++i) {
        const FieldDescriptor& field = *request.field(i);
        if (!IsExpandable(field)) {
          continue;
        }
        const FieldDescriptor* name = field.message_type()->FindFieldByName("name");
        if (name != nullptr) {
          (absl::EndsWith(Pattern(*name), "/settings") ? verb_.parent : verb_.positional) = {&field,
                                                                                             name};
        }
      }
    }
  }

  void Expand(const FieldPath& path, const std::string& prefix) {
    const Descriptor& type = *path.back()->message_type();
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor& field = *type.field(i);
      if (Has(field, google::api::OUTPUT_ONLY) || field.name() == "name") {
        continue;
      }
      FieldPath inner = path;
      inner.push_back(&field);
      const std::string name = absl::StrCat(prefix, Kebab(field.name()));
      if (IsExpandable(field) && path.size() < 2) {
        Add(inner, name);  // whole, as JSON
        Expand(inner, absl::StrCat(name, "."));
      } else {
        Add(inner, name);
      }
    }
  }

  void Add(const FieldPath& path, std::string name) {
    if (path == verb_.parent || path == verb_.positional) {
      return;
    }
    if (!taken_.insert(name).second) {
      name = absl::StrCat(Kebab(path.front()->name()), ".", name);
      if (!taken_.insert(name).second) {
        return;
      }
    }
    verb_.flags.push_back(
        {absl::StrCat("--", name), path, Placeholder(*path.back()), Help(*path.back())});
  }

  Verb& verb_;
  // Flags that every verb has.
  std::set<std::string> taken_ = {"json", "output", "help", "practice", "token", "all"};
};

}  // namespace

std::vector<const google::protobuf::ServiceDescriptor*> AllServices() {
  return {
      episodes::v1::GetEpisodeRequest::descriptor()->file()->service(0),
      outcomes::v1::GetSeriesRequest::descriptor()->file()->service(0),
      goals::v1::GetGoalRequest::descriptor()->file()->service(0),
      plans::v1::GetPlanRequest::descriptor()->file()->service(0),
  };
}

std::vector<Verb> MakeVerbs(
    const std::vector<const google::protobuf::ServiceDescriptor*>& services) {
  std::vector<Verb> verbs;
  for (const auto* service : services) {
    for (int i = 0; i < service->method_count(); ++i) {
      Verb verb;
      verb.method = service->method(i);
      std::tie(verb.resource, verb.verb) = NameOf(*verb.method);
      FlagBuilder(verb).Build();
      verbs.push_back(std::move(verb));
    }
  }
  std::sort(verbs.begin(), verbs.end(), [](const Verb& a, const Verb& b) {
    return std::tie(a.resource, a.verb) < std::tie(b.resource, b.verb);
  });
  return verbs;
}

std::string Summary(const Verb& verb) {
  const std::string comment = CommentOf(verb.method->full_name());
  return comment.substr(0, comment.find("\n\n"));
}

std::string FormatVerbs(const std::vector<Verb>& verbs) {
  std::string table;
  for (const Verb& verb : verbs) {
    std::string line =
        absl::StrFormat("%-44s %s",
                        absl::StrCat("securebase ", verb.resource, verb.verb.empty() ? "" : " ",
                                     verb.verb, verb.positional.empty() ? "" : " NAME"),
                        verb.method->full_name());
    absl::StrAppend(&table, line, "\n");
  }
  return table;
}

}  // namespace securebase::cli
