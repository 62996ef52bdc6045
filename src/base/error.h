/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How functions fail.
 *
 * 0 is success. A negative errno is a failure of the system that the caller passes on unchanged. A positive
 * MODULE_E_* is a verdict that the caller must handle; it is listed at the function. What a person may read,
 * at start-up and of the configuration, also fills a struct gate_error, which is the library's.
 */

#include "gitgate.h"

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
