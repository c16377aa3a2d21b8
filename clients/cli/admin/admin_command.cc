#include "clients/cli/admin/admin.h"

namespace securebase::cli {

void AddAdminCommand(CLI::App& app, Console& console, const Clock& clock) {
  CLI::App* admin = app.add_subcommand("admin", "Back up, restore and check stores; rotate keys");
  admin->require_subcommand(1);
  admin->footer(
      "A URL is what a service's --store says: sqlite:<path>, redis://... . A backup holds\n"
      "patient data like the store it is of; only its owner may read it (mode 0600).\n"
      "\n"
      "Exit codes: 0 done, and all is well; 2 something was named or written wrongly; 1 anything\n"
      "else: a copy failed, two copies differ, a store does not keep its promise; 130 or 143:\n"
      "stopped by Ctrl-C or SIGTERM.\n"
      "\n"
      "Examples:\n"
      "  securebase admin backup --store sqlite:outcomes.db --to outcomes.backup\n"
      "  securebase admin verify outcomes.backup\n"
      "  securebase admin restore --from outcomes.backup --store sqlite:new.db\n"
      "  securebase admin compare outcomes.backup sqlite:new.db\n"
      "  securebase admin check --store sqlite:outcomes.db\n"
      "  securebase admin keyring rotate keyring.json");
  AddBackupCommand(*admin, console, clock);
  AddRestoreCommand(*admin, console, clock);
  AddVerifyCommand(*admin, console, clock);
  AddCompareCommand(*admin, console, clock);
  AddCheckCommand(*admin, console, clock);
  AddKeyringCommand(*admin, console, clock);
}

}  // namespace securebase::cli
