/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Shared by the tests of the log: a pipe that takes the records, and the form that they must have. */

#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"

enum {
    TIME_SIZE = sizeof("2024-01-01T00:00:00.000Z") - 1,
    OUT_ROOM = 1 << 17,
};

struct capture {
    struct log log;
    int fds[2];
    char out[OUT_ROOM];
};

static struct capture capture;

static inline int capture_begin(void **state) {
    (void)state;
    return pipe(capture.fds);
}

static inline int capture_end(void **state) {
    (void)state;
    if (capture.fds[0] >= 0) {
        (void)close(capture.fds[0]);
    }
    return close(capture.fds[1]);
}

/* Reads everything in the pipe as a string. The write end stays blocking. */
static inline const char *capture_read(void) {
    size_t size = 0;
    ssize_t n;

    (void)fcntl(capture.fds[0], F_SETFL, O_NONBLOCK);
    while (size < OUT_ROOM - 1 && (n = read(capture.fds[0], capture.out + size, OUT_ROOM - 1 - size)) > 0) {
        size += (size_t)n;
    }
    capture.out[size] = '\0';
    assert_int_equal(strlen(capture.out), size);
    return capture.out;
}

static inline bool is_time(const char *text) {
    static const char shape[] = "dddd-dd-ddTdd:dd:dd.dddZ";

    for (size_t i = 0; i < TIME_SIZE; i++) {
        if (shape[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != shape[i]) {
            return false;
        }
    }
    return true;
}

/* Return: the end of a JSON string (RFC 8259) of printable ASCII, NULL if there is none. */
static inline const char *skip_string(const char *p) {
    if (*p++ != '"') {
        return NULL;
    }
    for (; *p != '"'; p++) {
        if (*p < ' ' || *p > '~') {
            return NULL;
        }
        if (*p == '\\') {
            p++;
            if (*p == 'u' && strspn(p + 1, "0123456789abcdefABCDEF") >= 4) {
                p += 4;
            } else if (!*p || !strchr("\"\\/bfnrt", *p)) {
                return NULL;
            }
        }
    }
    return p + 1;
}

/* Tells whether @p is one line with one JSON object of strings and numbers. */
static inline bool is_json_record(const char *p) {
    if (*p != '{') {
        return false;
    }
    do {
        p = skip_string(p + 1);
        if (!p || *p++ != ':') {
            return false;
        }
        if (*p == '"') {
            p = skip_string(p);
        } else {
            size_t n_digits = strspn(p, "0123456789");

            p = n_digits > 0 ? p + n_digits : NULL;
        }
    } while (p && *p == ',');
    return p && strcmp(p, "}\n") == 0;
}

#define CAPTURING(test) cmocka_unit_test_setup_teardown(test, capture_begin, capture_end)
