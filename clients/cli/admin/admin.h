#pragma once

#include "CLI/CLI.hpp"
#include "clients/cli/console.h"
#include "services/platform/base/clock.h"

namespace securebase::cli {

// `admin`: what clinic IT does with stores and keyrings, without a server. `clock` outlives the
// commands.
void AddAdminCommand(CLI::App& app, Console& console, const Clock& clock);

// Its parts.
void AddBackupCommand(CLI::App& admin, Console& console, const Clock& clock);
void AddRestoreCommand(CLI::App& admin, Console& console, const Clock& clock);
void AddVerifyCommand(CLI::App& admin, Console& console, const Clock& clock);
void AddCompareCommand(CLI::App& admin, Console& console, const Clock& clock);
void AddCheckCommand(CLI::App& admin, Console& console, const Clock& clock);
void AddKeyringCommand(CLI::App& admin, Console& console, const Clock& clock);

}  // namespace securebase::cli
