/* SPDX-License-Identifier: Apache-2.0 */

/* The verb demo: shows one task and its gate step by step, with the real git and a real gate. */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/argument.h"
#include "cli/cli.h"
#include "cli/demo_site.h"

static const char rules[] = "[refs \"refs/heads/task/*\"]\n"
                            "    update = any\n"
                            "[paths]\n"
                            "    deny = ci/**\n";

/* A stream of git-fast-import(1). */
static const char first_commit[] = "commit refs/heads/main\n"
                                   "committer The host <host@example.org> now\n"
                                   "data 5\nBegin\n"
                                   "M 100644 inline README\ndata 6\nHello\n\n"
                                   "M 100644 inline ci/checks\ndata 9\nrun tests\n\n";

static void print_help(void) {
    printf("usage: git-gate demo\n"
           "\n"
           "Shows what a gate does, by a real one: it makes a repository, serves it under rules,\n"
           "clones it, and pushes twice. The gate takes the first push and refuses the second.\n"
           "\n"
           "All of it happens in a temporary folder, which is removed at the end. On a terminal,\n"
           "the gate then serves until you press Enter.\n");
}

static int prepare(struct demo_site *site, struct gate_error *error) {
    static const char *const init[] = {"init", "--quiet", "--bare", "--initial-branch=main", "demo.git", NULL};
    static const char *const import[] = {"-C", "demo.git", "fast-import", "--quiet", "--date-format=now", NULL};
    int r = demo_site_write(site, "rules", rules, error);

    r = r ? r : demo_site_write(site, "first-commit", first_commit, error);
    r = r ? r : demo_site_git(site, ".", init, NULL, true, error);
    return r ? r : demo_site_git(site, ".", import, "first-commit", true, error);
}

static void print_rules(void) {
    for (const char *line = rules; *line; line = strchr(line, '\n') + 1) {
        printf("    %.*s\n", (int)strcspn(line, "\n"), line);
    }
}

static int clone(struct demo_site *site, const char *command, struct gate_error *error) {
    const char *const words[] = {"clone", command + strlen("git clone "), NULL};

    printf("    $ %s\n", command);
    return demo_site_git(site, ".", words, NULL, true, error);
}

/* Changes a file of the clone, commits and pushes it, as the printed commands would. @takes: the gate takes the push */
static int push_change(struct demo_site *site, const char *name, const char *text, const char *branch, bool takes,
                       struct gate_error *error) {
    char path[64];
    char target[64];
    const char *const commit[] = {"commit", "--quiet", "--all", "-m", text, NULL};
    const char *const push[] = {"push", "origin", target, NULL};
    int r;

    (void)snprintf(path, sizeof(path), "demo/%s", name);
    (void)snprintf(target, sizeof(target), "HEAD:refs/heads/%s", branch);
    printf("    $ echo '%s' >%s\n"
           "    $ git commit --quiet --all -m '%s'\n"
           "    $ git push origin %s\n",
           text, name, text, target);
    r = demo_site_write(site, path, text, error);
    r = r ? r : demo_site_git(site, "demo", commit, NULL, true, error);
    r = r ? r : demo_site_git(site, "demo", push, NULL, takes, error);
    if (!r) {
        printf("\n    The gate's log says of it:\n\n");
    }
    return r ? r : demo_site_print_push(site, error);
}

static int follow(struct demo_site *site, struct gate_error *error) {
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        return 0;
    }
    printf("\nThe gate serves until you press Enter: paste its last line into another terminal.\n\n");
    return demo_site_follow(site, error);
}

static int tell(struct demo_site *site, struct gate_error *error) {
    char command[DEMO_ANSWER_MAX];
    int r = prepare(site, error);

    if (r) {
        return r;
    }
    printf("All of this happens in %s, which is removed at the end.\n\n"
           "1. The host has a repository, demo.git, and rules for what may be pushed to it:\n\n",
           site->folder);
    print_rules();
    printf("\n2. The host starts a gate, which makes a token and prints the line to paste:\n\n"
           "    $ git-gate serve --rules=rules demo.git\n");
    r = demo_site_serve(site, "rules", "demo.git", command, error);
    if (r) {
        return r;
    }
    printf("\n3. The task pastes that line, and gets a clone:\n\n");
    r = clone(site, command, error);
    if (r) {
        return r;
    }
    printf("\n4. It pushes to a branch that the rules allow. The gate takes the push:\n\n");
    r = push_change(site, "README", "Hello from a task", "task/hello", true, error);
    if (r) {
        return r;
    }
    printf("\n5. It changes a path that the rules deny. The gate refuses the push, and says why:\n\n");
    r = push_change(site, "ci/checks", "run nothing", "task/checks", false, error);
    return r ? r : follow(site, error);
}

static int parse(int argc, char *argv[], bool *wants_helpp, struct gate_error *error) {
    static const char *const names[] = {"help", NULL};

    *wants_helpp = argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
    if (argc == 1 || *wants_helpp) {
        return 0;
    }
    return argv[1][0] == '-' ? argument_refuse(argv[1], names, "--", "git-gate demo", error)
                             : gate_error_set(error, GATE_E_USAGE, "demo takes no arguments");
}

int cli_demo(int argc, char *argv[]) {
    struct demo_site site;
    struct gate_error error = {0};
    struct gate_error error_at_end = {0};
    bool wants_help;
    int r = parse(argc, argv, &wants_help, &error);

    if (r) {
        return cli_fail(&error);
    }
    if (wants_help) {
        print_help();
        return 0;
    }
    r = demo_site_begin(&site, &error);
    r = r ? r : tell(&site, &error);
    if (demo_site_end(&site, &error_at_end) != 0) {
        (void)cli_fail(&error_at_end);
        r = r > 0 ? r : error_at_end.code;
    }
    if ((fflush(stdout) != 0 || ferror(stdout)) && r <= 0) {
        r = gate_error_set(&error, GATE_E_INTERNAL, "cannot write to standard output");
    }
    return *error.message ? cli_fail(&error) : r > 0 ? r : 0;
}
