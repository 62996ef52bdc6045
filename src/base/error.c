/* SPDX-License-Identifier: Apache-2.0 */

/* Fills a struct gate_error with one sentence for people. It never prints: the caller shows the error. */

#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int gate_error_set(struct gate_error *error, enum gate_error_code code, const char *format, ...) {
    if (error) {
        va_list arguments;

        va_start(arguments, format);
        (void)vsnprintf(error->message, sizeof(error->message), format, arguments);
        va_end(arguments);
        error->code = (int)code;
    }
    return (int)code;
}

const char *error_advice(int error) {
    return error == EPERM || error == ENOSYS
               ? "; a container's seccomp profile may refuse this call: allow it there, or run git-gate outside"
               : "";
}
