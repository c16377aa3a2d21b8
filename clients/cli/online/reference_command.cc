#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "clients/cli/online/comments.h"
#include "clients/cli/online/fields.h"
#include "clients/cli/online/online.h"
#include "clients/cli/online/reference.h"
#include "clients/cli/online/verbs.h"
#include "google/api/field_behavior.pb.h"
#include "securebase/options/v1/options.pb.h"
#include "securebase/type/v1/errors.pb.h"

namespace securebase::cli {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::MethodDescriptor;

constexpr char kGenerated[] =
    "<!-- Made by `securebase reference` from the comments in proto/; a test keeps it current. "
    "-->\n\n";

// What stands in one cell: no line breaks, no bars.
std::string Cell(const std::string& text) {
  return absl::StrReplaceAll(text, {{"\n\n", " "}, {"\n", " "}, {"|", "\\|"}});
}

std::string TypeName(const FieldDescriptor& field) {
  std::string name;
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    name = field.message_type()->full_name();
  } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM) {
    name = field.enum_type()->full_name();
  } else {
    name = field.type_name();
  }
  // Types of the same package need no package.
  const std::string package = absl::StrCat(field.file()->package(), ".");
  name = std::string(absl::StripPrefix(name, package));
  return absl::StrCat(field.is_repeated()            ? "repeated "
                      : field.has_optional_keyword() ? "optional "
                                                     : "",
                      name);
}

// "required, at most 500, patient data"
std::string RulesText(const FieldDescriptor& field) {
  std::vector<std::string> parts;
  const auto& options = field.options();
  for (int i = 0; i < options.ExtensionSize(google::api::field_behavior); ++i) {
    switch (options.GetExtension(google::api::field_behavior, i)) {
      case google::api::REQUIRED:
        parts.emplace_back("required");
        break;
      case google::api::OUTPUT_ONLY:
        parts.emplace_back("set by the server");
        break;
      case google::api::IMMUTABLE:
        parts.emplace_back("immutable");
        break;
      default:
        break;
    }
  }
  const auto& rules = options.GetExtension(options::v1::rules);
  if (!rules.name().empty()) {
    parts.push_back(absl::StrCat("`", absl::StrReplaceAll(rules.name(), {{"|", "` or `"}}), "`"));
  }
  if (rules.id()) {
    parts.emplace_back("an id");
  }
  if (rules.max_length() > 0) {
    parts.push_back(absl::StrCat("≤ ", rules.max_length(), " characters"));
  }
  if (rules.min_items() > 0) {
    parts.push_back(absl::StrCat("≥ ", rules.min_items(), " elements"));
  }
  if (rules.max_items() > 0) {
    parts.push_back(absl::StrCat("≤ ", rules.max_items(), " elements"));
  }
  if (rules.has_min()) {
    parts.push_back(absl::StrCat("≥ ", rules.min()));
  }
  if (rules.has_max()) {
    parts.push_back(absl::StrCat("≤ ", rules.max()));
  }
  if (rules.not_future()) {
    parts.emplace_back("not in the future");
  }
  if (options.GetExtension(options::v1::patient_data)) {
    parts.emplace_back("**patient data**");
  }
  return absl::StrJoin(parts, ", ");
}

void AppendMessage(const Descriptor& type, std::string& out) {
  absl::StrAppend(&out, "### ", type.name(), "\n\n", CommentOf(type.full_name()), "\n\n");
  if (type.field_count() == 0) {
    return;
  }
  absl::StrAppend(&out, "| field | type | meaning | rules |\n|---|---|---|---|\n");
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    const auto* oneof = field.real_containing_oneof();
    absl::StrAppend(&out, "| ", field.name(), " | ", TypeName(field), " | ",
                    oneof != nullptr ? absl::StrCat("One of `", oneof->name(), "`. ") : "",
                    Cell(CommentOf(field.full_name())), " | ", Cell(RulesText(field)), " |\n");
  }
  out += "\n";
}

void AppendEnum(const EnumDescriptor& type, std::string& out) {
  absl::StrAppend(&out, "### ", type.name(), "\n\n", CommentOf(type.full_name()),
                  "\n\n| value | number | meaning |\n|---|---|---|\n");
  for (int i = 0; i < type.value_count(); ++i) {
    absl::StrAppend(&out, "| ", type.value(i)->name(), " | ", type.value(i)->number(), " | ",
                    Cell(CommentOf(type.value(i)->full_name())), " |\n");
  }
  out += "\n";
}

void AppendMethod(const MethodDescriptor& method, std::string& out) {
  const auto& policy = method.options().GetExtension(options::v1::policy);
  std::vector<std::string> notes = {
      policy.access() == options::v1::ACCESS_WRITE ? "write" : "read",
      absl::StrCat("scope `", absl::StrJoin(policy.scopes(), "` or `"), "`")};
  if (policy.practice_wide()) {
    notes.emplace_back("practice-wide callers only");
  }
  if (policy.participants()) {
    notes.emplace_back("participants may");
  }
  if (policy.discloses_patient_data()) {
    notes.emplace_back("discloses patient data: audited");
  }
  absl::StrAppend(&out, "#### ", method.name(), "\n\n`", method.input_type()->name(), "` → `",
                  method.output_type()->name(), "` · ", absl::StrJoin(notes, " · "), "\n\n",
                  CommentOf(method.full_name()), "\n\n");
}

}  // namespace

std::vector<std::string> Packages() {
  std::vector<std::string> packages;
  for (const auto* service : AllServices()) {
    packages.push_back(service->file()->package());
  }
  packages.push_back(type::v1::ErrorReason_descriptor()->file()->package());
  return packages;
}

std::string ApiReference(const std::string& package) {
  std::string out = kGenerated;
  absl::StrAppend(&out, "# ", package, "\n\n");
  // The package's files, found through its service and what the service's file imports.
  std::vector<const google::protobuf::FileDescriptor*> files;
  for (const auto* service : AllServices()) {
    if (service->file()->package() != package) {
      continue;
    }
    absl::StrAppend(&out, CommentOf(service->full_name()), "\n\n## Methods of ", service->name(),
                    "\n\n");
    for (int i = 0; i < service->method_count(); ++i) {
      AppendMethod(*service->method(i), out);
    }
    files.push_back(service->file());
    for (int i = 0; i < service->file()->dependency_count(); ++i) {
      if (service->file()->dependency(i)->package() == package) {
        files.push_back(service->file()->dependency(i));
      }
    }
  }
  if (files.empty()) {
    // A package without a service: the shared types.
    for (int i = 0; i < AllServices().front()->file()->dependency_count(); ++i) {
      const auto* file = AllServices().front()->file()->dependency(i);
      if (file->package() == package) {
        files.push_back(file);
      }
    }
  }
  out += "## Messages\n\n";
  for (const auto* file : files) {
    for (int i = 0; i < file->message_type_count(); ++i) {
      AppendMessage(*file->message_type(i), out);
    }
  }
  out += "## Enumerations\n\n";
  for (const auto* file : files) {
    for (int i = 0; i < file->enum_type_count(); ++i) {
      AppendEnum(*file->enum_type(i), out);
    }
  }
  while (absl::EndsWith(out, "\n\n")) {
    out.pop_back();
  }
  return out;
}

std::string ErrorCatalogue() {
  const EnumDescriptor& type = *type::v1::ErrorReason_descriptor();
  std::string out = kGenerated;
  absl::StrAppend(
      &out,
      "# Errors\n\nEvery error is a gRPC status with `google.rpc.ErrorInfo` (domain "
      "`securebase.org`, `reason` as below). INVALID_ARGUMENT lists every wrong field "
      "in `google.rpc.BadRequest`; a delay before a retry comes as "
      "`google.rpc.RetryInfo`. A message says what is wrong and what to do, and never "
      "holds patient data.\n\n| code | what to do |\n|---|---|\n| UNAVAILABLE | retry "
      "the call |\n| ABORTED | read again, then retry |\n| FAILED_PRECONDITION | change "
      "the state first |\n| INVALID_ARGUMENT | change the request |\n\n| reason | "
      "meaning, what to do, example |\n|---|---|\n");
  for (int i = 0; i < type.value_count(); ++i) {
    absl::StrAppend(&out, "| ", ShortEnumName(*type.value(i)), " | ",
                    Cell(CommentOf(type.value(i)->full_name())), " |\n");
  }
  return out;
}

std::string ScopeTable() {
  std::string out = kGenerated;
  absl::StrAppend(&out,
                  "# Scopes\n\nA method needs one of its scopes in a context that fits the caller: "
                  "`system/` for systems, `user/` for staff, `patient/` for participants. "
                  "\"Practice-wide\" methods need a `system/` scope. Unknown scopes grant "
                  "nothing.\n\n| scope | method | participants | practice-wide | discloses patient "
                  "data |\n|---|---|---|---|---|\n");
  std::set<std::string> rows;
  for (const auto* service : AllServices()) {
    for (int i = 0; i < service->method_count(); ++i) {
      const auto& policy = service->method(i)->options().GetExtension(options::v1::policy);
      for (const std::string& scope : policy.scopes()) {
        rows.insert(absl::StrCat(
            "| `", scope, "` | ", service->name(), ".", service->method(i)->name(), " | ",
            policy.participants() ? "yes" : "", " | ", policy.practice_wide() ? "yes" : "", " | ",
            policy.discloses_patient_data() ? "yes" : "", " |\n"));
      }
    }
  }
  absl::StrAppend(&out, absl::StrJoin(rows, ""));
  return out;
}

void AddReferenceCommand(CLI::App& app, Console& console) {
  auto what = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand(
      "reference", "Print the API reference, the error catalogue or the scope table as Markdown");
  command->add_option("what", *what, "a package (securebase.goals.v1), errors, scopes or verbs")
      ->required()
      ->type_name("WHAT");
  command->callback([what, &console] {
    std::vector<std::string> known = Packages();
    if (std::find(known.begin(), known.end(), *what) != known.end()) {
      console.out << ApiReference(*what);
    } else if (*what == "errors") {
      console.out << ErrorCatalogue();
    } else if (*what == "scopes") {
      console.out << ScopeTable();
    } else if (*what == "verbs") {
      console.out << FormatVerbs(MakeVerbs(AllServices()));
    } else {
      known.insert(known.end(), {"errors", "scopes", "verbs"});
      console.status = absl::InvalidArgumentError(absl::StrCat(
          "there is no reference of \"", *what, "\"; choose ", absl::StrJoin(known, ", ")));
    }
  });
}

}  // namespace securebase::cli
