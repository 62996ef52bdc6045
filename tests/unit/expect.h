/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Shared by all unit tests: cmocka, and checks that print the name of the failed case. It knows nothing of the gate.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define expect_true(name, condition)                                                                                   \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fail_msg("%s: not so: %s", (name), #condition);                                                            \
        }                                                                                                              \
    } while (0)

#define expect_int(name, got, expected)                                                                                \
    do {                                                                                                               \
        long long got_ = (long long)(got);                                                                             \
        long long expected_ = (long long)(expected);                                                                   \
                                                                                                                       \
        if (got_ != expected_) {                                                                                       \
            fail_msg("%s: %s is %lld, not %lld", (name), #got, got_, expected_);                                       \
        }                                                                                                              \
    } while (0)
