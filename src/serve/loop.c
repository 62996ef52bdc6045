/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Waits for descriptors, timers and tasks, and calls their callbacks. epoll(7) reports descriptors, with edges and
 * hang-ups. Timers are in a heap, with the next one at its top. Tasks run in their order. Each watched item is part of
 * its owner's memory. After an item is unwatched, cleared or cancelled, its callback must not be called again, even in
 * the same round.
 */

#include "serve/loop.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>

#include "base/clock.h"
#include "base/fd.h"

enum {
    LOOP_PAUSE_NS = LOOP_PAUSE_US * 1000,
};

static void note_time(struct loop *loop) {
    loop->now_us = clock_now_us();
    loop->now_s = time(NULL);
}

int loop_init(struct loop *loop) {
    *loop = LOOP_NONE;
    TAILQ_INIT(&loop->tasks);
    note_time(loop);
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    return loop->epoll_fd < 0 ? -errno : 0;
}

void loop_deinit(struct loop *loop) {
    assert(!loop->timers && TAILQ_EMPTY(&loop->tasks));
    loop->epoll_fd = fd_close(loop->epoll_fd);
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

void loop_modify(struct loop_io *io, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = io};

    (void)epoll_ctl(io->loop->epoll_fd, EPOLL_CTL_MOD, io->fd, &event);
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

/*
 * ---- timers: a pairing heap ----
 *
 * No timer is due before its parent. Each timer has a list of children. Each child has the address of the pointer that
 * leads to it, in its parent or in its previous sibling. The heap needs no memory but that of the timers, so setting a
 * timer cannot fail.
 */

static void link_timer(struct loop_timer **linkp, struct loop_timer *timer) {
    *linkp = timer;
    if (timer) {
        timer->linkp = linkp;
    }
}

/* Makes the later timer the first child of the earlier one. Neither has siblings. Return: the parent. */
static struct loop_timer *merge(struct loop_timer *one, struct loop_timer *other) {
    struct loop_timer *parent = one->due_us <= other->due_us ? one : other;
    struct loop_timer *child = parent == one ? other : one;

    link_timer(&child->next, parent->first_child);
    link_timer(&parent->first_child, child);
    return parent;
}

/* Merges siblings in pairs, then the pairs one by one, from the last to the first. Return: NULL for no siblings. */
static struct loop_timer *merge_siblings(struct loop_timer *sibling) {
    struct loop_timer *pairs = NULL;
    struct loop_timer *heap = NULL;

    while (sibling) {
        struct loop_timer *one = sibling;
        struct loop_timer *other = one->next;

        sibling = other ? other->next : NULL;
        one = other ? merge(one, other) : one;
        one->next = pairs;
        pairs = one;
    }
    while (pairs) {
        struct loop_timer *one = pairs;

        pairs = one->next;
        one->next = NULL;
        heap = heap ? merge(heap, one) : one;
    }
    return heap;
}

static void add_heap(struct loop *loop, struct loop_timer *heap) {
    if (heap) {
        link_timer(&loop->timers, loop->timers ? merge(loop->timers, heap) : heap);
    }
}

void loop_timer_clear(struct loop_timer *timer) {
    struct loop *loop = timer->loop;

    if (loop) {
        link_timer(timer->linkp, timer->next);
        add_heap(loop, merge_siblings(timer->first_child));
        *timer = (struct loop_timer){0};
    }
}

/* A timer is never due before the next round. Otherwise a timer that is always due would keep the others waiting. */
void loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t due_us, void (*on_due)(void *userdata),
                    void *userdata) {
    loop_timer_clear(timer);
    *timer = (struct loop_timer){
        .loop = loop,
        .due_us = due_us > loop->now_us ? due_us : loop->now_us + 1,
        .on_due = on_due,
        .userdata = userdata,
    };
    add_heap(loop, timer);
}

static void handle_timers(struct loop *loop) {
    while (loop->timers && loop->timers->due_us <= loop->now_us && !loop->is_over) {
        const struct loop_timer timer = *loop->timers;

        assert(timer.on_due); /* the heap holds only timers that were set */
        loop_timer_clear(loop->timers);
        timer.on_due(timer.userdata);
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

/* The loop's mark separates the tasks of this round from tasks that are added meanwhile. */
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

/* The time to wait in milliseconds, rounded up, @max_ms at most; -1 means for ever. */
static int time_left(const struct loop *loop, int max_ms) {
    uint64_t now_us = clock_now_us();
    uint64_t left_ms;

    if (!TAILQ_EMPTY(&loop->tasks)) {
        return 0;
    }
    if (!loop->timers) {
        return max_ms;
    }
    if (loop->timers->due_us <= now_us) {
        return 0;
    }
    left_ms = (loop->timers->due_us - now_us + US_PER_MS - 1) / US_PER_MS;
    left_ms = left_ms < INT_MAX ? left_ms : INT_MAX;
    return max_ms >= 0 && (uint64_t)max_ms < left_ms ? max_ms : (int)left_ms;
}

static void take_pause(struct loop *loop) {
    const struct timespec pause = {.tv_nsec = LOOP_PAUSE_NS};

    if (loop->pauses) {
        (void)nanosleep(&pause, NULL); /* a signal may end it */
    }
    loop->pauses = false;
}

int loop_round(struct loop *loop, int max_ms) {
    bool had_tasks = !TAILQ_EMPTY(&loop->tasks);
    int n;

    take_pause(loop);
    n = epoll_wait(loop->epoll_fd, loop->events, LOOP_BATCH, time_left(loop, max_ms));
    if (n < 0 && errno != EINTR) {
        return -errno;
    }
    note_time(loop);
    loop->n_events = n < 0 ? 0 : n;
    handle_events(loop);
    handle_timers(loop);
    handle_tasks(loop);
    if (loop->after_round) {
        loop->after_round(loop->after_round_userdata);
    }
    return n > 0 || had_tasks;
}

int loop_run(struct loop *loop) {
    int r = 0;

    while (!loop->is_over && r >= 0) {
        r = loop_round(loop, -1);
    }
    return r < 0 ? r : 0;
}

void loop_exit(struct loop *loop) {
    loop->is_over = true;
}
