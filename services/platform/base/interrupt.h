#pragma once

#include "absl/status/status.h"

// Being stopped by Ctrl-C (SIGINT) or SIGTERM without leaving anything half made behind: the signal
// is only noted, long loops look whether there was one and return, and destructors clean up.
namespace securebase {

// While it exists, the first signal is noted; a second of the same kind ends the process at once.
// One at a time. A program without one dies of the signals as usual.
class NoteInterrupts {
 public:
  NoteInterrupts();
  ~NoteInterrupts();
  NoteInterrupts(const NoteInterrupts&) = delete;
  NoteInterrupts& operator=(const NoteInterrupts&) = delete;
};

// The signal noted since the last NoteInterrupts was made; 0: none.
int Interrupted();

// CANCELLED once a signal has been noted. For loops that may take long.
absl::Status CheckInterrupted();

}  // namespace securebase
