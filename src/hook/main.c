/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The program git-gate-hook: what git runs for its hooks while a gate has rules. The name that it is called by says for
 * which hook. As pre-receive it judges the push. Then, and as any other hook, it becomes the operator's hook of that name.
 * Without rules, with rules of another version, and when anything fails, it refuses.
 */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "hook/child.h"
#include "hook/push.h"
#include "hook/tell.h"
#include "rules/rules.h"
#include "rules/variables.h"

static int refuse(const char *why) {
    (void)fprintf(stderr, "refused: this push could not be judged: %s; tell the operator of this server\n", why);
    return EXIT_FAILURE;
}

/* Becomes the operator's hook. One that is missing or may not be executed is passed over, as git does. */
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

/* Reads all of standard input, and keeps it for the operator's hook. Return: its text, to be freed; NULL with errno. */
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

static int judge(struct push *push, char *text) {
    int r = push_parse(push, text);

    r = r ? r : push_judge(push);
    tell_kinds(push);
    if (r) {
        return refuse(r == -EIO ? "git has failed, or a commit changes too many paths for its memory" : strerror(-r));
    }
    report_end(push->report);
    return push->report->n_refusals > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int judge_with(const struct rules *rules, FILE *copy) {
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
    r = judge(&push, text);
    free(push.commands);
    return r;
}

static int pre_receive(char *argv[]) {
    const char *text = getenv(RULES_VARIABLE);
    _cleanup_(rules_deinit) struct rules rules = RULES_NONE;
    FILE *copy = child_input_open();
    struct gate_error error;
    int r;

    if (!copy) {
        return refuse("no memory");
    }
    if (!text || strncmp(text, RULES_VERSION_LINE, strlen(RULES_VERSION_LINE)) != 0) {
        return refuse("there are no rules, or they are those of another version");
    }
    if (rules_parse(&rules, text + strlen(RULES_VERSION_LINE), &error)) {
        return refuse("the rules are not understood");
    }
    r = judge_with(&rules, copy);
    if (r) {
        return r;
    }
    r = child_input_fd(copy);
    if (r < 0 || dup2(r, STDIN_FILENO) < 0) {
        return refuse("its commands cannot be handed on");
    }
    return become_hook("pre-receive", argv);
}

int main(int argc, char *argv[]) {
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    char name[NAME_MAX + 1];

    tell_begin();
    if (!slash || snprintf(name, sizeof(name), "%s", slash + 1) >= (int)sizeof(name)) {
        (void)fprintf(stderr, "git-gate-hook: git runs this for its hooks, while a gate has rules\n");
        return EXIT_FAILURE;
    }
    return strcmp(name, "pre-receive") == 0 ? pre_receive(argv) : become_hook(name, argv);
}
