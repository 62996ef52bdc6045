/* SPDX-License-Identifier: Apache-2.0 */

/* The verb serve: reads the options, and runs a server with them. */

#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "cli/cli.h"
#include "cli/program.h"
#include "cli/serve_defaults.h"
#include "library/config.h"

static void print_help(void) {
    printf("usage: git-gate serve [OPTIONS] [REPOSITORY]\n"
           "\n"
           "Serves one bare git repository over HTTP to whoever carries the token.\n"
           "REPOSITORY is DIR/NAME.git, short for --mirror-root=DIR --scope=NAME; with it and\n"
           "no transport, the gate listens on 127.0.0.1 and a port that the kernel picks.\n"
           "\n"
           "The token comes from --token-file, the variable GIT_GATE_TOKEN, or the file\n"
           "git-gate.token in $CREDENTIALS_DIRECTORY; with none of them a fresh one is made\n"
           "and printed, unless that would be to systemd's journal.\n"
           "\n");
    options_print_help();
}

static void free_config(struct gate_config **configp) {
    gate_config_free(*configp);
}

int cli_serve(int argc, char *argv[]) {
    _cleanup_(free_config) struct gate_config *config = NULL;
    struct gate_error error = {0};
    const char *repository;
    const pid_t parent = getppid(); /* first of all: after its end, another process would be the parent */
    bool wants_help;
    bool minted = false;
    int r;

    if (gate_config_new(&config) < 0 || gate_config_set(config, "log-fd", "2", NULL) != 0) {
        (void)gate_error_set(&error, GATE_E_INTERNAL, "out of memory");
        return cli_fail(&error);
    }
    r = options_parse(config, argc, argv, &repository, &wants_help, &error);
    if (!r && wants_help) {
        print_help();
        return 0;
    }
    r = r ? r : serve_defaults_complete(config, repository, &minted, &error);
    r = r ? r : config_resolve(config, &error);
    config->settings.parent = parent;
    r = r ? r : program_run(config, minted, &error);
    return r ? cli_fail(&error) : 0;
}
