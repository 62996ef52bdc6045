/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads what git-gate-hook tells of the moves of a push. It tells them in their order, but leaves out those that git has
 * refused before, and those of which nothing is known. A line that fits no move is passed over.
 */

#include "backend/move_kinds.h"

#include <string.h>

#include "rules/variables.h"

static enum pushed_kind take_kind(struct span *linep) {
    return span_take_prefix(linep, TELL_FAST_FORWARD) ? PUSHED_FAST_FORWARD
           : span_take_prefix(linep, TELL_FORCED)     ? PUSHED_FORCED
                                                      : PUSHED_NO_KIND;
}

/* Return: the place behind the move that a line names, from @first on; @first for none. */
static size_t take_line(struct pushed *pushed, size_t first, struct span line) {
    enum pushed_kind kind = take_kind(&line);

    for (size_t i = first; i < pushed->n_moves && kind != PUSHED_NO_KIND; i++) {
        if (!pushed->moves[i].is_cut && span_equals(line, pushed->moves[i].ref)) {
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
