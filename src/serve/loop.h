/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <time.h>

#define US_PER_MS UINT64_C(1000)
#define US_PER_S (1000 * US_PER_MS)

enum {
    LOOP_BATCH = 64, /* events of one round */
};

struct loop;

/**
 * struct loop_io - a descriptor that is watched, part of its owner
 *
 * Zeros are one that is not watched. All of it is loop.c's own, but for what loop_is_watched() tells.
 */
struct loop_io {
    struct loop *loop;
    int fd;
    void (*on_events)(uint32_t events, void *userdata);
    void *userdata;
};

/** struct loop_timer - a deadline, part of its owner; zeros are one that is not set. All of it is loop.c's own. */
struct loop_timer {
    struct loop *loop;
    uint64_t due_us;
    struct loop_timer *first_child;
    struct loop_timer *next;
    struct loop_timer **linkp;
    void (*on_due)(void *userdata);
    void *userdata;
};

/** struct loop_task - something to do after others had their turn, part of its owner; zeros are none */
struct loop_task {
    struct loop *loop;
    TAILQ_ENTRY(loop_task) entry;
    void (*run)(void *userdata);
    void *userdata;
};
TAILQ_HEAD(loop_tasks, loop_task);

/**
 * struct loop - waits for descriptors, timers and tasks, and calls who asked, on one thread
 * @epoll_fd: owned; -1 for none
 * @now_us: monotonic, of the events that are being handled
 * @now_s: seconds since the epoch, of the same
 * @after_round: called behind every round, when not NULL
 *
 * The rest is loop.c's own.
 */
struct loop {
    int epoll_fd;
    uint64_t now_us;
    time_t now_s;
    void (*after_round)(void *userdata);
    void *after_round_userdata;
    bool is_over;
    struct epoll_event events[LOOP_BATCH];
    int n_events;
    int next_event;
    struct loop_timer *timers;
    struct loop_tasks tasks;
    struct loop_task mark;
};

#define LOOP_NONE ((struct loop){.epoll_fd = -1})

/** loop_init() - Return: 0 or a negative errno, and then LOOP_NONE */
int loop_init(struct loop *loop);

/** loop_deinit() - close it; nothing may be watched, set or deferred any more */
void loop_deinit(struct loop *loop);

/**
 * loop_run() - go on until loop_exit()
 *
 * In each round up to LOOP_BATCH events are handled, then all timers that are due, and then the tasks that were there
 * before: so that whoever is busy keeps nobody waiting. Return: 0 or a negative errno of epoll_wait(2).
 */
int loop_run(struct loop *loop);

/**
 * loop_round() - one round of loop_run(), for who has a loop of its own
 * @max_ms: to wait for something to happen; -1 for as long as it takes
 *
 * Return: 1 when a descriptor had an event or a task was there, 0 when not, a negative errno of epoll_wait(2).
 */
int loop_round(struct loop *loop, int max_ms);

/** loop_exit() - have loop_run() return behind what is being handled, now and whenever it is called again */
void loop_exit(struct loop *loop);

/**
 * loop_watch() - call @on_events for what happens on @fd
 * @io: not watched yet
 * @events: of epoll_ctl(2); EPOLLHUP and EPOLLERR are told in any case
 *
 * It has to be unwatched before @fd is closed. Return: 0 or a negative errno.
 */
int loop_watch(struct loop *loop, struct loop_io *io, int fd, uint32_t events,
               void (*on_events)(uint32_t events, void *userdata), void *userdata);

static inline bool loop_is_watched(const struct loop_io *io) {
    return io->loop != NULL;
}

/** loop_modify() - wait for other @events of one that is watched; needs no memory, and does not fail */
void loop_modify(struct loop_io *io, uint32_t events);

/** loop_unwatch() - nothing that has happened already is told either; fine for one that is not watched */
void loop_unwatch(struct loop_io *io);

/**
 * loop_timer_set() - call @on_due once, when loop.now_us has come to @due_us, and in a later round than this one
 * @timer: set or not; what it was set to is forgotten
 */
void loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t due_us, void (*on_due)(void *userdata),
                    void *userdata);

/** loop_timer_clear() - fine for one that is not set */
void loop_timer_clear(struct loop_timer *timer);

/** loop_defer() - call @run in the next round; nothing changes for a task that waits already */
void loop_defer(struct loop *loop, struct loop_task *task, void (*run)(void *userdata), void *userdata);

/** loop_cancel() - do not; fine for one that does not wait */
void loop_cancel(struct loop_task *task);
