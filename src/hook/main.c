/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The program git-gate-hook. git runs it for its hooks while a gate has rules or keeps old tips; its name is that of
 * the hook. As pre-receive it judges the push, and keeps the old tips that references would lose. Then it becomes the
 * operator's hook of the same name, or runs it. As any other hook it only becomes that one.
 *
 * As pre-receive it must refuse when anything fails, when no gate has asked it for anything, and when the rules are
 * those of another version.
 */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "hook/child.h"
#include "hook/keep.h"
#include "hook/push.h"
#include "hook/tell.h"
#include "rules/rules.h"
#include "rules/variables.h"

static int refuse(const char *why) {
    (void)fprintf(stderr, "refused: this push could not be judged: %s; tell the operator of this server\n", why);
    return EXIT_FAILURE;
}

/* Becomes the operator's hook. If that is missing or may not be executed, it is skipped, as by git. */
static int become_hook(const char *name, char *argv[]) {
    const char *folder = getenv(RULES_HOOKS_VARIABLE);
    char path[PATH_MAX];

    if (!folder || snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path) || access(path, X_OK) < 0) {
        return strcmp(name, "proc-receive") == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    }
    argv[0] = path;
    (void)execv(path, argv);
    (void)fprintf(stderr, "a hook of this server cannot be executed: %s\n", strerror(errno));
    return EXIT_FAILURE;
}

/* Reads standard input, and copies it for the operator's hook. Return: its text, to be freed; NULL with errno. */
static char *read_input(FILE *copy) {
    char *text = malloc(PUSH_MAX_BYTES + 1);
    size_t size = text ? fread(text, 1, PUSH_MAX_BYTES + 1, stdin) : 0;

    if (text &&
        (size > PUSH_MAX_BYTES || ferror(stdin) || memchr(text, '\0', size) || fwrite(text, 1, size, copy) != size)) {
        free(text);
        errno = E2BIG;
        return NULL;
    }
    if (text) {
        text[size] = '\0';
    }
    return text;
}

/* Return: an exit status. */
static int judge(struct push *push) {
    int r = push->rules ? push_judge(push) : 0;

    if (r) {
        return refuse(r == -EIO ? "git has failed, or a commit changes too many paths for its memory" : strerror(-r));
    }
    report_end(push->report);
    return push->report->n_refusals > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* The operator's hook reads the same input. */
static int hand_on_input(FILE *copy) {
    int fd = child_input_fd(copy);

    return fd < 0 || dup2(fd, STDIN_FILENO) < 0 ? refuse("its commands cannot be handed on") : EXIT_SUCCESS;
}

/* Runs the operator's pre-receive, and returns. */
static int run_hook(FILE *copy, char *argv[]) {
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        _exit(hand_on_input(copy) ? EXIT_FAILURE : become_hook("pre-receive", argv));
    }
    if (pid < 0) {
        return refuse(strerror(errno));
    }
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            return refuse(strerror(errno));
        }
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

static int refuse_to_lose(void) {
    (void)fprintf(stderr,
                  "refused: this server keeps old tips, and could not keep those of this push; fetch, and try again\n");
    return EXIT_FAILURE;
}

/* The operator's hook runs first, so that nothing is kept of a push that it refuses. */
static int keep(const struct push *push, const struct keep_tip *tips, size_t n_tips, FILE *copy, char *argv[]) {
    char entry[KEEP_ENTRY_MAX];
    int r = run_hook(copy, argv);

    if (r) {
        return r;
    }
    r = keep_name_entry(entry);
    r = r ? r : keep_write(&push->git, entry, tips, n_tips);
    return r ? refuse_to_lose() : EXIT_SUCCESS;
}

/* Judges, then becomes the operator's hook if no tip is lost. The operator's hooks must not tell the gate anything. */
static int take_commands(struct push *push, FILE *copy, char *argv[]) {
    _cleanup_free_ struct keep_tip *tips = NULL;
    size_t n_tips = 0;
    int r = judge(push);

    if (!r && getenv(KEEP_VARIABLE) && keep_find(&tips, &n_tips, push)) {
        r = refuse_to_lose();
    }
    tell_kinds(push);
    if (r) {
        return r;
    }
    if (n_tips > 0) {
        return keep(push, tips, n_tips, copy, argv);
    }
    return hand_on_input(copy) ? EXIT_FAILURE : become_hook("pre-receive", argv);
}

static int take_push(const struct rules *rules, FILE *copy, char *argv[]) {
    const char *exec_path = getenv("GIT_EXEC_PATH");
    struct report report = {.to = stderr};
    struct push push = {.rules = rules, .report = &report};
    _cleanup_free_ char *text = NULL;
    char program[PATH_MAX];
    int r;

    if (!exec_path || snprintf(program, sizeof(program), "%s/git", exec_path) >= (int)sizeof(program)) {
        return refuse("git is not known");
    }
    push.git.program = program;
    text = read_input(copy);
    if (!text) {
        return refuse("it moves too many references at once");
    }
    r = push_parse(&push, text);
    r = r ? refuse(strerror(-r)) : take_commands(&push, copy, argv);
    free(push.commands);
    return r;
}

static int pre_receive(char *argv[]) {
    const char *text = getenv(RULES_VARIABLE);
    _cleanup_(rules_deinit) struct rules rules = RULES_NONE;
    FILE *copy = child_input_open();
    struct gate_error error;

    if (!copy) {
        return refuse("no memory");
    }
    if (!text && getenv(KEEP_VARIABLE)) {
        return take_push(NULL, copy, argv);
    }
    if (!text || strncmp(text, RULES_VERSION_LINE, strlen(RULES_VERSION_LINE)) != 0) {
        return refuse("there are no rules, or they are those of another version");
    }
    if (rules_parse(&rules, text + strlen(RULES_VERSION_LINE), &error)) {
        return refuse("the rules are not understood");
    }
    return take_push(&rules, copy, argv);
}

int main(int argc, char *argv[]) {
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    char name[NAME_MAX + 1];

    tell_begin();
    if (!slash || snprintf(name, sizeof(name), "%s", slash + 1) >= (int)sizeof(name)) {
        (void)fprintf(stderr, "git-gate-hook: git runs this for its hooks, while a gate has rules or keeps old tips\n");
        return EXIT_FAILURE;
    }
    return strcmp(name, "pre-receive") == 0 ? pre_receive(argv) : become_hook(name, argv);
}
