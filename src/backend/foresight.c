/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Tells from the beginning of a push whether a reference may lose its tip. A push that only creates references loses
 * none. Nor does the update of a single reference, if the commits at the beginning of the pack lead from the new tip
 * back to the old one: descent.c. For all other pushes git has to be asked. This file sees only bytes, and knows
 * nothing of the repository.
 */

#include "backend/foresight.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/descent.h"
#include "backend/pushed.h"

struct foresight {
    struct pushed pushed;
    struct descent *descent; /* NULL unless the push is one update */
    bool is_blind;           /* memory ran out */
};

int foresight_new(struct foresight **foresightp) {
    *foresightp = calloc(1, sizeof(**foresightp));
    return *foresightp ? 0 : -ENOMEM;
}

struct foresight *foresight_free(struct foresight *foresight) {
    if (foresight) {
        pushed_deinit(&foresight->pushed);
        descent_free(foresight->descent);
        free(foresight);
    }
    return NULL;
}

static bool is_create(const struct pushed_move *move) {
    return pushed_is_zeros(move->old_id) && !pushed_is_zeros(move->new_id);
}

static bool is_update(const struct pushed_move *move) {
    return !pushed_is_zeros(move->old_id) && !pushed_is_zeros(move->new_id);
}

/* Called when all commands have come. */
static void begin_pack(struct foresight *foresight) {
    const struct pushed *pushed = &foresight->pushed;

    if (pushed->n_commands == 1 && pushed->n_moves == 1 && is_update(&pushed->moves[0]) &&
        descent_new(&foresight->descent, pushed->moves[0].old_id, pushed->moves[0].new_id) < 0) {
        foresight->is_blind = true;
    }
}

/* Feeds the commands byte by byte, so that the bytes after them are left for the pack. */
void foresight_feed(struct foresight *foresight, struct span bytes) {
    struct pushed *pushed = &foresight->pushed;

    while (bytes.size > 0 && !pushed->has_commands && !pushed->is_broken && !foresight->is_blind) {
        foresight->is_blind = pushed_feed_request(pushed, (struct span){bytes.data, 1}) != 0;
        bytes = (struct span){bytes.data + 1, bytes.size - 1};
        if (pushed->has_commands && !foresight->is_blind) {
            begin_pack(foresight);
        }
    }
    if (foresight->descent) {
        descent_feed(foresight->descent, bytes);
    }
}

bool foresight_loses_nothing(const struct foresight *foresight) {
    const struct pushed *pushed = &foresight->pushed;

    if (foresight->is_blind || !pushed->has_commands || pushed->is_broken || pushed->n_commands > pushed->n_moves) {
        return false;
    }
    if (foresight->descent) {
        return descent_is_shown(foresight->descent);
    }
    for (size_t i = 0; i < pushed->n_moves; i++) {
        if (!is_create(&pushed->moves[i])) {
            return false;
        }
    }
    return true;
}
