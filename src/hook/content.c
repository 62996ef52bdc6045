/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Judges the commits of a push. A few processes of git serve any number of commits. One tells the changes of each
 * commit that no reference leads to yet, and another one lists all objects that came, with their sizes. A merge is
 * compared with all of its parents at once. A path that is as in one parent was judged with that parent, or was there
 * before. merges.c finds the changes of other parents that the merge drops.
 *
 * The change of each commit is judged, and not only their sum: a file that one commit adds and the next one removes
 * stays in the history for everybody. When judging fails, the caller must refuse the push.
 */

#include "hook/content.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "hook/arrivals.h"
#include "hook/changes.h"
#include "hook/child.h"
#include "hook/findings.h"
#include "hook/headers.h"
#include "hook/merges.h"
#include "hook/push.h"
#include "hook/sizes.h"
#include "hook/walk.h"
#include "rules/glob.h"
#include "rules/path.h"
#include "rules/words.h"

enum {
    MODE_TYPE = 0170000,
    MODE_SYMLINK = 0120000,
    MODE_SUBMODULE = 0160000,
    MODE_EXECUTABLE = 0100755,
    JUDGED = 2, /* ends merges_judge() */
};

/*
 * @update: the only command of the push, if it moves a reference, and only while all commits so far are ancestors of
 *          its new tip; otherwise NULL
 * @n_commits, @has_merges: of the commits so far
 * @has_strays: commits were judged to which no reference of the push may lead
 */
struct judge {
    struct push *push;
    struct push_command *update;
    struct findings findings;
    struct headers headers;
    struct sizes sizes;
    struct arrivals arrivals;
    uint64_t n_commits;
    bool has_merges;
    bool has_strays;
};

/* ---- paths ---- */

static bool denies(const char *pattern, const char *path, bool leads_elsewhere) {
    const unsigned hits = glob_match_path(pattern, path);

    return (hits & (GLOB_WHOLE | GLOB_INSIDE | GLOB_FOLDER)) || (leads_elsewhere && (hits & GLOB_ABOVE));
}

static bool allows(const char *pattern, const char *path) {
    const unsigned hits = glob_match_path(pattern, path);

    return (hits & GLOB_WHOLE) || (!glob_has_wildcard(pattern) && (hits & GLOB_INSIDE));
}

/* Return: the pattern that forbids to touch a path; NULL for none. */
static const char *find_denial(const struct rules *rules, const char *path, bool leads_elsewhere) {
    for (size_t i = 0; i < rules->deny_paths.n_items; i++) {
        if (denies(rules->deny_paths.items[i], path, leads_elsewhere)) {
            return rules->deny_paths.items[i];
        }
    }
    return NULL;
}

static bool is_allowed(const struct rules *rules, const char *path) {
    for (size_t i = 0; i < rules->allow_paths.n_items; i++) {
        if (allows(rules->allow_paths.items[i], path)) {
            return true;
        }
    }
    return rules->allow_paths.n_items == 0;
}

static const char *const fault_words[] = {
    [PATH_TOO_LONG] = "is too long to be judged",
    [PATH_SHORT_NAME] = "has a name such as NAME~1, which Windows takes for another one",
    [PATH_UNCLEAR] = "has a name of dots or spaces, which Windows takes for another one",
};

static void judge_path(struct judge *judge, const char *commit, const struct changes_file *file, const char *quoted) {
    const struct rules *rules = judge->push->rules;
    const unsigned type = file->mode & MODE_TYPE;
    char folded[PATH_FOLDED_MAX_BYTES];
    const enum path_fault fault =
        file->path_size < sizeof(file->path) ? path_fold(folded, file->path, file->path_size) : PATH_TOO_LONG;
    const bool leads_elsewhere = type == MODE_SYMLINK || type == MODE_SUBMODULE;
    bool has_two; /* spellings */
    const char *denial;
    char words[WORDS_MAX_BYTES];

    if (fault != PATH_FINE) {
        findings_add(&judge->findings, commit, "the path %s %s; rename it", quoted, fault_words[fault]);
        return;
    }
    has_two = strcmp(file->path, folded) != 0;
    denial = find_denial(rules, file->path, leads_elsewhere);
    denial = denial || !has_two ? denial : find_denial(rules, folded, leads_elsewhere);
    if (denial) {
        findings_add(&judge->findings, commit, "it touches %s, which no commit may: paths that fit %.254s are kept",
                     quoted, denial);
    } else if (!is_allowed(rules, file->path) || (has_two && !is_allowed(rules, folded))) {
        words_of_list(words, &rules->allow_paths);
        findings_add(&judge->findings, commit, "it touches %s; commits may touch only: %s", quoted, words);
    }
}

/* Judges a path whose change a merge drops, as if the merge touched it. Its mode was judged where the path changed. */
static int judge_dropped(const char *commit, const struct changes_file *file, void *userdata) {
    struct judge *judge = userdata;
    const size_t stored = file->path_size < sizeof(file->path) ? file->path_size : sizeof(file->path) - 1;
    char quoted[WORDS_QUOTED_MAX_BYTES];

    words_quote(quoted, file->path, stored);
    judge_path(judge, commit, file, quoted);
    return findings_are_full(&judge->findings) ? JUDGED : 0;
}

/* ---- files ---- */

static void judge_mode(struct judge *judge, const char *commit, const struct changes_file *file, const char *quoted) {
    const unsigned denied = judge->push->rules->deny_modes;
    const unsigned type = file->mode & MODE_TYPE;
    const char *kind = type == MODE_SYMLINK && (denied & RULES_SYMLINK)       ? "a symbolic link"
                       : type == MODE_SUBMODULE && (denied & RULES_SUBMODULE) ? "a submodule"
                       : file->mode == MODE_EXECUTABLE && !file->was_executable && (denied & RULES_EXECUTABLE)
                           ? "executable"
                           : NULL;

    if (kind) {
        findings_add(&judge->findings, commit, "it makes %s %s, which no file may become", quoted, kind);
    }
}

static int judge_file(struct judge *judge, const char *commit, const struct changes_file *file) {
    const struct rules *rules = judge->push->rules;
    const size_t stored = file->path_size < sizeof(file->path) ? file->path_size : sizeof(file->path) - 1;
    char quoted[WORDS_QUOTED_MAX_BYTES];

    words_quote(quoted, file->path, stored);
    if (rules_judge_paths(rules)) {
        judge_path(judge, commit, file, quoted);
    }
    if (file->mode == 0) {
        return 0;
    }
    if (file->path_size > rules->max_path_bytes) {
        findings_add(&judge->findings, commit, "the path %s has %zu bytes, and at most %" PRIu64 " are allowed", quoted,
                     file->path_size, rules->max_path_bytes);
    }
    judge_mode(judge, commit, file, quoted);
    return rules->max_file_bytes != RULES_NO_LIMIT && (file->mode & MODE_TYPE) != MODE_SUBMODULE &&
                   !ids_take(&judge->arrivals.small, file->id)
               ? sizes_add(&judge->sizes, commit, file->id, quoted)
               : 0;
}

/* ---- commits ---- */

static bool is_one_of(const struct rules_list *list, const char *address) {
    for (size_t i = 0; i < list->n_items; i++) {
        if (strlen(address) < CHANGES_ADDRESS_MAX - 1 && glob_match_text(list->items[i], address)) {
            return true;
        }
    }
    return list->n_items == 0;
}

static void judge_person(struct judge *judge, const char *commit, const char *role, const struct rules_list *list,
                         const char *address) {
    char quoted[WORDS_QUOTED_MAX_BYTES];
    char words[WORDS_MAX_BYTES];

    if (!is_one_of(list, address)) {
        words_quote(quoted, address, strlen(address));
        words_of_list(words, list);
        findings_add(&judge->findings, commit, "its %s is %s; allowed are: %s", role, quoted, words);
    }
}

static bool judges_people(const struct rules *rules) {
    return rules->authors.n_items > 0 || rules->committers.n_items > 0 || rules->signed_off;
}

static int judge_commit(struct judge *judge, const struct changes_commit *commit) {
    const struct rules *rules = judge->push->rules;

    (void)ids_take(&judge->arrivals.commits, commit->id);
    if (judge->update && strstr(commit->parents, judge->update->old)) {
        judge->update->kind = PUSH_FAST_FORWARD; /* which saves a walk through all of them */
    }
    judge->n_commits++;
    judge->has_merges |= commit->is_merge;
    if (judge->n_commits > rules->max_commits) {
        return 0;
    }
    judge_person(judge, commit->id, "author", &rules->authors, commit->author);
    judge_person(judge, commit->id, "committer", &rules->committers, commit->committer);
    if (rules->signed_off && !commit->is_signed_off) {
        findings_add(&judge->findings, commit->id,
                     "it has no line Signed-off-by with the address of its author or committer; git commit --signoff");
    }
    return judges_people(rules) ? headers_add(&judge->headers, commit->id) : 0;
}

/* ---- all of them ---- */

static int judge_changes(struct judge *judge, struct changes *changes) {
    const uint64_t max_commits = judge->push->rules->max_commits;
    int r;

    for (r = changes_next(changes); r > 0; r = changes_next(changes)) {
        int failure = r == CHANGES_COMMIT ? judge_commit(judge, &changes->commit)
                                          : judge_file(judge, changes->commit.id, &changes->file);

        if (failure) {
            return failure;
        }
        if (judge->n_commits > max_commits) {
            report_refuse(judge->push->report, NULL,
                          "it brings more than %" PRIu64 " new commits; push fewer at once, or squash them",
                          max_commits);
            return CHANGES_COMMIT;
        }
        if (findings_are_full(&judge->findings)) {
            return CHANGES_COMMIT;
        }
    }
    return r;
}

static bool brings_nothing(const struct push *push) {
    for (size_t i = 0; i < push->n_commands; i++) {
        if (!push_is_zero(push->commands[i].new)) {
            return false;
        }
    }
    return true;
}

/* Return: 1 when all changes were read, 0 when there is no use in further ones, or a negative errno. */
static int judge_log(struct judge *judge, struct child *log) {
    struct changes *changes = calloc(1, sizeof(*changes));
    int r = -ENOMEM;

    if (changes) {
        changes->fd = log->output;
        changes->with_message = judge->push->rules->signed_off;
        r = judge_changes(judge, changes);
        r = r == CHANGES_END ? child_end(log) : r; /* the whole of it, if git says so */
        r = r > 0 ? 0 : r == 0 ? 1 : r;
    }
    free(changes);
    return r;
}

/* Two processes of git work at the same time: one reads the commits, and the other one lists the objects that came. */
static int judge_tips(struct judge *judge, FILE *tips) {
    struct child log = CHILD_NONE;
    int r = walk_start_changes(&log, judge->push, tips);

    r = r ? r : arrivals_find(&judge->arrivals);
    r = r ? r : judge_log(judge, &log);
    child_kill(&log);
    return r;
}

static int judge_strays(struct judge *judge) {
    struct child log = CHILD_NONE;
    int r = arrivals_gather_strays(&judge->arrivals);

    judge->update = NULL;
    judge->has_strays = r > 0;
    if (judge->has_strays) {
        r = walk_start_changes(&log, judge->push, judge->arrivals.strays);
        r = r ? r : judge_log(judge, &log);
        child_kill(&log);
    }
    return r < 0 ? r : 0;
}

/* A merge that takes a path from one parent may undo another parent's change of it. */
static int judge_merges(struct judge *judge, FILE *tips) {
    char wide[CHANGES_ID_MAX];
    int r = judge->has_merges && rules_judge_paths(judge->push->rules)
                ? merges_judge(judge->push, tips, wide, judge_dropped, judge)
                : 0;

    if (r == MERGES_TOO_WIDE) {
        findings_add(&judge->findings, wide, "it merges more than %d commits at once; merge fewer", MERGES_PARENTS_MAX);
    }
    return r < 0 ? r : 0;
}

static int judge_all(struct judge *judge, FILE *tips) {
    int r = judge_tips(judge, tips);

    r = r > 0 ? judge_strays(judge) : r;
    r = r ? r : headers_finish(&judge->headers);
    r = r ? r : sizes_finish(&judge->sizes);
    if (!r && judge->findings.n_findings == 0 && judge->push->report->n_refusals == 0) {
        r = judge_merges(judge, tips);
        r = r || !judge->has_strays ? r : judge_merges(judge, judge->arrivals.strays);
        r = r ? r : arrivals_judge(&judge->arrivals);
    }
    return r ? r : findings_report(&judge->findings);
}

/* Return: the commits that references are to lead to, or NULL with errno. */
static FILE *list_tips(const struct push *push) {
    FILE *tips = child_input_open();

    for (size_t i = 0; i < push->n_commands && tips; i++) {
        if (!push_is_zero(push->commands[i].new)) {
            (void)fprintf(tips, "%s\n", push->commands[i].new);
        }
    }
    return tips;
}

int content_judge(struct push *push) {
    struct judge judge = {.push = push, .findings = {.push = push}};
    FILE *tips;
    int r;

    if (brings_nothing(push)) {
        return 0;
    }
    if (push->n_commands == 1 && !push_is_zero(push->commands->old)) {
        judge.update = push->commands;
    }
    tips = list_tips(push);
    sizes_init(&judge.sizes, &push->git, &judge.findings, push->rules->max_file_bytes);
    headers_init(&judge.headers, &push->git, &judge.findings);
    r = arrivals_init(&judge.arrivals, push);
    r = tips && !r ? judge_all(&judge, tips) : r ? r : -ENOMEM;
    if (tips) {
        (void)fclose(tips);
    }
    arrivals_deinit(&judge.arrivals);
    headers_deinit(&judge.headers);
    sizes_deinit(&judge.sizes);
    return r;
}
