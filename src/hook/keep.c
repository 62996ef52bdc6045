/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Keeps the old tips of references that a push deletes or forces: --keep-old. It does so in pre-receive. So the
 * reference to a kept tip exists before the tip's own reference changes. A push whose tips cannot be kept is refused.
 *
 * The push names the tip of each reference. The tip is kept only if the reference holds it at that moment. Otherwise
 * somebody could put another object among the kept tips. git compares both once more, under the reference's lock,
 * before it changes the reference. There is one exception: git deletes a reference whatever it holds, if the push names
 * no old object, or one that git does not have. Such a push must be refused here: the first case by keep_find(), the
 * second by git, which makes no reference to a missing object.
 */

#include "hook/keep.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "hook/ask.h"
#include "rules/variables.h"

/* Updates that git has to be asked about, with their places among the commands. */
struct updates {
    struct ask_pair *pairs;
    size_t *places;
    size_t n;
};

/* The tips that were found. There is room for one tip of each command. */
struct found {
    struct keep_tip *tips;
    size_t n;
};

static void add(struct found *found, const char *id, const char *name, const char *how) {
    found->tips[found->n++] = (struct keep_tip){.id = id, .name = name, .how = how};
}

static void add_forced(struct found *found, struct push_command *command) {
    command->kind = PUSH_FORCED;
    add(found, command->old, command->name, "forced");
}

/* Whether the rules have already made sure that the update is a fast-forward. */
static bool is_judged(const struct push *push, const struct push_command *command) {
    const struct rules_refs *refs = push->rules ? rules_find_refs(push->rules, command->name) : NULL;

    return refs && refs->update != RULES_UPDATE_ANY;
}

static int sort_commands(struct found *found, struct updates *updates, const struct push *push) {
    for (size_t i = 0; i < push->n_commands; i++) {
        const struct push_command *command = &push->commands[i];

        if (push_is_zero(command->new)) {
            if (push_is_zero(command->old)) {
                return -EINVAL;
            }
            add(found, command->old, command->name, "deleted");
        } else if (!push_is_zero(command->old) && strcmp(command->old, command->new) != 0 &&
                   command->kind != PUSH_FAST_FORWARD && !is_judged(push, command)) {
            updates->places[updates->n] = i;
            updates->pairs[updates->n++] = (struct ask_pair){.old = command->old, .new = command->new};
        }
    }
    return 0;
}

/* Adds every update that is not from one commit to another. An annotated tag, a tree or a blob has no descendants. */
static int take_others(struct found *found, struct updates *updates, struct push *push) {
    struct ask_object *objects = calloc(2 * updates->n, sizeof(*objects));
    size_t kept = 0;
    int r;

    if (!objects) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < updates->n; i++) {
        objects[2 * i].id = updates->pairs[i].old;
        objects[2 * i + 1] = (struct ask_object){.id = updates->pairs[i].new, .peeled = true};
    }
    r = ask_kinds(&push->git, objects, 2 * updates->n);
    for (size_t i = 0; i < updates->n && !r; i++) {
        if (objects[2 * i].kind == ASK_COMMIT && objects[2 * i + 1].kind == ASK_COMMIT) {
            updates->places[kept] = updates->places[i];
            updates->pairs[kept++] = updates->pairs[i];
        } else {
            add_forced(found, &push->commands[updates->places[i]]);
        }
    }
    updates->n = r ? updates->n : kept;
    free(objects);
    return r;
}

/* git answers for all pairs, or for none if one of them is not of commits. Most pushes have no such pair. */
static int ask(struct found *found, struct updates *updates, struct push *push) {
    bool is_known = updates->n == 0 || ask_ancestry(&push->git, updates->pairs, updates->n) == 0;
    int r = is_known ? 0 : take_others(found, updates, push);

    if (r) {
        return r;
    }
    is_known = is_known || updates->n == 0 || ask_ancestry(&push->git, updates->pairs, updates->n) == 0;
    for (size_t i = 0; i < updates->n; i++) {
        if (is_known && updates->pairs[i].is_ancestor) {
            push->commands[updates->places[i]].kind = PUSH_FAST_FORWARD;
        } else {
            add_forced(found, &push->commands[updates->places[i]]);
        }
    }
    return 0;
}

int keep_find(struct keep_tip **tipsp, size_t *n_tipsp, struct push *push) {
    const size_t n = push->n_commands ? push->n_commands : 1;
    struct found found = {.tips = calloc(n, sizeof(*found.tips))};
    struct updates updates = {.pairs = calloc(n, sizeof(*updates.pairs)), .places = calloc(n, sizeof(*updates.places))};
    int r = found.tips && updates.pairs && updates.places ? 0 : -ENOMEM;

    r = r ? r : sort_commands(&found, &updates, push);
    r = r ? r : ask(&found, &updates, push);
    free(updates.pairs);
    free(updates.places);
    if (r) {
        free(found.tips);
        return r;
    }
    *tipsp = found.tips;
    *n_tipsp = found.n;
    return 0;
}

int keep_name_time(char entry[KEEP_ENTRY_MAX], time_t time) {
    struct tm tm;

    return gmtime_r(&time, &tm) && strftime(entry, KEEP_ENTRY_MAX, "%Y%m%dT%H%M%S", &tm) > 0 ? 0 : -EOVERFLOW;
}

/* The time comes first, so that git lists the entries in the order of time. */
int keep_name_entry(char entry[KEEP_ENTRY_MAX]) {
    struct timespec now;
    unsigned number;
    size_t size;
    int r;

    if (clock_gettime(CLOCK_REALTIME, &now) < 0 || getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number)) {
        return errno ? -errno : -EIO;
    }
    r = keep_name_time(entry, now.tv_sec);
    if (!r) {
        size = strlen(entry);
        (void)snprintf(entry + size, KEEP_ENTRY_MAX - size, ".%06uZ-%08x", (unsigned)(now.tv_nsec / 1000), number);
    }
    return r;
}

/*
 * git refuses to change references while it sees a quarantine. Old tips are no part of one, so this git sees old
 * objects alone.
 */
int keep_update(const struct child_git *git, FILE *input) {
    static const char *const argv[] = {"-c",         "core.hooksPath=/dev/null",
                                       "-c",         "core.logAllRefUpdates=false",
                                       "-c",         "core.fsync=reference",
                                       "update-ref", "-z",
                                       "--stdin",    NULL};
    const struct child_git outside = {
        .program = git->program, .repository = git->repository, .objects = CHILD_OLD_OBJECTS};
    struct child child = CHILD_NONE;
    int r = child_input_fd(input);

    r = r < 0 ? r : child_start(&child, &outside, r, argv);
    return r ? r : child_end(&child);
}

int keep_write(const struct child_git *git, const char *entry, const struct keep_tip *tips, size_t n_tips) {
    FILE *input = child_input_open();
    int r;

    if (!input) {
        return -errno;
    }
    for (size_t i = 0; i < n_tips; i++) {
        (void)fprintf(input, "verify %s%c%s%c", tips[i].name, '\0', tips[i].id, '\0');
        (void)fprintf(input, "create " KEEP_PREFIX "/%s/%s/%s%c%s%c", entry, tips[i].how, tips[i].name, '\0',
                      tips[i].id, '\0');
    }
    r = keep_update(git, input);
    (void)fclose(input);
    return r;
}
