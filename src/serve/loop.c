/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Owns the wait: for descriptors by epoll(7), whose edges and hang-ups are told as they are; for moments, in a heap with the
 * next one at its top; and for tasks in their order. What is waited for is part of its owner's memory, and nothing is
 * told of what was unwatched, cleared or cancelled, also in the middle of a round. It knows nothing of why.
 */

#include "serve/loop.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <time.h>

#include "base/fd.h"

enum {
    TIMERS_FIRST = 8, /* places at the first timer; they are doubled when there are too few */
    US_PER_MS = 1000,
};

static uint64_t read_clock(void) {
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* it never fails for this clock: clock_gettime(2) */
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

int loop_init(struct loop *loop) {
    *loop = LOOP_NONE;
    TAILQ_INIT(&loop->tasks);
    loop->now_us = read_clock();
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    return loop->epoll_fd < 0 ? -errno : 0;
}

void loop_deinit(struct loop *loop) {
    loop->epoll_fd = fd_close(loop->epoll_fd);
    free(loop->timers);
    loop->timers = NULL;
    loop->n_timers = loop->n_places = 0;
}

/* ---- descriptors ---- */

int loop_watch(struct loop *loop, struct loop_io *io, int fd, uint32_t events,
               void (*on_events)(uint32_t events, void *userdata), void *userdata) {
    struct epoll_event event = {.events = events, .data.ptr = io};

    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
        return -errno;
    }
    *io = (struct loop_io){.loop = loop, .fd = fd, .on_events = on_events, .userdata = userdata};
    return 0;
}

void loop_unwatch(struct loop_io *io) {
    struct loop *loop = io->loop;

    if (!loop) {
        return;
    }
    (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, io->fd, NULL);
    for (int i = loop->next_event; i < loop->n_events; i++) {
        if (loop->events[i].data.ptr == io) {
            loop->events[i].data.ptr = NULL;
        }
    }
    io->loop = NULL;
}

static void handle_events(struct loop *loop) {
    while (loop->next_event < loop->n_events && !loop->is_over) {
        const struct epoll_event *event = &loop->events[loop->next_event++];
        const struct loop_io *io = event->data.ptr;

        if (io) {
            io->on_events(event->events, io->userdata);
        }
    }
    loop->n_events = loop->next_event = 0;
}

/* ---- moments: a heap, in which each is due no earlier than the one at half its place ---- */

static void put(struct loop *loop, struct loop_timer *timer, size_t place) {
    loop->timers[place] = timer;
    timer->place = place;
}

/* Moves it towards the top while it is due before those above. */
static void rise(struct loop *loop, struct loop_timer *timer) {
    size_t place = timer->place;

    for (; place > 0 && timer->due_us < loop->timers[(place - 1) / 2]->due_us; place = (place - 1) / 2) {
        put(loop, loop->timers[(place - 1) / 2], place);
    }
    put(loop, timer, place);
}

/* Moves it away from the top while one below is due before. */
static void sink(struct loop *loop, struct loop_timer *timer) {
    size_t place = timer->place;

    for (size_t next = 2 * place + 1; next < loop->n_timers; next = 2 * place + 1) {
        if (next + 1 < loop->n_timers && loop->timers[next + 1]->due_us < loop->timers[next]->due_us) {
            next++;
        }
        if (timer->due_us <= loop->timers[next]->due_us) {
            break;
        }
        put(loop, loop->timers[next], place);
        place = next;
    }
    put(loop, timer, place);
}

static int make_place(struct loop *loop) {
    size_t n_places = loop->n_places > 0 ? 2 * loop->n_places : TIMERS_FIRST;
    struct loop_timer **timers;

    if (loop->n_timers < loop->n_places) {
        return 0;
    }
    timers = reallocarray(loop->timers, n_places, sizeof(struct loop_timer *));
    if (!timers) {
        return -ENOMEM;
    }
    loop->timers = timers;
    loop->n_places = n_places;
    return 0;
}

int loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t due_us, void (*on_due)(void *userdata),
                   void *userdata) {
    if (!timer->loop) {
        int r = make_place(loop);

        if (r) {
            return r;
        }
        timer->loop = loop;
        put(loop, timer, loop->n_timers++);
    }
    timer->due_us = due_us;
    timer->on_due = on_due;
    timer->userdata = userdata;
    rise(loop, timer);
    sink(loop, timer);
    return 0;
}

/* The last one takes its place, and finds its own from there. */
void loop_timer_clear(struct loop_timer *timer) {
    struct loop *loop = timer->loop;
    struct loop_timer *last;

    if (!loop) {
        return;
    }
    last = loop->timers[--loop->n_timers];
    if (last != timer) {
        put(loop, last, timer->place);
        rise(loop, last);
        sink(loop, last);
    }
    timer->loop = NULL;
}

/* No more of them than there are now, lest one that is always due keeps all others waiting. */
static void handle_timers(struct loop *loop) {
    for (size_t n = loop->n_timers; n > 0 && loop->n_timers > 0 && !loop->is_over; n--) {
        struct loop_timer *timer = loop->timers[0];

        if (timer->due_us > loop->now_us) {
            return;
        }
        loop_timer_clear(timer);
        timer->on_due(timer->userdata);
    }
}

/* ---- tasks ---- */

void loop_defer(struct loop *loop, struct loop_task *task, void (*run)(void *userdata), void *userdata) {
    if (!task->loop) {
        *task = (struct loop_task){.loop = loop, .run = run, .userdata = userdata};
        TAILQ_INSERT_TAIL(&loop->tasks, task, entry);
    }
}

void loop_cancel(struct loop_task *task) {
    if (task->loop) {
        TAILQ_REMOVE(&task->loop->tasks, task, entry);
        task->loop = NULL;
    }
}

/* A mark of its own tells what was there before from what comes meanwhile. */
static void handle_tasks(struct loop *loop) {
    struct loop_task *task;

    loop->mark = (struct loop_task){.loop = loop};
    TAILQ_INSERT_TAIL(&loop->tasks, &loop->mark, entry);
    while ((task = TAILQ_FIRST(&loop->tasks)) != &loop->mark && !loop->is_over) {
        loop_cancel(task);
        task->run(task->userdata);
    }
    loop_cancel(&loop->mark);
}

/* ---- the wait ---- */

/* In milliseconds, and no less than what is left: -1 for ever. */
static int time_left(const struct loop *loop) {
    uint64_t now_us = read_clock();
    uint64_t left_ms;

    if (!TAILQ_EMPTY(&loop->tasks)) {
        return 0;
    }
    if (loop->n_timers == 0) {
        return -1;
    }
    if (loop->timers[0]->due_us <= now_us) {
        return 0;
    }
    left_ms = (loop->timers[0]->due_us - now_us + US_PER_MS - 1) / US_PER_MS;
    return left_ms < INT_MAX ? (int)left_ms : INT_MAX;
}

int loop_run(struct loop *loop) {
    while (!loop->is_over) {
        int n = epoll_wait(loop->epoll_fd, loop->events, LOOP_BATCH, time_left(loop));

        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        loop->now_us = read_clock();
        loop->n_events = n < 0 ? 0 : n;
        handle_events(loop);
        handle_timers(loop);
        handle_tasks(loop);
        if (loop->after_round) {
            loop->after_round(loop->after_round_userdata);
        }
    }
    return 0;
}

void loop_exit(struct loop *loop) {
    loop->is_over = true;
}
