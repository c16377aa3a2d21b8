#include "clients/cli/online/online.h"

#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "clients/cli/cli.h"
#include "clients/cli/instruments.h"
#include "clients/cli/online/connection.h"
#include "clients/cli/online/definitions.h"
#include "clients/cli/online/render.h"
#include "clients/cli/online/verbs.h"
#include "clients/cli/text_file.h"
#include "google/protobuf/util/json_util.h"
#include "securebase/outcomes/v1/score.pb.h"
#include "services/platform/base/resource_name.h"
#include "services/platform/base/status_macros.h"

namespace securebase::cli {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// One subcommand's options, as they were typed. Lives as long as the app.
struct Command {
  Verb verb;
  ConnectionOptions connection;
  std::string positional;
  std::vector<std::vector<std::string>> values;  // by flag
  std::string json;
  bool all = false;
  bool output_json = false;
};

std::unique_ptr<Message> NewMessage(const google::protobuf::Descriptor* type) {
  return std::unique_ptr<Message>(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(type)->New());
}

// "@file" and "-" are read, everything else is meant literally.
absl::StatusOr<std::string> ReadArgument(const std::string& argument) {
  std::stringstream contents;
  if (argument == "-") {
    contents << std::cin.rdbuf();
    return contents.str();
  }
  if (!absl::StartsWith(argument, "@")) {
    return argument;
  }
  std::ifstream in(argument.substr(1), std::ios::binary);
  if (!in.good()) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot read ", argument.substr(1), "; check that it exists"));
  }
  contents << in.rdbuf();
  return contents.str();
}

absl::Status MergeJson(const std::string& argument, Message& request) {
  SB_ASSIGN_OR_RETURN(const std::string json, ReadArgument(argument));
  const auto status = google::protobuf::util::JsonStringToMessage(json, &request);
  return status.ok() ? absl::OkStatus()
                     : absl::InvalidArgumentError(
                           absl::StrCat("--json is no ", request.GetDescriptor()->name(), ": ",
                                        JsonProblem(std::string(status.message()))));
}

bool IsAnswers(const FieldPath& path) {
  const FieldDescriptor& field = *path.back();
  return field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
         field.message_type() == outcomes::v1::Answer::descriptor();
}

// "1,0,,3" in the order of the instrument's items, for the instrument beside the answers.
absl::Status SetAnswers(Connections& connections, Message& request, const FieldPath& path,
                        const std::string& text) {
  Message* holder = &request;
  for (size_t i = 0; i + 1 < path.size(); ++i) {
    holder = holder->GetReflection()->MutableMessage(holder, path[i]);
  }
  const auto* instrument = holder->GetDescriptor()->FindFieldByName("instrument");
  if (instrument == nullptr) {
    return absl::InvalidArgumentError(
        "give --answers here as JSON: the request does not name the instrument");
  }
  const auto* version = holder->GetDescriptor()->FindFieldByName("instrument_version");
  SB_ASSIGN_OR_RETURN(
      const auto definition,
      FindDefinition(connections, holder->GetReflection()->GetString(*holder, instrument),
                     version == nullptr ? 0 : holder->GetReflection()->GetInt32(*holder, version)));
  SB_ASSIGN_OR_RETURN(const auto answers, ParseAnswers(definition, text));
  for (const outcomes::v1::Answer& answer : answers) {
    holder->GetReflection()->AddMessage(holder, path.back())->CopyFrom(answer);
  }
  return absl::OkStatus();
}

// A message from "@FILE": JSON or Protocol Buffers' text format, whichever it looks like.
absl::Status SetFromFile(Message& request, const FieldPath& path, const std::string& argument,
                         const std::string& practice) {
  SB_ASSIGN_OR_RETURN(const std::string contents, ReadArgument(argument));
  if (absl::StartsWith(absl::StripLeadingAsciiWhitespace(contents), "{")) {
    return SetFromText(request, path, absl::StripLeadingAsciiWhitespace(contents), practice);
  }
  Message* message = &request;
  for (const FieldDescriptor* field : path) {
    message = field->is_repeated() ? message->GetReflection()->AddMessage(message, field)
                                   : message->GetReflection()->MutableMessage(message, field);
  }
  return ParseTextFile(argument.substr(1), contents, *message);
}

bool IsFileOfMessage(const Flag& flag, const std::string& value) {
  return absl::StartsWith(value, "@") &&
         flag.path.back()->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
}

absl::Status SetFlag(Connections& connections, const Command& command, const Flag& flag,
                     const std::string& value, Message& request) {
  const std::string& practice = command.connection.practice;
  if (IsFileOfMessage(flag, value)) {
    return SetFromFile(request, flag.path, value, practice);
  }
  return IsAnswers(flag.path) && !absl::StartsWith(value, "{")
             ? SetAnswers(connections, request, flag.path, value)
             : SetFromText(request, flag.path, value, practice);
}

absl::Status FillRequest(Connections& connections, const Command& command, Message& request) {
  const std::string& practice = command.connection.practice;
  if (!command.json.empty()) {
    SB_RETURN_IF_ERROR(MergeJson(command.json, request));
  }
  if (!command.verb.parent.empty()) {
    SB_RETURN_IF_ERROR(SetFromText(request, command.verb.parent, "", practice));
  }
  if (!command.verb.positional.empty() && !command.positional.empty()) {
    SB_RETURN_IF_ERROR(SetFromText(request, command.verb.positional, command.positional, practice));
  }
  // Answers last: they need to know the instrument.
  for (const bool answers : {false, true}) {
    for (size_t i = 0; i < command.values.size(); ++i) {
      const Flag& flag = command.verb.flags[i];
      for (const std::string& value : command.values[i]) {
        if (IsAnswers(flag.path) != answers) {
          continue;
        }
        SB_RETURN_IF_ERROR(SetFlag(connections, command, flag, value, request));
      }
    }
  }
  client::FillRequestId(request);
  return absl::OkStatus();
}

// Follows next_page_token and gathers all pages in one response.
absl::Status CallAllPages(Connections& connections, const Verb& verb, Message& request,
                          Message& response) {
  const auto* token = response.GetDescriptor()->FindFieldByName("next_page_token");
  const auto* page_token = request.GetDescriptor()->FindFieldByName("page_token");
  if (token == nullptr || page_token == nullptr) {
    return connections.Call(verb.method->full_name(), request, response);
  }
  while (true) {
    const std::unique_ptr<Message> page = NewMessage(verb.method->output_type());
    SB_RETURN_IF_ERROR(connections.Call(verb.method->full_name(), request, *page));
    const std::string next = page->GetReflection()->GetString(*page, token);
    page->GetReflection()->ClearField(page.get(), token);
    response.MergeFrom(*page);
    if (next.empty()) {
      return absl::OkStatus();
    }
    request.GetReflection()->SetString(&request, page_token, next);
  }
}

absl::Status Run(Command& command, Console& console) {
  SB_RETURN_IF_ERROR(Complete(command.connection));
  const std::unique_ptr<Message> request = NewMessage(command.verb.method->input_type());
  const std::unique_ptr<Message> response = NewMessage(command.verb.method->output_type());
  Connections connections(command.connection);
  SB_RETURN_IF_ERROR(FillRequest(connections, command, *request));
  SB_RETURN_IF_ERROR(command.all
                         ? CallAllPages(connections, command.verb, *request, *response)
                         : connections.Call(command.verb.method->full_name(), *request, *response));
  if (!command.output_json) {
    Render(console, *response);
    return absl::OkStatus();
  }
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(*response, &json, options);
  if (!status.ok()) {
    return absl::InternalError(std::string(status.message()));
  }
  console.out << json;
  return absl::OkStatus();
}

std::string OneOf(const std::vector<Verb>& verbs, const std::string& resource) {
  std::vector<std::string> names;
  for (const Verb& verb : verbs) {
    if (verb.resource == resource && !verb.verb.empty()) {
      names.push_back(verb.verb);
    }
  }
  return absl::StrJoin(names, ", ");
}

void AddVerb(CLI::App& parent, const std::string& name, const Verb& verb, Console& console) {
  auto command = std::make_shared<Command>();
  command->verb = verb;
  command->values.resize(verb.flags.size());
  CLI::App* sub = parent.add_subcommand(name, Summary(verb));
  if (!verb.positional.empty()) {
    sub->add_option("name", command->positional,
                    "the resource name, or its ids after the practice separated by /")
        ->type_name("NAME");
  }
  for (size_t i = 0; i < verb.flags.size(); ++i) {
    sub->add_option(verb.flags[i].name, command->values[i], verb.flags[i].help)
        ->type_name(verb.flags[i].placeholder)
        // One value behind each, but the flag as often as needed.
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->group("Fields");
  }
  sub->add_option(
         "--json", command->json,
         "the request as proto3 JSON, or @FILE, or - for standard input; flags come on top")
      ->type_name("JSON");
  if (verb.method->output_type()->FindFieldByName("next_page_token") != nullptr) {
    sub->add_flag("--all", command->all, "every page, not only one");
  }
  AddOutputOption(*sub, command->output_json);
  AddConnectionOptions(*sub, command->connection);
  sub->callback([command, &console] { console.status = Run(*command, console); });
}

}  // namespace

void AddOnlineCommands(CLI::App& app, Console& console) {
  const std::vector<Verb> verbs = MakeVerbs(AllServices());
  std::string current;
  CLI::App* group = nullptr;
  for (const Verb& verb : verbs) {
    if (verb.verb.empty()) {
      AddVerb(app, verb.resource, verb, console);
      continue;
    }
    if (group == nullptr || current != verb.resource) {
      current = verb.resource;
      group = app.add_subcommand(current, absl::StrCat(OneOf(verbs, current)));
      group->require_subcommand(1);
      if (current == "assessments") {
        AddImportVerb(*group, console);
      } else if (current == "instrument-texts") {
        AddTextsImportVerb(*group, console);
      }
    }
    AddVerb(*group, verb.verb, verb, console);
  }
}

}  // namespace securebase::cli
