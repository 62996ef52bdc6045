/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A gate for the tests of src/serve: settings, a loop, a log in a file, and a repository that git would not serve. A
 * script stands in git's place. The clock of the loop is the test's own where clock_gettime(2) is wrapped.
 */

#include "unit_folder.h"

#include <poll.h>
#include <signal.h>
#include <time.h>

#include "serve/gate.h"

enum {
    GATE_AWAIT_MS = 20 * 1000, /* real time for operations of milliseconds, on a very busy machine */
};

#define GATE_TEST_TOKEN "token"
#define GOOD_TOKEN "Authorization: Basic dG9rZW46\r\n"
#define GET_REFS "GET /r.git/info/refs?service=git-upload-pack HTTP/1.1\r\nHost: x\r\n"
#define POST_FETCH                                                                                                     \
    "POST /r.git/git-upload-pack HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-git-upload-pack-request\r\n"
#define POST_PUSH                                                                                                      \
    "POST /r.git/git-receive-pack HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-git-receive-pack-request\r\n"

static struct site {
    struct gate gate;
    struct server_settings settings;
    struct loop loop;
    int log_fd;
    unsigned n_processes_ended;
    char backend[PATH_MAX + sizeof("/backend")];
} site;

static inline void site_on_process_end(void *userdata) {
    (void)userdata;
    site.n_processes_ended++;
}

static inline void site_set_up(void) {
    static char *none[] = {NULL};
    static char scope[] = "r";
    static char *scopes[] = {scope, NULL};

    site.settings = (struct server_settings){
        .listener = {.socket_path = "sock", .inherited_fd = -1, .access = {.mode = 0600}},
        .policy = {.tokens = {GATE_TEST_TOKEN}, .scopes = scopes},
        .environ = {.mirror_root = folder.path,
                    .remote_user = "token",
                    .backend = ENVIRON_HTTP_BACKEND,
                    .hide_refs = none,
                    .git_config = none},
        .alternates = none,
        .allow_paths = none,
        .max_connections = 8,
        .max_backends = 2,
        .max_negotiation_bytes = 1000,
        .queue_timeout_s = 300,
        .header_timeout_s = 10,
        .idle_timeout_s = 75,
        .stall_timeout_s = 60,
        .backend_timeout_s = 600,
        .request_timeout_s = 3600,
        .drain_timeout_s = 4,
        .confine = CONFINE_OFF,
        .log_fd = -1,
        .moves_fd = -1,
    };
}

static inline int site_begin(void **state) {
    int r = folder_begin(state);

    if (r) {
        return r;
    }
    assert_int_equal(mkdir("r.git", 0700), 0);
    assert_int_equal(mkdir("r.git/objects", 0700), 0);
    assert_int_equal(mkdir("r.git/refs", 0700), 0);
    folder_write("r.git/HEAD", SPAN("ref: refs/heads/main\n"));
    folder_write("r.git/config", SPAN("[core]\n\trepositoryformatversion = 0\n\tbare = true\n"));
    assert_true(signal(SIGPIPE, SIG_IGN) != SIG_ERR); /* as the program that runs a gate does */
    memset(&site, 0, sizeof(site));
    site_set_up();
    assert_int_equal(loop_init(&site.loop), 0);
    site.log_fd = open("log", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(site.log_fd >= 0);
    (void)snprintf(site.backend, sizeof(site.backend), "%s/backend", folder.path);
    site.gate = (struct gate){
        .settings = &site.settings,
        .environ = site.settings.environ,
        .git = {.search_path = getenv("PATH"), .exec_path = folder.path, .program = site.backend},
        .policy = {.is_local = true, .follows_links = true},
        .loop = &site.loop,
        .listener = LISTENER_NONE,
        .confine = CONFINE_NONE,
        .large_pool = {.capacity = GATE_LARGE_BYTES},
        .wire_pool = {.capacity = GATE_WIRE_BYTES},
    };
    site.gate.environ.search_path = site.gate.git.search_path;
    site.gate.environ.exec_path = site.gate.git.exec_path;
    log_init(&site.gate.log, site.log_fd, LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT);
    move_stream_init(&site.gate.moves, -1, &site.gate.log, &site.loop);
    LIST_INIT(&site.gate.exchanges);
    turns_init(&site.gate.turns, site.settings.max_backends, site.settings.max_connections, site_on_process_end, NULL);
    return 0;
}

/* Takes the gate apart. After a failed test it does not, so that the log can be read. */
static inline int site_end(void **state) {
    if (site.loop.timers || !TAILQ_EMPTY(&site.loop.tasks) || !LIST_EMPTY(&site.gate.exchanges) ||
        site.gate.turns.n_running > 0 || site.gate.turns.n_waiting > 0) {
        return -1;
    }
    buffer_pool_empty(&site.gate.large_pool);
    buffer_pool_empty(&site.gate.wire_pool);
    loop_deinit(&site.loop);
    assert_int_equal(close(site.log_fd), 0);
    return folder_end(state);
}

/* The program in git's place: lines of sh(1). */
static inline void site_backend(const char *lines) {
    FILE *file = fopen(site.backend, "we");

    assert_non_null(file);
    assert_true(fprintf(file, "#!/bin/sh\n%s\n", lines) > 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(site.backend, 0700), 0);
}

/* All records so far. */
static inline const char *site_log(void) {
    static char text[1 << 16];
    ssize_t size = pread(site.log_fd, text, sizeof(text) - 1, 0);

    assert_true(size >= 0);
    text[size] = '\0';
    return text;
}

static inline void expect_logged(const char *name, const char *words) {
    if (!strstr(site_log(), words)) {
        fail_msg("%s: no '%s' in the log:\n%s", name, words, site_log());
    }
}

/* Runs rounds of the loop until nothing more happens at once. */
static inline void site_settle(void) {
    while (loop_round(&site.loop, 0) > 0) {
    }
}

/* Runs rounds of the loop until the condition holds, or too much real time has passed. */
#define SITE_AWAIT(name, condition)                                                                                    \
    do {                                                                                                               \
        unsigned left_ = GATE_AWAIT_MS / 10;                                                                           \
                                                                                                                       \
        while (!(condition)) {                                                                                         \
            if (loop_round(&site.loop, 0) == 0) {                                                                      \
                expect_true((name), left_-- > 0);                                                                      \
                (void)poll(&(struct pollfd){.fd = site.loop.epoll_fd, .events = POLLIN}, 1, 10);                       \
            }                                                                                                          \
        }                                                                                                              \
    } while (0)

#define AT_SITE(test) cmocka_unit_test_setup_teardown(test, site_begin, site_end)
