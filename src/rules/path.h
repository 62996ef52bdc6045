/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

enum {
    PATH_FOLDED_MAX_BYTES = 4096, /* with terminator; longer paths are not judged, and no system can check them out */
};

/** enum path_fault - why a path cannot be judged by its name */
enum path_fault {
    PATH_FINE,
    PATH_TOO_LONG,
    PATH_SHORT_NAME, /* a name such as GITHUB~1, which Windows takes for another one */
    PATH_UNCLEAR,    /* a name that is empty, "." or ".." to Windows */
};

/**
 * path_fold() - write @path as the least particular file system would take it
 *
 * It leaves out code points that HFS+ ignores. It folds letters to lower case, and letters of other scripts to ASCII
 * where a file system does. As on Windows, a backslash becomes a slash. Each name loses a stream after a colon, and
 * then dots and spaces at its end.
 *
 * Return: PATH_FINE, or the fault.
 */
enum path_fault path_fold(char folded[PATH_FOLDED_MAX_BYTES], const char *path, size_t size);
