/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Judges a push: first its references, then the commits that they bring. It does so in pre-receive, and not in the hook
 * update, for two reasons. git starts update once for each reference, which made a push of 10,000 references seven
 * times slower. And before update git has moved the objects into the repository, where the objects of a refused push
 * would stay. When judging fails, the caller must refuse the push.
 */

#include "hook/push.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "hook/ask.h"
#include "hook/content.h"
#include "hook/symbolic.h"
#include "rules/words.h"

bool push_is_zero(const char *id) {
    return id[strspn(id, "0")] == '\0';
}

static bool is_id(const char *text) {
    const size_t size = strspn(text, "0123456789abcdef");

    return (size == 40 || size == 64) && !text[size];
}

int push_parse(struct push *push, char *text) {
    size_t n_lines = 0;

    for (const char *at = text; (at = strchr(at, '\n')); at++) {
        n_lines++;
    }
    push->commands = calloc(n_lines ? n_lines : 1, sizeof(*push->commands));
    if (!push->commands) {
        return -ENOMEM;
    }
    while (*text) {
        char *line = strsep(&text, "\n");
        struct push_command *command = &push->commands[push->n_commands++];

        command->old = strsep(&line, " ");
        command->new = line ? strsep(&line, " ") : NULL;
        command->name = line;
        if (!text || !line || !*line || !is_id(command->old) || !is_id(command->new)) {
            return -EINVAL;
        }
    }
    return 0;
}

/* ---- what a section allows ---- */

static void refuse_unknown(struct push *push, const struct push_command *command) {
    char words[WORDS_MAX_BYTES];

    words_of_patterns(words, push->rules);
    report_refuse(push->report, command->name, "no rule allows this reference; allowed are: %s", words);
}

static void refuse_act(struct push *push, const struct push_command *command, const struct rules_refs *refs,
                       const char *act) {
    char words[WORDS_MAX_BYTES];

    words_of_refs(words, refs);
    report_refuse(push->report, command->name, "%s is not allowed here; the rule for %.200s allows: %s", act,
                  refs->pattern, words);
}

/* Return: whether it has yet to be found out if this is a fast-forward. */
static bool judge_act(struct push *push, const struct push_command *command) {
    const struct rules_refs *refs = rules_find_refs(push->rules, command->name);

    if (!refs) {
        refuse_unknown(push, command);
    } else if (push_is_zero(command->new)) {
        if (!refs->deletes) {
            refuse_act(push, command, refs, "to delete it");
        }
    } else if (push_is_zero(command->old)) {
        if (!refs->creates) {
            refuse_act(push, command, refs, "to create it");
        }
    } else if (refs->update == RULES_UPDATE_NONE) {
        refuse_act(push, command, refs, "to move it");
    } else {
        return refs->update == RULES_UPDATE_FAST_FORWARD && strcmp(command->old, command->new) != 0;
    }
    return false;
}

/* ---- fast-forwards ---- */

/* Pairs of commits, each of which must be a fast-forward. */
struct moves {
    struct ask_pair *pairs;
    size_t *commands; /* the place of each pair's command in the push */
    size_t n;
};

static void refuse_move(struct push *push, const struct push_command *command, const char *why) {
    const struct rules_refs *refs = rules_find_refs(push->rules, command->name);
    char words[WORDS_MAX_BYTES];

    words_of_refs(words, refs);
    report_refuse(push->report, command->name, "%s; the rule for %.200s allows: %s", why, refs->pattern, words);
}

/* Refuses all pairs that are not of commits. An annotated tag, a tree or a blob has no fast-forward. */
static int keep_commits(struct push *push, struct moves *moves) {
    struct ask_object *objects = calloc(2 * moves->n, sizeof(*objects));
    size_t kept = 0;
    int r;

    if (!objects) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < moves->n; i++) {
        objects[2 * i].id = moves->pairs[i].old;
        objects[2 * i + 1].id = moves->pairs[i].new;
    }
    r = ask_kinds(&push->git, objects, 2 * moves->n);
    for (size_t i = 0; i < moves->n && !r; i++) {
        if (objects[2 * i].kind == ASK_COMMIT && objects[2 * i + 1].kind == ASK_COMMIT) {
            moves->commands[kept] = moves->commands[i];
            moves->pairs[kept++] = moves->pairs[i];
        } else {
            push->commands[moves->commands[i]].kind = PUSH_FORCED;
            refuse_move(push, &push->commands[moves->commands[i]],
                        "to replace a tag, or an object that is no commit, is no fast-forward");
        }
    }
    moves->n = kept;
    free(objects);
    return r;
}

/* content_judge() may have found out already. */
static void drop_known(const struct push *push, struct moves *moves) {
    size_t kept = 0;

    for (size_t i = 0; i < moves->n; i++) {
        if (push->commands[moves->commands[i]].kind != PUSH_FAST_FORWARD) {
            moves->commands[kept] = moves->commands[i];
            moves->pairs[kept++] = moves->pairs[i];
        }
    }
    moves->n = kept;
}

static int judge_moves(struct push *push, struct moves *moves) {
    int r;

    drop_known(push, moves);
    r = moves->n > 0 ? ask_ancestry(&push->git, moves->pairs, moves->n) : 0;
    for (size_t i = 0; i < moves->n && !r; i++) {
        struct push_command *command = &push->commands[moves->commands[i]];

        command->kind = moves->pairs[i].is_ancestor ? PUSH_FAST_FORWARD : PUSH_FORCED;
        if (command->kind == PUSH_FORCED) {
            refuse_move(push, command,
                        "the old commit is no ancestor of the new one; fetch, and merge or rebase first");
        }
    }
    return r;
}

/* ---- symbolic references ---- */

/* git would move the reference that it leads to, and another rule decides about that one. */
static void visit_symbolic(const char *name, void *userdata) {
    struct push *push = userdata;

    for (size_t i = 0; i < push->n_commands; i++) {
        if (strcmp(push->commands[i].name, name) == 0) {
            report_refuse(push->report, name, "it is a symbolic reference; push to the one that it leads to");
        }
    }
}

static bool is_creation(const struct push_command *command) {
    return push_is_zero(command->old) && !push_is_zero(command->new);
}

/* A deletion may name no old object, so it counts. */
static bool has_old(const struct push *push) {
    for (size_t i = 0; i < push->n_commands; i++) {
        if (!is_creation(&push->commands[i])) {
            return true;
        }
    }
    return false;
}

/* A trial creates no reference, so it has nothing to look at. */
static int judge_creations(struct push *push) {
    const char *folder = push->base ? NULL : getenv("GIT_DIR");
    struct symbolic symbolic;
    int r = 0;

    if (!folder) {
        return 0;
    }
    symbolic_init(&symbolic, &push->git, folder);
    for (size_t i = 0; i < push->n_commands && r >= 0; i++) {
        r = is_creation(&push->commands[i]) ? symbolic_is_one(&symbolic, push->commands[i].name) : 0;
        if (r > 0) {
            visit_symbolic(push->commands[i].name, push);
        }
    }
    symbolic_deinit(&symbolic);
    return r < 0 ? r : 0;
}

/* @moves: receives what has to be a fast-forward */
static int judge_references(struct push *push, struct moves *moves) {
    int r;

    for (size_t i = 0; i < push->n_commands; i++) {
        const struct push_command *command = &push->commands[i];

        if (judge_act(push, command)) {
            moves->commands[moves->n] = i;
            moves->pairs[moves->n++] = (struct ask_pair){.old = command->old, .new = command->new};
        }
    }
    r = moves->n > 0 ? keep_commits(push, moves) : 0;
    r = r || !has_old(push) ? r : ask_symbolic(&push->git, visit_symbolic, push);
    return r ? r : judge_creations(push);
}

/* ---- what references lead to ---- */

/* A tree or a blob has no author, and no commit that names it. No rule about commits could be applied to it. */
static int judge_targets(struct push *push) {
    struct ask_object *objects = calloc(push->n_commands, sizeof(*objects));
    int r;

    if (!objects) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < push->n_commands; i++) {
        const char *id = push->commands[i].new;

        objects[i] = (struct ask_object){.id = id, .peeled = !push_is_zero(id)};
    }
    r = ask_kinds(&push->git, objects, push->n_commands);
    for (size_t i = 0; i < push->n_commands && !r; i++) {
        if (objects[i].peeled && objects[i].kind != ASK_COMMIT) {
            report_refuse(push->report, push->commands[i].name,
                          "it leads to a tree or a blob; push a commit, or a tag of one");
        }
    }
    free(objects);
    return r;
}

static int judge_content(struct push *push) {
    int r;

    if (push->report->n_refusals > 0 || !rules_judge_content(push->rules)) {
        return 0;
    }
    r = judge_targets(push);
    return r || push->report->n_refusals > 0 ? r : content_judge(push);
}

int push_judge(struct push *push) {
    const struct rules *rules = push->rules;
    struct moves moves = {0};
    int r;

    if (push->n_commands > rules->max_refs) {
        report_refuse(push->report, NULL,
                      "it moves %zu references, and the rules allow %" PRIu64 " at once; push fewer", push->n_commands,
                      rules->max_refs);
        return 0;
    }
    if (push->n_commands == 0) {
        return 0;
    }
    moves.pairs = calloc(push->n_commands, sizeof(*moves.pairs));
    moves.commands = calloc(push->n_commands, sizeof(*moves.commands));
    r = moves.pairs && moves.commands ? judge_references(push, &moves) : -ENOMEM;
    r = r ? r : judge_content(push);
    r = r ? r : judge_moves(push, &moves);
    free(moves.pairs);
    free(moves.commands);
    return r;
}
