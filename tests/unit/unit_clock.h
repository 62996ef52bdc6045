/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The test's own monotonic clock, which moves only by clock_advance(). The linker redirects all calls to it, as
 * meson.build says. Other clocks are the system's.
 */

#include <stdint.h>
#include <time.h>

static uint64_t clock_us = 1000000000;

int __real_clock_gettime(clockid_t clock,
                         struct timespec *now); /* NOLINT(bugprone-reserved-identifier): the linker's */
int __wrap_clock_gettime(clockid_t clock,
                         struct timespec *now); /* NOLINT(bugprone-reserved-identifier): the linker's */

int __wrap_clock_gettime(clockid_t clock, struct timespec *now) { /* NOLINT(bugprone-reserved-identifier) */
    if (clock != CLOCK_MONOTONIC) {
        return __real_clock_gettime(clock, now);
    }
    *now = (struct timespec){.tv_sec = (time_t)(clock_us / 1000000), .tv_nsec = (long)(clock_us % 1000000 * 1000)};
    return 0;
}

static inline void clock_advance_ms(uint64_t ms) {
    clock_us += ms * 1000;
}
