/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

enum {
    REMOTE_INPUT_FIRST_MS = 5000,      /* for git's first command, which it writes as soon as the helper runs */
    REMOTE_INPUT_NEXT_MS = 1000,       /* for the next one, when git's HTTP helper has died between two commands */
    REMOTE_INPUT_MAX_BYTES = 64 << 10, /* read in all: as much as a pipe holds */
};

/**
 * remote_input_await() - wait until git has written something, or closed its end; read nothing
 *
 * On a terminal it does not wait.
 */
void remote_input_await(int timeout_ms);

/**
 * remote_input_drain() - read the bytes that git has written, up to the end of a line
 * @timeout_ms: how long git may take for the first byte, and for the rest of a line; 0 reads only bytes already there
 *
 * Otherwise SIGPIPE would kill a git that still writes when its helper ends, and its user would not learn the reason.
 * On a terminal nothing is read.
 */
void remote_input_drain(int timeout_ms);
