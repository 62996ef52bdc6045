/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Decides which request gets a process, and when. At most max_running processes run at once. Other requests queue,
 * first come first served. This file only counts processes, and keeps no time.
 */

#include "serve/turns.h"

#include <assert.h>
#include <stddef.h>

/* The queue has fewer places than there are connections, so that one is left to tell a client that the gate is busy. */
static uint64_t count_places(uint64_t max_running, uint64_t max_connections) {
    uint64_t n = max_connections > max_running ? max_connections - max_running : 1;
    uint64_t n_spare = n / 8 < TURNS_MAX_SPARE ? (n + 7) / 8 : TURNS_MAX_SPARE;

    return n - n_spare;
}

void turns_init(struct turns *turns, uint64_t max_running, uint64_t max_connections, void (*on_end)(void *userdata),
                void *userdata) {
    *turns = (struct turns){
        .max_running = max_running,
        .n_places = count_places(max_running, max_connections),
        .on_end = on_end,
        .userdata = userdata,
    };
    TAILQ_INIT(&turns->queue);
}

static bool may_start(const struct turns *turns) {
    return turns->n_running < turns->max_running;
}

bool turns_are_free(const struct turns *turns) {
    return may_start(turns) && TAILQ_EMPTY(&turns->queue);
}

void turns_wait(struct turns *turns, struct turn *turn, void (*on_turn)(void *userdata), void *userdata) {
    assert(!turn->is_waiting);
    *turn = (struct turn){
        .is_brief = turns->n_waiting >= turns->n_places,
        .is_waiting = true,
        .on_turn = on_turn,
        .userdata = userdata,
    };
    TAILQ_INSERT_TAIL(&turns->queue, turn, entry);
    turns->n_waiting++;
}

bool turns_keep(struct turns *turns, struct turn *turn) {
    if (!turn->is_brief || turns->n_waiting > turns->n_places) {
        return false;
    }
    turn->is_brief = false;
    return true;
}

void turns_leave(struct turns *turns, struct turn *turn) {
    if (turn->is_waiting) {
        TAILQ_REMOVE(&turns->queue, turn, entry);
        turns->n_waiting--;
        turn->is_waiting = false;
    }
}

void turns_started(struct turns *turns) {
    turns->n_running++;
}

void turns_ended(struct turns *turns) {
    turns->n_running--;
    turns->on_end(turns->userdata);
    while (may_start(turns) && !TAILQ_EMPTY(&turns->queue)) {
        struct turn *first = TAILQ_FIRST(&turns->queue);

        turns_leave(turns, first);
        first->on_turn(first->userdata);
    }
}
