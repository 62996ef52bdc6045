/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Definitions of request heads for programs without llhttp, such as git-remote-gate. */

enum {
    HEAD_MAX_BYTES = 16 * 1024,       /* request line, fields and the empty line */
    HEAD_MAX_FIELDS = 64,             /* field lines */
    HEAD_MAX_TARGET_BYTES = 4 * 1024, /* request target */
};

enum head_method {
    HEAD_METHOD_GET,
    HEAD_METHOD_POST,
    HEAD_METHOD_OTHER, /* a method that HTTP knows and no route takes */
};
