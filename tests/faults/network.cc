#include "tests/faults/network.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "services/platform/base/status_macros.h"
#include "tests/testing/process.h"

namespace securebase::faults {
namespace {

using securebase::testing::RedisPlace;

// Names of what this makes begin so, followed by the process's id. Interfaces have 15 characters.
constexpr absl::string_view kPrefix = "sb";

absl::Status Ip(const std::string& arguments) {
  std::vector<std::string> command = absl::StrSplit(arguments, ' ');
  command.insert(command.begin(), "/sbin/ip");
  SB_ASSIGN_OR_RETURN(const auto done, securebase::testing::RunProgram(command));
  return done.exit_code == 0
             ? absl::OkStatus()
             : absl::FailedPreconditionError(absl::StrCat("ip ", arguments, ": ", done.error));
}

std::string Machine(const std::string& name, size_t i) { return absl::StrCat(name, "m", i); }
// The machine's two cables, where they come out of it.
std::string Cable(const std::string& name, size_t i) { return absl::StrCat(name, "c", i); }
std::string BackDoor(const std::string& name, size_t i) { return absl::StrCat(name, "b", i); }

// Removes what tests left that ended without their destructors.
void RemoveAbandoned() {
  std::error_code error;
  for (const char* folder : {"/run/netns", "/sys/class/net"}) {
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
      const std::string name = entry.path().filename().string();
      absl::string_view rest = name;
      int pid = 0;
      if (!absl::ConsumePrefix(&rest, kPrefix) ||
          !absl::SimpleAtoi(rest.substr(0, rest.find_first_not_of("0123456789")), &pid) ||
          kill(pid, 0) == 0 || errno != ESRCH) {
        continue;
      }
      Ip(absl::StartsWith(folder, "/run") ? absl::StrCat("netns del ", name)
                                          : absl::StrCat("link del ", name))
          .IgnoreError();
    }
  }
}

}  // namespace

absl::Status Network::IsPossible() {
  if (geteuid() != 0) {
    return absl::FailedPreconditionError("network namespaces need root");
  }
  const std::string probe = absl::StrCat(kPrefix, getpid(), "x");
  SB_RETURN_IF_ERROR(Ip(absl::StrCat("link add ", probe, " type bridge")));
  SB_RETURN_IF_ERROR(Ip(absl::StrCat("link del ", probe)));
  SB_RETURN_IF_ERROR(Ip(absl::StrCat("netns add ", probe)));
  return Ip(absl::StrCat("netns del ", probe));
}

absl::StatusOr<std::unique_ptr<Network>> Network::Make(size_t machines) {
  RemoveAbandoned();
  std::unique_ptr<Network> network(new Network());
  network->name_ = absl::StrCat(kPrefix, getpid());
  SB_RETURN_IF_ERROR(network->Build(machines));
  return network;
}

absl::Status Network::Build(size_t machines) {
  // Of their own for each process, so that two tests do not meet.
  const std::string net = absl::StrCat("198.18.", getpid() % 256, ".");
  const std::string back = absl::StrCat("198.19.", getpid() % 256, ".");
  for (const char* bridge : {"near", "far", "back"}) {
    SB_RETURN_IF_ERROR(Ip(absl::StrCat("link add ", name_, bridge, " type bridge")));
    SB_RETURN_IF_ERROR(Ip(absl::StrCat("link set ", name_, bridge, " up")));
  }
  SB_RETURN_IF_ERROR(Ip(absl::StrCat("addr add ", net, "254/24 dev ", name_, "near")));
  SB_RETURN_IF_ERROR(Ip(absl::StrCat("addr add ", back, "254/24 dev ", name_, "back")));
  for (size_t i = 0; i < machines; ++i) {
    const std::string machine = Machine(name_, i);
    RedisPlace place;
    place.network_namespace = machine;
    place.address = absl::StrCat(net, i + 1);
    place.back_door = absl::StrCat(back, i + 1);
    places_.push_back(place);
    SB_RETURN_IF_ERROR(Ip(absl::StrCat("netns add ", machine)));
    SB_RETURN_IF_ERROR(Ip(absl::StrCat("-n ", machine, " link set lo up")));
    const auto connect = [&](const std::string& cable, const char* bridge, const char* inside,
                             const std::string& address) -> absl::Status {
      SB_RETURN_IF_ERROR(Ip(
          absl::StrCat("link add ", cable, " type veth peer name ", inside, " netns ", machine)));
      SB_RETURN_IF_ERROR(Ip(absl::StrCat("link set ", cable, " master ", name_, bridge, " up")));
      SB_RETURN_IF_ERROR(
          Ip(absl::StrCat("-n ", machine, " addr add ", address, "/24 dev ", inside)));
      return Ip(absl::StrCat("-n ", machine, " link set ", inside, " up"));
    };
    SB_RETURN_IF_ERROR(connect(Cable(name_, i), "near", "net", place.address));
    SB_RETURN_IF_ERROR(connect(BackDoor(name_, i), "back", "back", place.back_door));
  }
  return absl::OkStatus();
}

Network::~Network() { Remove(); }

void Network::Remove() {
  // What is missing because it could not be made is not there to be removed.
  for (size_t i = 0; i < places_.size(); ++i) {
    Ip(absl::StrCat("link del ", Cable(name_, i))).IgnoreError();
    Ip(absl::StrCat("link del ", BackDoor(name_, i))).IgnoreError();
    Ip(absl::StrCat("netns del ", Machine(name_, i))).IgnoreError();
  }
  for (const char* bridge : {"near", "far", "back"}) {
    Ip(absl::StrCat("link del ", name_, bridge)).IgnoreError();
  }
}

std::vector<std::string> Network::addresses() const {
  std::vector<std::string> addresses;
  for (const RedisPlace& place : places_) {
    addresses.push_back(place.address);
  }
  return addresses;
}

absl::Status Network::Cut(const std::vector<size_t>& far) {
  for (const size_t machine : far) {
    SB_RETURN_IF_ERROR(
        Ip(absl::StrCat("link set ", Cable(name_, machine), " master ", name_, "far")));
  }
  return absl::OkStatus();
}

absl::Status Network::Heal() {
  for (size_t machine = 0; machine < places_.size(); ++machine) {
    SB_RETURN_IF_ERROR(
        Ip(absl::StrCat("link set ", Cable(name_, machine), " master ", name_, "near")));
  }
  return absl::OkStatus();
}

}  // namespace securebase::faults
