/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The verb old: lists the tips that --keep-old kept, puts some back, or removes old ones. The repository may be
 * hostile. So git must not run in it before hostile_repository_examine() has found it safe.
 */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backend/git.h"
#include "backend/hostile_repository.h"
#include "base/argument.h"
#include "base/fd.h"
#include "cli/cli.h"
#include "cli/old_list.h"
#include "hook/keep.h"
#include "rules/variables.h"
#include "rules/words.h"

enum {
    WORDS_MAX = 4, /* what to do, REPOSITORY, ENTRY, REF */
};

struct arguments {
    char *age;
    const char *words[WORDS_MAX];
    int n_words;
    bool wants_help;
};

static void print_help(void) {
    printf("usage: git-gate old list REPOSITORY\n"
           "       git-gate old restore REPOSITORY REF | ENTRY [REF]\n"
           "       git-gate old prune REPOSITORY --older-than=AGE\n"
           "\n"
           "Tips that references have lost by a push, and that --keep-old kept.\n"
           "\n"
           "list prints one tip a line, the oldest first: ENTRY, how it was lost, its id, and the\n"
           "reference. ENTRY begins with the time in UTC, and is the same for all tips that one push\n"
           "took. restore puts back the last tip that REF lost, or the tips of ENTRY. If REF exists,\n"
           "its own tip is kept in turn. prune removes tips that were kept for longer than AGE.\n"
           "\n"
           "  --older-than=AGE  the age of the tips to remove: a number and s, m, h, d or w, as 30d\n");
}

static int take_word(struct arguments *arguments, const char *word, struct gate_error *error) {
    if (arguments->n_words == WORDS_MAX) {
        return gate_error_set(error, GATE_E_USAGE, "'%.128s' is one argument too many", word);
    }
    arguments->words[arguments->n_words++] = word;
    return 0;
}

static int parse(struct arguments *arguments, int argc, char *argv[], struct gate_error *error) {
    static const char *const once[] = {"--older-than", NULL};
    static const char *const names[] = {"older-than", "help", NULL};
    int r = argument_check_once(argv, once, "old", error);

    for (int i = 1; i < argc && !r; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            arguments->wants_help = true;
            return 0;
        }
        if (argument_take("--older-than", argv, &i, &arguments->age)) {
            r = arguments->age ? 0 : gate_error_set(error, GATE_E_USAGE, "--older-than needs an age, as 30d");
        } else if (argv[i][0] == '-') {
            r = argument_refuse(argv[i], names, "--", "git-gate old", error);
        } else {
            r = take_word(arguments, argv[i], error);
        }
    }
    return r;
}

/* ---- what to do ---- */

static int list(struct old_list *old, const struct arguments *arguments, const struct child_git *git,
                struct gate_error *error) {
    (void)arguments;
    (void)git;
    (void)error;
    for (size_t i = 0; i < old->n_tips; i++) {
        const struct old_tip *tip = &old->tips[i];
        char entry[WORDS_QUOTED_MAX_BYTES];
        char how[WORDS_QUOTED_MAX_BYTES];
        char name[WORDS_QUOTED_MAX_BYTES];

        words_quote(entry, tip->entry, strlen(tip->entry));
        words_quote(how, tip->how, strlen(tip->how));
        words_quote(name, tip->name, strlen(tip->name));
        printf("%s %-8s %s %s\n", entry, how, tip->id, name);
    }
    return 0;
}

/*
 * Chooses the last tip of a reference, all tips of an entry, or the tip of one reference in an entry. Return: their
 * number.
 */
static size_t choose(struct old_list *old, const struct arguments *arguments) {
    const char *entry = arguments->words[2];
    const char *name = arguments->words[3];
    size_t n = 0;

    for (size_t i = old->n_tips; i > 0; i--) {
        struct old_tip *tip = &old->tips[i - 1];

        if (strncmp(entry, "refs/", strlen("refs/")) == 0) {
            tip->chosen = n == 0 && !name && strcmp(tip->name, entry) == 0;
        } else {
            tip->chosen = strcmp(tip->entry, entry) == 0 && (!name || strcmp(tip->name, name) == 0);
        }
        n += tip->chosen;
    }
    return n;
}

static int restore(struct old_list *old, const struct arguments *arguments, const struct child_git *git,
                   struct gate_error *error) {
    if (choose(old, arguments) == 0) {
        return gate_error_set(
            error, GATE_E_USAGE,
            "nothing like that is kept: 'git-gate old list' lists the kept tips; a reference is named in full, "
            "as refs/heads/main");
    }
    return old_restore(old, git, error);
}

/* Return: 0; -EINVAL. @agep: in seconds */
static int parse_age(time_t *agep, const char *text) {
    static const char units[] = "smhdw";
    static const long seconds[] = {1, 60, 3600, 86400, 604800};
    char *end;
    const char *unit;
    long number;

    errno = 0;
    number = strtol(text, &end, 10);
    unit = *end && !end[1] ? strchr(units, *end) : NULL;
    if (errno || *text < '0' || *text > '9' || !unit || number > LONG_MAX / seconds[unit - units]) {
        return -EINVAL;
    }
    *agep = number * seconds[unit - units];
    return 0;
}

static int remove_older(const struct old_list *old, const char *bound, const struct child_git *git,
                        size_t *n_removedp) {
    FILE *input = child_input_open();
    int r;

    if (!input) {
        return -errno;
    }
    *n_removedp = 0;
    for (size_t i = 0; i < old->n_tips; i++) {
        const struct old_tip *tip = &old->tips[i];

        if (strncmp(tip->entry, bound, strlen(bound)) < 0) {
            (void)fprintf(input, "delete " KEEP_PREFIX "/%s/%s/%s%c%s%c", tip->entry, tip->how, tip->name, '\0',
                          tip->id, '\0');
            ++*n_removedp;
        }
    }
    r = *n_removedp > 0 ? keep_update(git, input) : 0;
    (void)fclose(input);
    return r;
}

static int prune(struct old_list *old, const struct arguments *arguments, const struct child_git *git,
                 struct gate_error *error) {
    const time_t now = time(NULL);
    char bound[KEEP_ENTRY_MAX];
    size_t n_removed = 0;
    time_t age;
    int r;

    if (parse_age(&age, arguments->age) || age > now) {
        return gate_error_set(error, GATE_E_USAGE,
                              "--older-than=%.64s is not an age: a number and s, m, h, d or w, as 30d", arguments->age);
    }
    r = keep_name_time(bound, now - age + (age == 0)); /* an age of 0 includes this second */
    r = r ? r : remove_older(old, bound, git, &n_removed);
    if (r) {
        return gate_error_set(error, GATE_E_START,
                              "git has removed nothing: %s; try again when no other git is at work there",
                              strerror(-r));
    }
    printf("removed %zu, kept %zu\n", n_removed, old->n_tips - n_removed);
    return 0;
}

static const struct {
    const char *name;
    int n_words_min;
    int n_words_max;
    bool has_age;
    int (*run)(struct old_list *old, const struct arguments *arguments, const struct child_git *git,
               struct gate_error *error);
} acts[] = {
    {"list", 2, 2, false, list},
    {"restore", 3, 4, false, restore},
    {"prune", 2, 2, true, prune},
};

enum {
    N_ACTS = sizeof(acts) / sizeof(acts[0]),
};

/* Return: the index in acts; N_ACTS with @error if the arguments are wrong. */
static size_t find_act(const struct arguments *arguments, struct gate_error *error) {
    size_t i = 0;

    while (i < N_ACTS && (arguments->n_words == 0 || strcmp(arguments->words[0], acts[i].name) != 0)) {
        i++;
    }
    if (i == N_ACTS) {
        (void)gate_error_set(error, GATE_E_USAGE, "say list, restore or prune; 'git-gate old --help' says more");
    } else if (arguments->n_words < acts[i].n_words_min || arguments->n_words > acts[i].n_words_max ||
               (arguments->age != NULL) != acts[i].has_age) {
        (void)gate_error_set(error, GATE_E_USAGE, "old %s takes other arguments; 'git-gate old --help' says which",
                             acts[i].name);
        i = N_ACTS;
    }
    return i;
}

/* ---- the repository ---- */

static int examine(const char *path, struct gate_error *error) {
    char yes[] = "yes";
    char *const alternates[] = {yes, NULL};
    const struct hostile_repository_policy policy = {.alternates = alternates, .is_local = true, .follows_links = true};
    struct hostile_repository_finding finding = {0};
    char head[PATH_MAX];
    int r;

    if (snprintf(head, sizeof(head), "%s/HEAD", path) >= (int)sizeof(head) || access(head, F_OK) < 0) {
        return gate_error_set(error, GATE_E_USAGE, "'%.200s' is not a bare repository, or cannot be read: %s", path,
                              strerror(errno));
    }
    r = hostile_repository_examine(&finding, &policy, path, NULL);
    return r == 0  ? 0
           : r > 0 ? gate_error_set(error, GATE_E_START, "git is not started for '%.200s': %s", path, finding.reason)
                   : gate_error_set(error, GATE_E_START, "cannot look at '%.200s': %s", path, strerror(-r));
}

static int run(const struct arguments *arguments, size_t act, struct gate_error *error) {
    _cleanup_(git_deinit) struct git git = {0};
    _cleanup_(old_list_deinit) struct old_list old = {0};
    _cleanup_free_ char *path = realpath(arguments->words[1], NULL);
    char program[PATH_MAX];
    const struct child_git child = {.program = program, .repository = path};
    int r;

    if (!path) {
        return gate_error_set(error, GATE_E_USAGE, "there is no repository '%.200s': %s", arguments->words[1],
                              strerror(errno));
    }
    r = examine(path, error);
    r = r ? r : git_find(&git, "git", error);
    if (r) {
        return r;
    }
    (void)snprintf(program, sizeof(program), "%s/git", git.exec_path);
    r = old_list_read(&old, &child, error);
    return r ? r : acts[act].run(&old, arguments, &child, error);
}

int cli_old(int argc, char *argv[]) {
    struct arguments arguments = {0};
    struct gate_error error = {0};
    int r = parse(&arguments, argc, argv, &error);
    size_t act;

    if (!r && arguments.wants_help) {
        print_help();
        return 0;
    }
    if (!r) {
        act = find_act(&arguments, &error);
        r = act < N_ACTS ? run(&arguments, act, &error) : GATE_E_USAGE;
    }
    if (fflush(stdout) != 0 && r == 0) {
        r = gate_error_set(&error, GATE_E_INTERNAL, "cannot write to standard output");
    }
    return r ? cli_fail(&error) : 0;
}
