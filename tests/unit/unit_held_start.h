/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Holds a start until a test lets it go on: the start asks git, and this git waits. */

#include "unit_library.h"

static char *plain_path; /* PATH as it was */
static char *slow_path;  /* the same behind a folder whose git opens a pipe, and goes on or fails as it reads there */

/* For place_begin() and place_end(). */
static inline int held_begin(void **state) {
    int r = place_begin(state);

    plain_path = strdup(getenv("PATH"));
    assert_true(asprintf(&slow_path, "%s:%s", in_place("slow"), plain_path) > 0);
    run_shell("mkdir slow; mkfifo slow/pipe; cat >slow/git <<'END'\n#!/bin/sh\n"
              "read -r word <'%s/slow/pipe'\n[ \"$word\" = go ] || exit 3\nPATH='%s' exec git \"$@\"\nEND\n"
              "chmod +x slow/git",
              place, plain_path);
    return r;
}

static inline int held_end(void **state) {
    free(plain_path), free(slow_path);
    return place_end(state);
}

struct held_start {
    struct gate_server *server;
    pthread_t thread;
    int pipe;
    struct gate_error error;
    int result;
};

/* For a thread. */
static inline void *start_it(void *argument) {
    struct held_start *held = argument;

    held->result = gate_server_start(held->server, &held->error);
    return NULL;
}

/* Returns when the start has asked git. */
static inline void hold_start(struct held_start *held, struct gate_server *server) {
    *held = (struct held_start){.server = server, .pipe = -1};
    assert_int_equal(setenv("PATH", slow_path, 1), 0);
    assert_int_equal(pthread_create(&held->thread, NULL, start_it, held), 0);
    wait_until("git is asked", (held->pipe = open(in_place("slow/pipe"), O_WRONLY | O_NONBLOCK | O_CLOEXEC)) >= 0);
}

/* Returns when the start is over. @word: "go\n", or anything else for a git that fails. */
static inline void release_start(struct held_start *held, const char *word) {
    assert_int_equal(write(held->pipe, word, strlen(word)), strlen(word));
    (void)close(held->pipe);
    expect_joined(held->thread);
    assert_int_equal(setenv("PATH", plain_path, 1), 0);
}
