/* SPDX-License-Identifier: Apache-2.0 */

/* The program git-gate: finds the verb and calls it. */

#include <stdio.h>
#include <string.h>

#include "access/route.h"
#include "base/argument.h"
#include "base/standard_fds.h"
#include "cli/cli.h"

static const struct {
    const char *name;
    int (*run)(int argc, char *argv[]);
    const char *usage;
} verbs[] = {
    {"serve", cli_serve, "serve [OPTIONS] [REPOSITORY]   serve a repository over HTTP"},
    {"mint", cli_mint, "mint [--prefix=PREFIX]         print a fresh token"},
    {"check", cli_check, "check [OPTIONS]                would a git client be served?"},
    {"rules", cli_rules, "rules FILE [OPTIONS]           what does a file of rules allow?"},
    {"old", cli_old, "old list|restore|prune REPO    tips that --keep-old kept"},
    {"bridge", cli_bridge, "bridge --listen=HOST:PORT      a loopback port that leads to a gate's socket"},
    {"demo", cli_demo, "demo                           see all of it at work, in a temporary folder"},
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
    printf("       git-gate --version | --help | help [VERB] | VERB --help\n"
           "\n"
           "See git-gate(1).\n");
}

/* Whether the name of the argument, without a value, is one of @names. */
static bool is_option(const char *argument, const char *const *names) {
    const size_t size = (size_t)argument_name_size(argument);

    for (; *names; names++) {
        if (size == 2 + strlen(*names) && memcmp(argument, "--", 2) == 0 &&
            memcmp(argument + 2, *names, size - 2) == 0) {
            return true;
        }
    }
    return false;
}

/* Refuses an option in place of a verb. A token may follow "=". */
static int refuse_option(const char *argument, struct gate_error *error) {
    static const char *const own[] = {"version", "help", NULL};
    const char *serves[CONFIG_NAMES_MAX];
    const int size = argument_name_size(argument);
    char hint[ARGUMENT_HINT_MAX];

    (void)config_option_names(serves, false);
    if (is_option(argument, serves)) {
        return gate_error_set(error, GATE_E_USAGE,
                              "%.*s comes before the verb; say 'git-gate serve %.*s', or another verb", size, argument,
                              size, argument);
    }
    argument_hint(hint, argument, (size_t)size, own, "--");
    return *hint ? argument_refuse(argument, own, "--", "git-gate", error)
                 : argument_refuse(argument, serves, "git-gate serve --", "git-gate", error);
}

static bool looks_like_repository(const char *word) {
    return strchr(word, '/') || route_folder_is_repository(span_of(word));
}

static int refuse_verb(const char *word, struct gate_error *error) {
    const char *names[N_VERBS + 2];
    char hint[ARGUMENT_HINT_MAX];

    if (looks_like_repository(word)) {
        return gate_error_set(error, GATE_E_USAGE,
                              "'%.128s' is not a verb; to serve it, say 'git-gate serve REPOSITORY'", word);
    }
    for (size_t i = 0; i < N_VERBS; i++) {
        names[i] = verbs[i].name;
    }
    names[N_VERBS] = "help";
    names[N_VERBS + 1] = NULL;
    argument_hint(hint, word, strlen(word), names, "");
    return gate_error_set(error, GATE_E_USAGE, "there is no verb '%.64s'%s%s 'git-gate --help' lists them", word, hint,
                          *hint ? "" : ";");
}

static int run(int argc, char *argv[]) {
    struct gate_error error;

    if (argc == 0) {
        (void)gate_error_set(&error, GATE_E_USAGE, "say what to do; 'git-gate --help' lists it");
        return cli_fail(&error);
    }
    for (size_t i = 0; i < N_VERBS; i++) {
        if (strcmp(argv[0], verbs[i].name) == 0) {
            return verbs[i].run(argc, argv);
        }
    }
    (void)(argv[0][0] == '-' ? refuse_option(argv[0], &error) : refuse_verb(argv[0], &error));
    return cli_fail(&error);
}

/* Prints the help of git-gate or of one verb. @argv: the arguments after "help". */
static int help(int argc, char *argv[]) {
    char option[] = "--help";
    char *arguments[] = {argc > 0 ? argv[0] : NULL, option, NULL};
    struct gate_error error;

    if (argc > 1) {
        (void)gate_error_set(&error, GATE_E_USAGE, "help takes one verb; 'git-gate --help' lists them");
        return cli_fail(&error);
    }
    if (argc == 0 || strcmp(argv[0], "help") == 0) {
        print_help();
        return 0;
    }
    return run(2, arguments);
}

int main(int argc, char *argv[]) {
    const char *verb = argc > 1 ? argv[1] : "";
    int r = standard_fds_open();

    if (r) {
        struct gate_error error;

        (void)gate_error_set(&error, GATE_E_INTERNAL, "cannot open /dev/null: %s", strerror(-r));
        return cli_fail(&error);
    }
    if (strcmp(verb, "--version") == 0 || strcmp(verb, "-V") == 0) {
        printf("git-gate %s\n", GIT_GATE_VERSION);
        return 0;
    }
    if (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0) {
        print_help();
        return 0;
    }
    if (strcmp(verb, "help") == 0) {
        return help(argc - 2, argv + 2);
    }
    return run(argc > 1 ? argc - 1 : 0, argv + 1);
}
