/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

enum {
    PATH_FOLDED_MAX_BYTES = 4096, /* with terminator: longer ones are not judged, and no system can check them out */
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
 * Without the code points that HFS+ ignores, letters in lower case, with those of other scripts that fold to ASCII; with
 * Windows' backslash as a slash, and without the dots and spaces at the end of a name, or the stream behind a colon.
 */
enum path_fault path_fold(char folded[PATH_FOLDED_MAX_BYTES], const char *path, size_t size);
