/* SPDX-License-Identifier: Apache-2.0 */

/* Runs the program under either of its names: git-remote-gate, git's transport helper, or git-gate-bridge. */

#include <stdio.h>
#include <string.h>

#include "base/standard_fds.h"
#include "client/bridge_command.h"
#include "client/dial.h"
#include "client/patience.h"
#include "client/remote_helper.h"
#include "client/remote_settings.h"

static const char bridge_name[] = "git-gate-bridge";

static void print_help(void) {
    printf("usage: git clone gate:///NAME.git [FOLDER]\n"
           "\n"
           "Git runs git-remote-gate for such a URL, and finds it by its name in PATH. Each of these\n"
           "is taken from the first place that has it:\n"
           "\n"
           "  socket   ?socket=PATH after the URL, the variable GIT_GATE_SOCKET, gate.socket in git's\n"
           "           configuration [%s]\n"
           "  token    the variable GIT_GATE_TOKEN, the first line of the file that GIT_GATE_TOKEN_FILE\n"
           "           names, or gate.tokenFile in git's configuration [none: it has to be given]\n"
           "  timeout  the variable GIT_GATE_TIMEOUT, seconds that the gate may be silent [%d]\n"
           "  wait     the variable GIT_GATE_WAIT, seconds to wait until a gate listens [%d]\n"
           "\n"
           "Called as %s, it is 'git-gate bridge': %s --help.\n"
           "\n"
           "See git-remote-gate(1).\n",
           dial_default_socket, REMOTE_TIMEOUT_S, PATIENCE_S, bridge_name, bridge_name);
}

static int run_bridge(char *argv[]) {
    struct gate_error error;
    int r = bridge_command(bridge_name, argv, &error);

    if (r) {
        (void)fprintf(stderr, "%s: %s\n", bridge_name, error.message);
    }
    return r;
}

int main(int argc, char *argv[]) {
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    const char *name = slash ? slash + 1 : argc > 0 ? argv[0] : "";
    const char *argument = argc > 1 ? argv[1] : "--help";
    int r = standard_fds_open();

    if (r) {
        (void)fprintf(stderr, "%s: cannot open /dev/null: %s\n", name, strerror(-r));
        return REMOTE_HELPER_FAILED;
    }
    if (strcmp(argument, "--version") == 0) {
        printf("%s %s\n", name, GIT_GATE_VERSION);
        return 0;
    }
    if (strcmp(name, bridge_name) == 0) {
        return run_bridge(argv);
    }
    if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0) {
        print_help();
        return 0;
    }
    return remote_helper(argv);
}
