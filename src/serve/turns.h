/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

enum {
    TURNS_MAX_SPARE = 16,      /* connections without a place in the queue, at most */
    TURNS_BRIEF_TIMEOUT_S = 2, /* for a request that finds the queue full */
};

/**
 * struct turn - a request's place in the queue, part of its owner; zeros are a turn that does not wait
 * @is_brief: the request found the queue full, so it waits only TURNS_BRIEF_TIMEOUT_S
 */
struct turn {
    bool is_brief;

    /* the rest is private to turns.c */
    bool is_waiting;
    TAILQ_ENTRY(turn) entry;
    void (*on_turn)(void *userdata);
    void *userdata;
};
TAILQ_HEAD(turn_queue, turn);

/**
 * struct turns - counts the requests with a process, and queues those that wait for one
 * @n_running: requests that have a process, or collect a body for one
 * @n_waiting: requests in the queue
 *
 * The rest is private to turns.c.
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
 * turns_init() - begin with no process and an empty queue
 * @max_running: processes at once, at least 1
 * @max_connections: at least 1; the queue has fewer places, so that a connection is left to tell clients that the gate
 *                   is busy
 * @on_end: called whenever a process is gone, before the next one may start
 */
void turns_init(struct turns *turns, uint64_t max_running, uint64_t max_connections, void (*on_end)(void *userdata),
                void *userdata);

/** turns_are_free() - whether a request outside the queue may get a process at once */
bool turns_are_free(const struct turns *turns);

/**
 * turns_wait() - join the queue, first come first served
 * @turn: must not wait yet; its @is_brief is set
 * @on_turn: called once, when a process may be started. The turn has left the queue by then, and may be freed.
 */
void turns_wait(struct turns *turns, struct turn *turn, void (*on_turn)(void *userdata), void *userdata);

/**
 * turns_keep() - let a brief turn wait as long as the others, if the queue now has a place for it
 *
 * Return: whether it has.
 */
bool turns_keep(struct turns *turns, struct turn *turn);

/** turns_leave() - leave the queue; does nothing to a turn that does not wait */
void turns_leave(struct turns *turns, struct turn *turn);

/** turns_started() - count a request that gets a process now, or when its body is collected */
void turns_started(struct turns *turns);

/** turns_ended() - count one request less, call @on_end, and then call @on_turn of the requests that may start now */
void turns_ended(struct turns *turns);
