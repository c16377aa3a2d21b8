#pragma once

#include <string>
#include <vector>

#include "clients/cli/online/fields.h"
#include "google/protobuf/descriptor.h"

// Every rpc as a command, made from its descriptor: a new rpc has a verb the day it exists.
namespace securebase::cli {

struct Flag {
  std::string name;  // "--statement"
  FieldPath path;
  // How its value is written. Words in small letters are meant literally ("couple|family"), those
  // in capitals stand for something ("DATE"); ",..." says that there may be several.
  std::string placeholder;
  std::string help;
};

struct Verb {
  std::string resource;  // "episodes"
  std::string verb;      // "create"; empty: the resource is the command ("caseload")
  const google::protobuf::MethodDescriptor* method = nullptr;
  FieldPath parent;      // set to the practice without being asked for; empty: none
  FieldPath positional;  // a resource name given without a flag; empty: none
  std::vector<Flag> flags;
};

// Ordered by resource and verb; no two are called alike.
std::vector<Verb> MakeVerbs(
    const std::vector<const google::protobuf::ServiceDescriptor*>& services);

// The four services. Having this function linked keeps their messages linked, too.
std::vector<const google::protobuf::ServiceDescriptor*> AllServices();

// The first paragraph of the rpc's comment.
std::string Summary(const Verb& verb);

// A table of all verbs, for people and for the golden test.
std::string FormatVerbs(const std::vector<Verb>& verbs);

}  // namespace securebase::cli
