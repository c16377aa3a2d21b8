#include "services/platform/base/interrupt.h"

#include <csignal>

namespace securebase {
namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM};

volatile std::sig_atomic_t noted = 0;
struct sigaction earlier[2];

void Note(int signal) { noted = signal; }

}  // namespace

NoteInterrupts::NoteInterrupts() {
  noted = 0;
  struct sigaction action = {};
  action.sa_handler = Note;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART | static_cast<int>(SA_RESETHAND);
  for (int i = 0; i < 2; ++i) {
    sigaction(kSignals[i], nullptr, &earlier[i]);
    // What is ignored stays so, as in "nohup" and for what a shell runs in the background.
    if (earlier[i].sa_handler != SIG_IGN) {
      sigaction(kSignals[i], &action, nullptr);
    }
  }
}

NoteInterrupts::~NoteInterrupts() {
  for (int i = 0; i < 2; ++i) {
    sigaction(kSignals[i], &earlier[i], nullptr);
  }
}

int Interrupted() { return noted; }

absl::Status CheckInterrupted() {
  return noted == 0 ? absl::OkStatus() : absl::CancelledError("stopped by a signal");
}

}  // namespace securebase
