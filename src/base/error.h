/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How functions fail.
 *
 * 0 is success. A negative errno is a failure of the system, which the caller passes on unchanged. A positive
 * MODULE_E_* is a verdict that the caller must handle; it is listed at the function. People read the errors of the
 * start and of the configuration. So these also fill a struct gate_error of the public header.
 */

#include "gitgate.h"

/**
 * gate_error_set() - fill @error
 * @error: NULL when the caller wants no sentence
 * @code: one of enum gate_error_code
 * @format: the sentence, without a full stop or a newline
 *
 * Return: @code, so that a failing function ends with "return gate_error_set(...)".
 */
__attribute__((format(printf, 3, 4))) int gate_error_set(struct gate_error *error, enum gate_error_code code,
                                                         const char *format, ...);

/**
 * error_advice() - what to do about a system call that fails with @error, a positive errno
 *
 * The seccomp profile of a container refuses calls with EPERM or ENOSYS, and these errors do not name the profile.
 *
 * Return: a static text to append to the name of the call and its error; empty when the error says enough.
 */
const char *error_advice(int error);
