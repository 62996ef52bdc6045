/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <errno.h>
#include <unistd.h>

/*
 * What a hook that somebody else has written might try. Each probe is harmless also where nothing stops it: it undoes
 * what it did, or asks for something that fails behind the check that it is about.
 */

/** struct probe - one attempt; @run returns 0 when it has succeeded, otherwise the errno that it met */
struct probe {
    const char *name;
    int (*run)(void);
};

/** given() - the value of the argument NAME=VALUE of this program; "" when there is none, which names nothing */
const char *given(const char *name);

/** given_number() - the same as a number, such as a process id */
int given_number(const char *name);

/** in() - a path below the folder that was given as @folder; the next call but one overwrites it */
const char *in(const char *folder, const char *name);

/** result() - of a system call: 0 or errno */
static inline int result(long r) {
    return r < 0 ? errno : 0;
}

/** result_fd() - of one that makes a descriptor, which is closed */
static inline int result_fd(long fd) {
    return fd < 0 ? errno : result(close((int)fd));
}

/** undone() - what has succeeded has, whether or not it could be taken back */
static inline int undone(long r) {
    (void)r;
    return 0;
}

/* A name of NULL ends each list. */
extern const struct probe read_probes[];
extern const struct probe change_probes[];
extern const struct probe socket_probes[];
extern const struct probe process_probes[];
extern const struct probe kernel_probes[];
