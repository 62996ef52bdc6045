/* SPDX-License-Identifier: Apache-2.0 */

/* relay: moves bytes both ways, and passes on each end separately. A slow side slows down the other. */

#include "unit_relay.h"

enum {
    STEPS_MAX = 10000,
    LARGE_BYTES = 4 * 1024 * 1024, /* more than all buffers on the way together */
};

/* A relay, and the far ends of its two sockets. */
struct scene {
    struct relay relay;
    int client;
    int gate;
    bool goes_on;
};

static void scene_init(struct scene *scene) {
    int clients[2];
    int gates[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, clients), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, gates), 0);
    relay_init(&scene->relay, clients[0], 0);
    relay_connect(&scene->relay, gates[0], 0);
    scene->client = clients[1];
    scene->gate = gates[1];
    scene->goes_on = true;
}

static void scene_deinit(struct scene *scene) {
    relay_deinit(&scene->relay);
    expect_int("given back", scene->relay.client, -1);
    expect_int("given back", scene->relay.gate, -1);
    scene->client = fd_close(scene->client);
    scene->gate = fd_close(scene->gate);
}

/* Lets the relay work until it would wait. */
static void settle(struct scene *scene) {
    struct pollfd pollfds[2];
    unsigned n_steps = 0;

    while (scene->goes_on) {
        relay_await(&scene->relay, pollfds);
        if (poll(pollfds, 2, 0) == 0) {
            return;
        }
        scene->goes_on = relay_pump(&scene->relay, pollfds, NOW_MS);
        expect_true("it comes to rest", ++n_steps < STEPS_MAX);
    }
}

static void test_both_ways(void **state) {
    struct scene scene;

    (void)state;
    scene_init(&scene);
    settle(&scene);
    expect_int("nothing has moved", scene.relay.since_ms, 0);
    say(scene.client, "question");
    say(scene.gate, "answer");
    settle(&scene);
    expect_heard("at the gate", scene.gate, "question");
    expect_heard("at the client", scene.client, "answer");
    expect_int("up", scene.relay.up.n_bytes, strlen("question"));
    expect_int("down", scene.relay.down.n_bytes, strlen("answer"));
    expect_int("moved", scene.relay.since_ms, NOW_MS);
    expect_true("it rests without memory", !scene.relay.up.buffer.data && !scene.relay.down.buffer.data);
    expect_true("it goes on", scene.goes_on);
    scene_deinit(&scene);
}

static void expect_words(const struct scene *scene, const char *expected, unsigned n_turns) {
    expect_span(expected, relay_words(&scene->relay), span_of(expected));
    expect_int(expected, scene->relay.n_turns, n_turns);
}

/* The first bytes of the last answer are kept, in however many pieces they come. */
static void test_last_words(void **state) {
    struct scene scene;

    (void)state;
    scene_init(&scene);
    say(scene.client, "question");
    settle(&scene);
    expect_words(&scene, "", 0);
    say(scene.gate, "answer");
    settle(&scene);
    say(scene.gate, " and more");
    settle(&scene);
    expect_words(&scene, "answer and more", 1);
    say(scene.client, "another question");
    settle(&scene);
    expect_words(&scene, "answer and more", 1);
    say(scene.gate, "another answer");
    settle(&scene);
    expect_words(&scene, "another answer", 2);
    scene_deinit(&scene);
}

static void test_client_shuts_first(void **state) {
    struct scene scene;

    (void)state;
    scene_init(&scene);
    say(scene.client, "question");
    assert_int_equal(shutdown(scene.client, SHUT_WR), 0);
    settle(&scene);
    expect_heard("at the gate", scene.gate, "question");
    expect_heard("at the gate", scene.gate, "(end)");
    expect_true("the answer may come", scene.goes_on);
    say(scene.gate, "answer");
    settle(&scene);
    expect_heard("at the client", scene.client, "answer");
    expect_heard("not yet at its end", scene.client, "(none)");
    assert_int_equal(shutdown(scene.gate, SHUT_WR), 0);
    settle(&scene);
    expect_heard("at the client", scene.client, "(end)");
    expect_true("both are at their end", !scene.goes_on);
    scene_deinit(&scene);
}

static void test_gate_shuts_first(void **state) {
    struct scene scene;

    (void)state;
    scene_init(&scene);
    say(scene.gate, "too late");
    assert_int_equal(shutdown(scene.gate, SHUT_WR), 0);
    settle(&scene);
    expect_heard("at the client", scene.client, "too late");
    expect_heard("at the client", scene.client, "(end)");
    expect_true("the rest may be read", scene.goes_on && !scene.relay.gate_is_gone);
    say(scene.client, "the rest");
    settle(&scene);
    expect_heard("at the gate", scene.gate, "the rest");
    scene.client = fd_close(scene.client);
    settle(&scene);
    expect_heard("at the gate", scene.gate, "(end)");
    expect_true("both are at their end", !scene.goes_on);
    scene_deinit(&scene);
}

/* The gate's last bytes still reach the client. The client's bytes are dropped until it ends. */
static void test_gate_goes(void **state) {
    struct scene scene;

    (void)state;
    scene_init(&scene);
    say(scene.gate, "last words");
    scene.gate = fd_close(scene.gate);
    say(scene.client, "question");
    settle(&scene);
    expect_heard("at the client", scene.client, "last words");
    expect_heard("at the client", scene.client, "(end)");
    expect_true("the client may still send", scene.goes_on && relay_lingers(&scene.relay) && scene.relay.gate_is_gone);
    say(scene.client, "and more of it");
    settle(&scene);
    expect_int("it was dropped", scene.relay.up.n_bytes, 0);
    assert_int_equal(shutdown(scene.client, SHUT_WR), 0);
    settle(&scene);
    expect_true("it ends", !scene.goes_on);
    scene_deinit(&scene);
}

/* The gate had nothing more to send when it went, so the relay does not wait. */
static void test_gate_goes_behind_the_client(void **state) {
    struct scene scene;

    (void)state;
    scene_init(&scene);
    assert_int_equal(shutdown(scene.client, SHUT_WR), 0);
    settle(&scene);
    say(scene.gate, "answer");
    scene.gate = fd_close(scene.gate);
    settle(&scene);
    expect_heard("at the client", scene.client, "answer");
    expect_heard("at the client", scene.client, "(end)");
    expect_true("it ends", !scene.goes_on);
    scene_deinit(&scene);
}

/* The relay knows whether the client has asked something. */
static void test_has_asked(void **state) {
    struct scene scene;

    (void)state;
    scene_init(&scene);
    expect_true("nothing was said", !scene.relay.has_asked);
    say(scene.client, "question");
    settle(&scene);
    expect_true("an answer is due", scene.relay.has_asked);
    say(scene.gate, "answer");
    settle(&scene);
    expect_true("it came", !scene.relay.has_asked);
    say(scene.client, "another");
    settle(&scene);
    expect_true("another is due", scene.relay.has_asked);
    scene_deinit(&scene);
}

static void test_client_goes(void **state) {
    struct scene scene;

    (void)state;
    scene_init(&scene);
    say(scene.client, "question");
    scene.client = fd_close(scene.client);
    settle(&scene);
    expect_heard("at the gate", scene.gate, "question");
    expect_heard("the gate learns of it", scene.gate, "(end)");
    expect_true("nobody is there for an answer", !scene.goes_on);
    scene_deinit(&scene);
}

/* Writes as much as is accepted. */
static size_t fill(struct scene *scene, int fd) {
    static const char piece[4096];
    size_t n_written = 0;

    for (ssize_t n = 1; n > 0; settle(scene)) {
        n = write(fd, piece, sizeof(piece));
        n_written += n > 0 ? (size_t)n : 0;
        expect_true("somebody says that it is enough", n_written < LARGE_BYTES);
    }
    return n_written;
}

static size_t drain(struct scene *scene, int fd) {
    char piece[4096];
    size_t n_read = 0;

    for (ssize_t n = 1; n > 0; settle(scene)) {
        n = read(fd, piece, sizeof(piece));
        n_read += n > 0 ? (size_t)n : 0;
    }
    return n_read;
}

static void test_back_pressure(void **state) {
    struct scene scene;

    (void)state;
    for (int way = 0; way < 2; way++) {
        size_t n_written;
        int from;
        int to;

        scene_init(&scene);
        from = way == 0 ? scene.client : scene.gate;
        to = way == 0 ? scene.gate : scene.client;
        n_written = fill(&scene, from);
        expect_true("it holds no more than it may",
                    buffer_size(&scene.relay.up.buffer) + buffer_size(&scene.relay.down.buffer) <= RELAY_BUFFER_BYTES);
        say(to, "against the stream");
        settle(&scene);
        expect_heard("the other way goes on", from, "against the stream");
        expect_int("all of it arrives", drain(&scene, to), n_written);
        (void)shutdown(from, SHUT_WR);
        settle(&scene);
        expect_heard("and then the end", to, "(end)");
        scene_deinit(&scene);
    }
}

/* The end does not overtake bytes that were not read yet. */
static void test_end_behind_much(void **state) {
    struct scene scene;
    size_t n_written;

    (void)state;
    scene_init(&scene);
    n_written = fill(&scene, scene.gate);
    scene.gate = fd_close(scene.gate);
    settle(&scene);
    expect_true("it waits for the client", scene.goes_on && !relay_lingers(&scene.relay));
    expect_int("all of it arrives", drain(&scene, scene.client), n_written);
    expect_true("it lingers", scene.goes_on && relay_lingers(&scene.relay));
    scene.client = fd_close(scene.client);
    settle(&scene);
    expect_true("it ends", !scene.goes_on);
    scene_deinit(&scene);
}

static void test_words(void **state) {
    struct scene scene;
    char long_text[RELAY_WORDS_MAX + 100];

    (void)state;
    scene_init(&scene);
    say(scene.gate, "HTTP/1.1 ");
    settle(&scene);
    say(scene.gate, "403 Forbidden");
    settle(&scene);
    expect_span("as they came", relay_words(&scene.relay), SPAN("HTTP/1.1 403 Forbidden"));
    memset(long_text, 'x', sizeof(long_text));
    assert_int_equal(write(scene.gate, long_text, sizeof(long_text)), sizeof(long_text));
    settle(&scene);
    expect_int("no more than fits", relay_words(&scene.relay).size, RELAY_WORDS_MAX);
    scene_deinit(&scene);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ways),
        cmocka_unit_test(test_last_words),
        cmocka_unit_test(test_client_shuts_first),
        cmocka_unit_test(test_gate_shuts_first),
        cmocka_unit_test(test_gate_goes),
        cmocka_unit_test(test_client_goes),
        cmocka_unit_test(test_back_pressure),
        cmocka_unit_test(test_end_behind_much),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_gate_goes_behind_the_client),
        cmocka_unit_test(test_has_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
