/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads what git-gate-hook tells of the moves of a push. It tells them in their order, but leaves out those that git has
 * refused before, and those of which nothing is known. A line that fits no move is passed over.
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

/* A client may have written it in the other case. */
static bool take_id(struct span *linep, const char *id) {
    const size_t size = strlen(id);

    if (linep->size <= size || strncasecmp(linep->data, id, size) != 0 || linep->data[size] != ' ') {
        return false;
    }
    *linep = (struct span){linep->data + size + 1, linep->size - size - 1};
    return true;
}

/*
 * A name alone is not enough: another command may have it, and git hands names with line breaks to its hooks, which look
 * like other commands. What a line tells is true of its objects, whoever has asked for it.
 */
static bool is_of(struct span line, const struct pushed_move *move) {
    return !move->is_cut && take_id(&line, move->old_id) && take_id(&line, move->new_id) &&
           span_equals(line, move->ref);
}

/* Return: the place behind the move that a line names, from @first on; @first for none. */
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
