/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

enum {
    TURNS_MAX_SPARE = 16,      /* at the most: connections that no request may take to wait for long */
    TURNS_BRIEF_TIMEOUT_S = 2, /* for a request to wait when the queue is full */
};

/**
 * struct turn - one request's place in the queue, part of its owner; zeros are one that does not wait
 * @is_brief: it found the queue full, so it waits for TURNS_BRIEF_TIMEOUT_S alone
 */
struct turn {
    bool is_brief;

    /* the rest is turns.c's own */
    bool is_waiting;
    TAILQ_ENTRY(turn) entry;
    void (*on_turn)(void *userdata);
    void *userdata;
};
TAILQ_HEAD(turn_queue, turn);

/**
 * struct turns - the processes that may run at once, and the queue for them
 * @n_running: processes that are not gone yet
 * @n_waiting: requests in the queue
 *
 * The rest is turns.c's own.
 */
struct turns {
    uint64_t n_running;
    uint64_t n_waiting;
    uint64_t max_running;
    uint64_t n_places;
    struct turn_queue queue;
    void (*on_end)(void *userdata);
    void *userdata;
};

/**
 * turns_init() - nothing runs and nobody waits
 * @max_running: processes at once, at least 1
 * @max_connections: at least 1; the queue has fewer places, so that one is always left to be told how things are
 * @on_end: called whenever a process is gone, before the next one may start
 */
void turns_init(struct turns *turns, uint64_t max_running, uint64_t max_connections, void (*on_end)(void *userdata),
                void *userdata);

/** turns_are_free() - whether a process may be started at once, for a request that does not wait in the queue */
bool turns_are_free(const struct turns *turns);

/**
 * turns_wait() - join the queue, first come first served
 * @turn: does not wait yet; its @is_brief is set
 * @on_turn: called once, when a process may be started. The turn has left the queue by then, and may be freed.
 */
void turns_wait(struct turns *turns, struct turn *turn, void (*on_turn)(void *userdata), void *userdata);

/**
 * turns_keep() - let a turn that is brief wait as long as others, if the queue has got a place for it meanwhile
 *
 * Return: whether it may.
 */
bool turns_keep(struct turns *turns, struct turn *turn);

/** turns_leave() - wait no longer; nothing happens if it does not wait */
void turns_leave(struct turns *turns, struct turn *turn);

/** turns_started() - a process runs */
void turns_started(struct turns *turns);

/** turns_ended() - it is gone: @on_end is called, and then those whose turn it is */
void turns_ended(struct turns *turns);
