/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <errno.h>
#include <unistd.h>

/*
 * Attempts of a hostile hook. Each probe is harmless even if nothing stops it: it undoes its change, or asks for
 * something that fails after the tested check.
 */

/** struct probe - one attempt; @run returns 0 on success, otherwise its errno */
struct probe {
    const char *name;
    int (*run)(void);
};

/** given() - the value of this program's argument NAME=VALUE; "" if there is none, which names no file */
const char *given(const char *name);

/** given_number() - the same as a number, such as a process id */
int given_number(const char *name);

/** in() - a path below the folder in the argument @folder; the second call after this one overwrites it */
const char *in(const char *folder, const char *name);

/** result() - 0 or the errno of a system call */
static inline int result(long r) {
    return r < 0 ? errno : 0;
}

/** result_fd() - the same for a call that makes a descriptor, which is closed */
static inline int result_fd(long fd) {
    return fd < 0 ? errno : result(close((int)fd));
}

/** undone() - 0, as the attempt has succeeded, even if it could not be undone */
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
