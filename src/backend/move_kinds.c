/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads from the lines of git-gate-hook which moves of a push are fast-forwards. The lines are in the order of the
 * moves. A move has no line if git has refused it before, or if its kind is unknown. A line that matches no move is
 * skipped.
 */

#include "backend/move_kinds.h"

#include <string.h>
#include <strings.h>

#include "rules/variables.h"

static enum pushed_kind take_kind(struct span *linep) {
    return span_take_prefix(linep, TELL_FAST_FORWARD) ? PUSHED_FAST_FORWARD
           : span_take_prefix(linep, TELL_FORCED)     ? PUSHED_FORCED
                                                      : PUSHED_NO_KIND;
}

/* Compares in either case, because a client may have sent the id in upper case. */
static bool take_id(struct span *linep, const char *id) {
    const size_t size = strlen(id);

    if (linep->size <= size || strncasecmp(linep->data, id, size) != 0 || linep->data[size] != ' ') {
        return false;
    }
    *linep = (struct span){linep->data + size + 1, linep->size - size - 1};
    return true;
}

/*
 * Compares the ids and the name. The name alone is not enough: another command may have the same name, and a name with
 * line breaks looks like several commands to a hook. A line is true of its two objects, whatever command it was written
 * for.
 */
static bool is_of(struct span line, const struct pushed_move *move) {
    return !move->is_cut && take_id(&line, move->old_id) && take_id(&line, move->new_id) &&
           span_equals(line, move->ref);
}

/* Finds the move of a line, from @first on. Return: the index after it; @first when there is none. */
static size_t take_line(struct pushed *pushed, size_t first, struct span line) {
    enum pushed_kind kind = take_kind(&line);

    for (size_t i = first; i < pushed->n_moves && kind != PUSHED_NO_KIND; i++) {
        if (is_of(line, &pushed->moves[i])) {
            pushed->moves[i].kind = kind;
            return i + 1;
        }
    }
    return first;
}

void move_kinds_take(struct pushed *pushed, struct span text) {
    size_t next = 0;
    const char *end;

    while (next < pushed->n_moves && text.size > 0 && (end = memchr(text.data, '\n', text.size))) {
        struct span line = {text.data, (size_t)(end - text.data)};

        next = take_line(pushed, next, line);
        text = (struct span){end + 1, text.size - line.size - 1};
    }
}
