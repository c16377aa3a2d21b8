#pragma once

#include "CLI/CLI.hpp"
#include "clients/cli/console.h"

namespace securebase::cli {

// The verbs that talk to a server: one for every rpc, and `call` for any.
void AddOnlineCommands(CLI::App& app, Console& console);

// `assessments import`, beside the verbs that the rpcs of assessments have.
void AddImportVerb(CLI::App& assessments, Console& console);

// `instrument-texts import`, beside the verbs that the rpcs of texts have.
void AddTextsImportVerb(CLI::App& texts, Console& console);

// `token`: development tokens; `dev-setup`: throw-away keys, certificates and a keyring.
void AddTokenCommand(CLI::App& app, Console& console);
void AddDevSetupCommand(CLI::App& app, Console& console);

// `batch`: runs a file of commands.
void AddBatchCommand(CLI::App& app, Console& console);

// `reference`: prints the API reference or the error catalogue, as Markdown.
void AddReferenceCommand(CLI::App& app, Console& console);

}  // namespace securebase::cli
