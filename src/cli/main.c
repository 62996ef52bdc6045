/* SPDX-License-Identifier: Apache-2.0 */

/* git-gate: which verb? */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

static const struct {
    const char *name;
    int (*run)(int argc, char *argv[]);
    const char *usage;
} verbs[] = {
    {"serve", cli_serve, "serve [OPTIONS] [REPOSITORY]   serve a repository over HTTP"},
    {"mint", cli_mint, "mint [--prefix=PREFIX]         print a fresh token"},
    {"check", cli_check, "check [OPTIONS] --repo=NAME    would a git client be served?"},
    {"bridge", cli_bridge, "bridge --listen=HOST:PORT      a loopback port that leads to a gate's socket"},
};

enum {
    N_VERBS = sizeof(verbs) / sizeof(verbs[0]),
};

int cli_fail(const struct gate_error *error) {
    (void)fprintf(stderr, "git-gate: %s\n", error->message);
    return error->code;
}

static void print_help(void) {
    printf("git-gate: an HTTP gate in front of one git repository\n\n");
    for (size_t i = 0; i < N_VERBS; i++) {
        printf("%s git-gate %s\n", i == 0 ? "usage:" : "      ", verbs[i].usage);
    }
    printf("       git-gate --version | --help | VERB --help\n"
           "\n"
           "See git-gate(1).\n");
}

/*
 * A descriptor that the gate opens must never become 0, 1 or 2, whatever was closed when it began. What stands in for
 * them can be read alone, so that whoever prints learns that nobody sees it.
 */
static int open_standard_descriptors(void) {
    int fd;

    do {
        fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    return fd < 0 ? -errno : close(fd);
}

int main(int argc, char *argv[]) {
    struct gate_error error;
    const char *verb = argc > 1 ? argv[1] : "";

    if (open_standard_descriptors() < 0) {
        (void)gate_error_set(&error, GATE_E_INTERNAL, "cannot open /dev/null: %s", strerror(errno));
        return cli_fail(&error);
    }
    for (size_t i = 0; i < N_VERBS; i++) {
        if (strcmp(verb, verbs[i].name) == 0) {
            return verbs[i].run(argc - 1, argv + 1);
        }
    }
    if (strcmp(verb, "--version") == 0) {
        printf("git-gate %s\n", GIT_GATE_VERSION);
        return 0;
    }
    if (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0) {
        print_help();
        return 0;
    }
    (void)gate_error_set(&error, GATE_E_USAGE,
                         *verb ? "there is no verb '%.64s'; 'git-gate --help' lists them"
                               : "say what to do%s; 'git-gate --help' lists it",
                         verb);
    return cli_fail(&error);
}
