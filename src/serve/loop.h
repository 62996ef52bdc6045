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
    LOOP_BATCH = 64,    /* events in one round */
    LOOP_PAUSE_US = 50, /* Linux adds up to 50: PR_SET_TIMERSLACK(2const) */
};

struct loop;

/**
 * struct loop_io - a watched descriptor, part of its owner
 *
 * A struct of zeros is not watched. All members are private to loop.c; use loop_is_watched().
 */
struct loop_io {
    struct loop *loop;
    int fd;
    void (*on_events)(uint32_t events, void *userdata);
    void *userdata;
};

/**
 * struct loop_timer - a deadline, part of its owner
 *
 * A struct of zeros is not set. All members are private to loop.c; use loop_timer_is_set().
 */
struct loop_timer {
    struct loop *loop;
    uint64_t due_us;
    struct loop_timer *first_child;
    struct loop_timer *next;
    struct loop_timer **linkp;
    void (*on_due)(void *userdata);
    void *userdata;
};

/** struct loop_task - a callback to run after other events, part of its owner; zeros are a task that does not wait */
struct loop_task {
    struct loop *loop;
    TAILQ_ENTRY(loop_task) entry;
    void (*run)(void *userdata);
    void *userdata;
};
TAILQ_HEAD(loop_tasks, loop_task);

/**
 * struct loop - waits for descriptors, timers and tasks, and calls their callbacks, on one thread
 * @epoll_fd: owned; -1 for none
 * @now_us: the monotonic time of the current round
 * @now_s: the same time in seconds since the epoch
 * @after_round: called after every round, unless NULL
 *
 * The rest is private to loop.c.
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
    bool pauses;
};

#define LOOP_NONE ((struct loop){.epoll_fd = -1})

/** loop_init() - begin without any items. Return: 0; a negative errno, with @loop set to LOOP_NONE */
int loop_init(struct loop *loop);

/** loop_deinit() - close the loop; nothing may be watched, set or deferred any more */
void loop_deinit(struct loop *loop);

/**
 * loop_run() - run rounds until loop_exit()
 *
 * Each round handles up to LOOP_BATCH events, then all due timers, then the tasks that wait at that moment. So a busy
 * descriptor does not delay the others.
 *
 * Return: 0 or a negative errno of epoll_wait(2).
 */
int loop_run(struct loop *loop);

/**
 * loop_round() - run one round of loop_run(), for programs with a loop of their own
 * @max_ms: how long to wait for an event; -1 for ever
 *
 * Return: 1 when a descriptor had an event or a task was there, else 0; a negative errno of epoll_wait(2).
 */
int loop_round(struct loop *loop, int max_ms);

/**
 * loop_pause() - let the next round begin LOOP_PAUSE_US later
 *
 * Call it when many bytes flow and none can be moved now: all that had come were read, or a pipe is full. During the
 * pause more bytes come, or are taken, and then one round moves them instead of several. All descriptors pause
 * together, so the pause does not grow with their number.
 */
static inline void loop_pause(struct loop *loop) {
    loop->pauses = true;
}

/** loop_exit() - make loop_run() return after the current callback, and also whenever it is called again */
void loop_exit(struct loop *loop);

/**
 * loop_watch() - call @on_events for events of @fd
 * @io: not watched yet
 * @events: as for epoll_ctl(2); EPOLLHUP and EPOLLERR are always reported
 *
 * Unwatch it before closing @fd. Return: 0 or a negative errno.
 */
int loop_watch(struct loop *loop, struct loop_io *io, int fd, uint32_t events,
               void (*on_events)(uint32_t events, void *userdata), void *userdata);

/** loop_is_watched() - whether @io is watched */
static inline bool loop_is_watched(const struct loop_io *io) {
    return io->loop != NULL;
}

/** loop_modify() - change the @events that a watched descriptor waits for; needs no memory and cannot fail */
void loop_modify(struct loop_io *io, uint32_t events);

/** loop_unwatch() - stop watching, and drop events of this round; does nothing if @io is not watched */
void loop_unwatch(struct loop_io *io);

/**
 * loop_timer_set() - call @on_due once, in a later round than this one, when loop.now_us has reached @due_us
 * @timer: set or not; an earlier setting is replaced
 */
void loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t due_us, void (*on_due)(void *userdata),
                    void *userdata);

/** loop_timer_is_set() - whether @timer still has to call */
static inline bool loop_timer_is_set(const struct loop_timer *timer) {
    return timer->loop != NULL;
}

/** loop_timer_clear() - unset @timer; does nothing if it is not set */
void loop_timer_clear(struct loop_timer *timer);

/**
 * loop_defer() - call @run after the events and timers of this round or, when a task calls this, of the next round
 *
 * Does nothing for a task that already waits.
 */
void loop_defer(struct loop *loop, struct loop_task *task, void (*run)(void *userdata), void *userdata);

/** loop_cancel() - drop a waiting task; does nothing if it does not wait */
void loop_cancel(struct loop_task *task);
