/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How functions fail.
 *
 * 0 is success. A negative errno is a failure of the system that the caller passes on unchanged. A positive
 * MODULE_E_* is a verdict that the caller must handle; it is listed at the function. What a person may read,
 * at start-up and of the configuration, also fills a struct gate_error.
 */

enum {
    GATE_ERROR_MESSAGE_MAX = 512, /* bytes of the sentence, with its terminator; a longer one is cut */
};

/** enum gate_error_code - what went wrong, as the exit status of the program tells it */
enum gate_error_code {
    GATE_E_INTERNAL = 1, /* a fault of the gate or of the system under it */
    GATE_E_USAGE = 2,    /* an option or a file that it names is wrong */
    GATE_E_START = 4,    /* the configuration is fine, but serving cannot begin */
};

/**
 * struct gate_error - a code and one sentence, in the caller's memory
 * @code: one of enum gate_error_code, 0 when nothing went wrong
 * @message: says what happened, to what, and which option mends it; never holds the token
 */
struct gate_error {
    int code;
    char message[GATE_ERROR_MESSAGE_MAX];
};

/**
 * gate_error_set() - fill @error, when the caller wants one
 * @error: may be NULL
 * @code: one of enum gate_error_code
 * @format: the sentence, without a full stop or a newline
 *
 * Return: @code, so that a failing function ends with "return gate_error_set(...)".
 */
__attribute__((format(printf, 3, 4))) int gate_error_set(struct gate_error *error, enum gate_error_code code,
                                                         const char *format, ...);
