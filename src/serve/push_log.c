/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Logs the result of each reference that a push asks to move. Each push has a bounded number of such records, and a
 * last record if they do not tell everything. docs/log.md promises the form of the records.
 */

#include "serve/push_log.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/move_kinds.h"
#include "base/fd.h"

/* If both the old and the new id are zeros, git treats the command as a deletion. */
static const char *move_name(const struct push_log *push, const struct pushed_move *move) {
    static const char *const updates[] = {
        [PUSHED_NO_KIND] = "update",
        [PUSHED_FAST_FORWARD] = "fast-forward",
        [PUSHED_FORCED] = "forced",
    };

    return pushed_is_zeros(move->new_id)   ? "delete"
           : pushed_is_zeros(move->old_id) ? "create"
                                           : updates[push->loses_nothing ? PUSHED_FAST_FORWARD : move->kind];
}

static void log_move(struct log *log, const struct push_log *push, const struct pushed_move *move,
                     struct log_field repository) {
    static const char *const results[] = {
        [PUSHED_UNKNOWN] = "unknown",
        [PUSHED_OK] = "ok",
        [PUSHED_REFUSED] = "refused",
    };

    log_record(log, move->result == PUSHED_REFUSED ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "push",
               LOG_FIELDS(log_number("id", push->id), repository, log_string("ref", move->ref),
                          log_string("old", move->old_id), log_string("new", move->new_id),
                          log_string("move", move_name(push, move)), log_string("result", results[move->result]),
                          *move->reason ? log_string("reason", move->reason) : (struct log_field){0}));
}

static void log_whole(struct log *log, const struct push_log *push, struct log_field repository) {
    const struct pushed *pushed = &push->pushed;
    const char *reason = pushed->is_broken ? "the commands of this push could not all be read"
                                           : "a push has no more records of single references";

    log_record(log, pushed->is_broken || pushed->n_refused > 0 ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "push as a whole",
               LOG_FIELDS(log_number("id", push->id), repository, log_number("refs", pushed->n_commands),
                          log_number("recorded", pushed->n_moves), log_number("ok", pushed->n_ok),
                          log_number("refused", pushed->n_refused), log_string("reason", reason)));
}

struct push_log *push_log_new(const char *repository, uint64_t id) {
    struct push_log *push = calloc(1, sizeof(*push));

    if (push) {
        push->id = id;
        push->repository = strdup(repository);
        return push->repository ? push : push_log_free(push);
    }
    return NULL;
}

void push_log_hear(struct push_log *push, int fd) {
    _cleanup_free_ char *text = fd >= 0 ? malloc(MOVE_KINDS_MAX_BYTES) : NULL;
    ssize_t size = text ? read(fd, text, MOVE_KINDS_MAX_BYTES) : 0;

    if (size > 0) {
        move_kinds_take(&push->pushed, (struct span){text, (size_t)size});
    }
}

void push_log_write(struct log *log, const struct push_log *push, bool with_repository) {
    const struct pushed *pushed = &push->pushed;
    struct log_field repository = log_string("repository", push->repository);

    repository.name = with_repository ? repository.name : NULL; /* in the log, the record "request" has it */
    for (size_t i = 0; i < pushed->n_moves; i++) {
        log_move(log, push, &pushed->moves[i], repository);
    }
    if (pushed->is_broken || pushed->n_commands > pushed->n_moves) {
        log_whole(log, push, repository);
    }
}

struct push_log *push_log_free(struct push_log *push) {
    if (push) {
        pushed_deinit(&push->pushed);
        free(push->repository);
        free(push);
    }
    return NULL;
}
