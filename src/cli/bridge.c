/* SPDX-License-Identifier: Apache-2.0 */

/* The verb bridge. It runs the same code as the program git-gate-bridge. */

#include "cli/cli.h"
#include "client/bridge_command.h"

int cli_bridge(int argc, char *argv[]) {
    struct gate_error error;
    int r = bridge_command("git-gate bridge", argv, &error);

    (void)argc;
    return r ? cli_fail(&error) : 0;
}
