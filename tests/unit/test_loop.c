/* SPDX-License-Identifier: Apache-2.0 */

/* loop: the reported events and their order. A source that was removed is not reported. */

#include "serve/loop.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "unit.h"

enum {
    MANY = 1000,
    LONG_US = 1000 * 1000 * 1000,
};

/* The reports in their order, a letter for each. */
static struct scene {
    struct loop loop;
    char told[64];
    struct loop_io ios[2];
    struct loop_timer timers[3];
    struct loop_task tasks[3];
    int ends[2][2];
} scene;

static int begin(void **state) {
    (void)state;
    memset(&scene, 0, sizeof(scene));
    assert_int_equal(loop_init(&scene.loop), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, scene.ends[i]), 0);
    }
    return 0;
}

static int end(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        loop_unwatch(&scene.ios[i]);
        (void)fd_close(scene.ends[i][0]);
        (void)fd_close(scene.ends[i][1]);
    }
    loop_deinit(&scene.loop);
    expect_int("given back", scene.loop.epoll_fd, -1);
    return 0;
}

static void tell(char letter) {
    size_t size = strlen(scene.told);

    assert_true(size + 1 < sizeof(scene.told));
    scene.told[size] = letter;
}

static void on_read(uint32_t events, void *userdata) {
    struct loop_io *io = userdata;
    char byte;

    (void)events;
    tell(read(io->fd, &byte, 1) == 1 ? byte : 'E');
}

static void on_due(void *userdata) {
    tell((char)('0' + ((struct loop_timer *)userdata - scene.timers)));
}

static void on_exit_due(void *userdata) {
    (void)userdata;
    tell('.');
    loop_exit(&scene.loop);
}

/* Runs the loop until some time has passed. */
static void run_for(unsigned ms) {
    struct loop_timer timer = {0};

    scene.loop.is_over = false;
    scene.told[0] = '\0';
    memset(scene.told, 0, sizeof(scene.told));
    loop_timer_set(&scene.loop, &timer, scene.loop.now_us + ms * US_PER_MS, on_exit_due, NULL);
    assert_int_equal(loop_run(&scene.loop), 0);
    loop_timer_clear(&timer);
}

static void watch(int i, uint32_t events) {
    assert_int_equal(loop_watch(&scene.loop, &scene.ios[i], scene.ends[i][0], events, on_read, &scene.ios[i]), 0);
}

static void say(int i, const char *text) {
    assert_int_equal(write(scene.ends[i][1], text, strlen(text)), strlen(text));
}

static void test_descriptors(void **state) {
    (void)state;
    watch(0, EPOLLIN);
    expect_true("it is watched", loop_is_watched(&scene.ios[0]) && !loop_is_watched(&scene.ios[1]));
    say(0, "ab");
    run_for(20);
    expect_text("again and again", scene.told, "ab.");
    say(0, "c");
    loop_unwatch(&scene.ios[0]);
    loop_unwatch(&scene.ios[0]);
    run_for(5);
    expect_text("nothing any more", scene.told, ".");
    watch(0, EPOLLIN | EPOLLET);
    say(0, "d");
    run_for(20);
    expect_text("an edge alone", scene.told, "c.");
    scene.ends[0][1] = fd_close(scene.ends[0][1]);
    run_for(20);
    expect_text("another edge", scene.told, "d.");
    expect_int("what is no descriptor", loop_watch(&scene.loop, &scene.ios[1], -1, EPOLLIN, on_read, NULL), -EBADF);
    expect_true("it is not watched", !loop_is_watched(&scene.ios[1]));
}

static void test_modified(void **state) {
    (void)state;
    watch(0, EPOLLIN);
    loop_modify(&scene.ios[0], 0);
    say(0, "a");
    run_for(5);
    expect_text("it is not told of", scene.told, ".");
    loop_modify(&scene.ios[0], EPOLLIN);
    run_for(20);
    expect_text("it was not lost", scene.told, "a.");
}

static void on_read_and_unwatch_all(uint32_t events, void *userdata) {
    on_read(events, userdata);
    loop_unwatch(&scene.ios[0]);
    loop_unwatch(&scene.ios[1]);
}

/* Two events happen in one round, and the first handler removes the other source. */
static void test_unwatched_in_the_round(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            loop_watch(&scene.loop, &scene.ios[i], scene.ends[i][0], EPOLLIN, on_read_and_unwatch_all, &scene.ios[i]),
            0);
        say(i, i == 0 ? "a" : "b");
    }
    run_for(20);
    expect_true("one of them alone", strcmp(scene.told, "a.") == 0 || strcmp(scene.told, "b.") == 0);
}

static void test_order_of_timers(void **state) {
    (void)state;
    for (int i = 0; i < 3; i++) {
        static const uint64_t due_ms[] = {9, 3, 6};

        loop_timer_set(&scene.loop, &scene.timers[i], scene.loop.now_us + due_ms[i] * US_PER_MS, on_due,
                       &scene.timers[i]);
    }
    run_for(20);
    expect_text("each once, the earliest first", scene.told, "120.");
}

static void test_timers_that_change(void **state) {
    uint64_t now_us = scene.loop.now_us;

    (void)state;
    for (int i = 0; i < 3; i++) {
        loop_timer_set(&scene.loop, &scene.timers[i], now_us + 1000, on_due, &scene.timers[i]);
    }
    loop_timer_set(&scene.loop, &scene.timers[0], now_us + 5000, on_due, &scene.timers[0]);
    assert_true(loop_timer_is_set(&scene.timers[1]));
    loop_timer_clear(&scene.timers[1]);
    loop_timer_clear(&scene.timers[1]);
    assert_false(loop_timer_is_set(&scene.timers[1]));
    run_for(20);
    expect_text("later, not, as it was", scene.told, "20.");
    expect_true("none is left", scene.loop.timers == NULL);
}

static void on_due_again(void *userdata) {
    assert_false(loop_timer_is_set(userdata));
    on_due(userdata);
    if (strlen(scene.told) < 3) {
        loop_timer_set(&scene.loop, userdata, scene.loop.now_us, on_due_again, userdata);
    }
}

/* The timer is due again at once, and the loop still handles a descriptor. */
static void test_timer_that_is_always_due(void **state) {
    (void)state;
    watch(0, EPOLLIN);
    say(0, "a");
    loop_timer_set(&scene.loop, &scene.timers[0], 0, on_due_again, &scene.timers[0]);
    run_for(20);
    expect_text("in turns", scene.told, "a00.");
}

/* Many timers are set and cleared in a mixed order. Each remaining one comes in its turn. */
static struct loop_timer many[MANY];
static uint64_t last_due_us;
static unsigned n_due;

static void on_one_of_many(void *userdata) {
    struct loop_timer *timer = userdata;

    expect_true("in their order", timer->due_us >= last_due_us);
    last_due_us = timer->due_us;
    n_due++;
}

static void test_many_timers(void **state) {
    uint32_t random = 1;
    unsigned n_set = 0;

    (void)state;
    memset(many, 0, sizeof(many));
    last_due_us = 0;
    n_due = 0;
    for (unsigned i = 0; i < 10 * MANY; i++) {
        random = random * 1664525U + 1013904223U;
        if ((random >> 16) % 4 == 0) {
            loop_timer_clear(&many[(random >> 8) % MANY]);
        } else {
            loop_timer_set(&scene.loop, &many[(random >> 8) % MANY], scene.loop.now_us + random % MANY, on_one_of_many,
                           &many[(random >> 8) % MANY]);
        }
    }
    for (unsigned i = 0; i < MANY; i++) {
        n_set += many[i].loop != NULL;
    }
    run_for(5);
    expect_int("all of them came", n_due, n_set);
}

static void run_task(void *userdata) {
    tell((char)('x' + ((struct loop_task *)userdata - scene.tasks)));
}

static void run_task_again(void *userdata) {
    run_task(userdata);
    if (strlen(scene.told) < 6) {
        loop_defer(&scene.loop, userdata, run_task_again, userdata);
    }
}

/* A handler that always has more to do lets others have their turn. */
static void test_tasks(void **state) {
    (void)state;
    watch(0, EPOLLIN);
    say(0, "abc");
    loop_defer(&scene.loop, &scene.tasks[0], run_task_again, &scene.tasks[0]);
    loop_defer(&scene.loop, &scene.tasks[1], run_task, &scene.tasks[1]);
    loop_defer(&scene.loop, &scene.tasks[1], run_task, &scene.tasks[1]);
    loop_defer(&scene.loop, &scene.tasks[2], run_task, &scene.tasks[2]);
    loop_cancel(&scene.tasks[2]);
    loop_cancel(&scene.tasks[2]);
    run_for(20);
    expect_text("in turns", scene.told, "axybxcx.");
}

static void count_round(void *userdata) {
    ++*(unsigned *)userdata;
}

static void test_rounds(void **state) {
    unsigned n_rounds = 0;

    (void)state;
    watch(0, EPOLLIN);
    say(0, "ab");
    scene.loop.after_round = count_round;
    scene.loop.after_round_userdata = &n_rounds;
    run_for(20);
    expect_text("both", scene.told, "ab.");
    expect_int("behind each, and behind the timer", n_rounds, 3);
}

static void on_read_and_exit(uint32_t events, void *userdata) {
    on_read(events, userdata);
    loop_exit(&scene.loop);
}

/* After the end no event is handled, although all of them have happened. */
static void test_exit(void **state) {
    (void)state;
    assert_int_equal(loop_watch(&scene.loop, &scene.ios[0], scene.ends[0][0], EPOLLIN, on_read_and_exit, &scene.ios[0]),
                     0);
    say(0, "a");
    loop_timer_set(&scene.loop, &scene.timers[0], 0, on_due, &scene.timers[0]);
    loop_defer(&scene.loop, &scene.tasks[0], run_task, &scene.tasks[0]);
    assert_int_equal(loop_run(&scene.loop), 0);
    expect_text("one", scene.told, "a");
    loop_timer_clear(&scene.timers[0]);
    loop_cancel(&scene.tasks[0]);
}

/* The loop sleeps while nothing is due. */
static void test_it_sleeps(void **state) {
    struct timespec before;
    struct timespec after;

    (void)state;
    loop_timer_set(&scene.loop, &scene.timers[0], scene.loop.now_us + LONG_US, on_due, NULL);
    assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before), 0);
    run_for(100);
    assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after), 0);
    expect_true("less than a tenth of it was used",
                (after.tv_sec - before.tv_sec) * 1000000000L + after.tv_nsec - before.tv_nsec < 10000000L);
    loop_timer_clear(&scene.timers[0]);
}

/* The microseconds of MANY rounds that wait for nothing. */
static uint64_t shortest_round(bool pauses) {
    uint64_t shortest = UINT64_MAX;

    for (int i = 0; i < MANY; i++) {
        uint64_t begin_us = clock_now_us();
        uint64_t took_us;

        if (pauses) {
            loop_pause(&scene.loop);
        }
        expect_int("nothing happened", loop_round(&scene.loop, 0), 0);
        took_us = clock_now_us() - begin_us;
        shortest = took_us < shortest ? took_us : shortest;
    }
    return shortest;
}

/* Only one round begins later. */
static void test_pause(void **state) {
    (void)state;
    expect_true("begins later", shortest_round(true) >= LOOP_PAUSE_US);
    expect_true("begins at once", shortest_round(false) < LOOP_PAUSE_US);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_descriptors),
        TEST(test_modified),
        TEST(test_unwatched_in_the_round),
        TEST(test_order_of_timers),
        TEST(test_timers_that_change),
        TEST(test_timer_that_is_always_due),
        TEST(test_many_timers),
        TEST(test_tasks),
        TEST(test_rounds),
        TEST(test_exit),
        TEST(test_it_sleeps),
        TEST(test_pause),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
