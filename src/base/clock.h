/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>
#include <time.h>

/** clock_now_us() - microseconds on the monotonic clock, which nobody can set */
static inline uint64_t clock_now_us(void) {
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* it never fails for this clock: clock_gettime(2) */
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/** clock_now_ms() - the same in milliseconds */
static inline int64_t clock_now_ms(void) {
    return (int64_t)(clock_now_us() / 1000);
}
