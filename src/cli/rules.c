/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The verb rules: says what a file of rules allows, or judges existing commits by the code that judges a push. It must
 * change nothing in the repository.
 */

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/git.h"
#include "backend/rules_file.h"
#include "base/argument.h"
#include "base/fd.h"
#include "cli/cli.h"
#include "hook/ask.h"
#include "hook/push.h"
#include "rules/rules.h"
#include "rules/variables.h"
#include "rules/words.h"

enum {
    REFUSED = 1, /* exit status */
    MAX_WORDS = 4,
};

/* @words: FILE, and for a trial OLD, NEW and REF */
struct arguments {
    char *repository;
    const char *words[MAX_WORDS];
    int n_words;
    bool wants_help;
};

static void print_help(void) {
    printf("usage: git-gate rules FILE [--repo=PATH OLD NEW REF]\n"
           "\n"
           "Checks the rules in FILE, and says what they allow.\n"
           "\n"
           "  --repo=PATH  repository to try the rules in: may REF move from OLD to NEW? Exit status 1 means no\n"
           "\n"
           "OLD and NEW are revisions. OLD is 0 if the push would make REF, and NEW is 0 if it would delete REF.\n"
           "Commits that OLD leads to are not judged.\n");
}

static int parse(struct arguments *arguments, int argc, char *argv[], struct gate_error *error) {
    static const char *const names[] = {"repo", "help", NULL};

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            arguments->wants_help = true;
            return 0;
        }
        if (argument_take("--repo", argv, &i, &arguments->repository)) {
            if (!arguments->repository || !*arguments->repository) {
                return gate_error_set(error, GATE_E_USAGE, "--repo needs the path of a repository");
            }
        } else if (argv[i][0] == '-' && argv[i][1]) {
            return argument_refuse(argv[i], names, "--", "git-gate rules", error);
        } else if (arguments->n_words == MAX_WORDS) {
            return gate_error_set(error, GATE_E_USAGE, "'%.128s' is one argument too many", argv[i]);
        } else {
            arguments->words[arguments->n_words++] = argv[i];
        }
    }
    if (arguments->n_words != (arguments->repository ? MAX_WORDS : 1)) {
        return gate_error_set(error, GATE_E_USAGE, "%s; 'git-gate rules --help' says more",
                              arguments->repository ? "--repo needs FILE OLD NEW REF"
                                                    : "rules needs the path of a FILE");
    }
    return 0;
}

static bool is_none(const char *revision) {
    return *revision && push_is_zero(revision);
}

/* Writes the id of a revision; the empty string for none. */
static int resolve(char id[ASK_ID_MAX], const struct child_git *git, const char *revision, struct gate_error *error) {
    if (is_none(revision)) {
        *id = '\0';
        return 0;
    }
    return ask_id(id, git, revision) == 0
               ? 0
               : gate_error_set(error, GATE_E_USAGE, "'%.128s' is not a revision in '%.200s'", revision,
                                git->repository);
}

static void fill_zeros(char id[ASK_ID_MAX], const char *like) {
    if (!*id) {
        const size_t size = *like ? strlen(like) : 40;

        memset(id, '0', size);
        id[size] = '\0';
    }
}

static int try_push(struct push *push, const struct arguments *arguments, struct gate_error *error) {
    char old[ASK_ID_MAX];
    char new[ASK_ID_MAX];
    struct push_command command = {.old = old, .new = new, .name = arguments->words[3]};
    int r = resolve(old, &push->git, arguments->words[1], error);

    r = r ? r : resolve(new, &push->git, arguments->words[2], error);
    if (r) {
        return r;
    }
    push->base = old;
    if (*old) {
        fill_zeros(new, old);
    } else {
        push->base = "";
        fill_zeros(old, new);
        fill_zeros(new, old);
    }
    push->commands = &command;
    push->n_commands = 1;
    r = push_judge(push);
    if (r) {
        return gate_error_set(error, GATE_E_START, "it cannot be judged: %s; does 'git log' work there?", strerror(-r));
    }
    report_end(push->report);
    return 0;
}

static int try_rules(const struct rules *rules, const struct arguments *arguments, const char *exec_path,
                     struct gate_error *error) {
    struct report report = {.to = stdout};
    struct push push = {.rules = rules, .report = &report, .git.repository = arguments->repository};
    char program[PATH_MAX];
    int r;

    (void)snprintf(program, sizeof(program), "%s/git", exec_path);
    push.git.program = program;
    r = try_push(&push, arguments, error);
    if (!r && report.n_refusals == 0) {
        printf("allowed\n");
    }
    return r ? r : report.n_refusals > 0 ? REFUSED : 0;
}

static int run(const struct arguments *arguments, struct gate_error *error) {
    _cleanup_(git_deinit) struct git git = {0};
    _cleanup_(rules_deinit) struct rules rules = RULES_NONE;
    _cleanup_free_ char *text = NULL;
    /* NOLINTNEXTLINE(clang-analyzer-unix.StdCLibraryFunctions): there is a first word, or the arguments were refused */
    _cleanup_free_ char *path = realpath(arguments->words[0], NULL);
    int r = git_find(&git, "git", error);

    r = r ? r : rules_file_read(&text, path ? path : arguments->words[0], git.exec_path, NULL, error);
    r = r ? r : rules_parse(&rules, text + strlen(RULES_VERSION_LINE), error);
    if (r) {
        return r;
    }
    if (arguments->repository) {
        return try_rules(&rules, arguments, git.exec_path, error);
    }
    words_print(stdout, &rules);
    return 0;
}

int cli_rules(int argc, char *argv[]) {
    struct arguments arguments = {0};
    struct gate_error error = {0};
    int r = parse(&arguments, argc, argv, &error);

    if (!r && arguments.wants_help) {
        print_help();
        return 0;
    }
    r = r ? r : run(&arguments, &error);
    if (fflush(stdout) != 0 && r == 0) {
        r = gate_error_set(&error, GATE_E_INTERNAL, "cannot write to standard output");
    }
    return *error.message ? cli_fail(&error) : r;
}
