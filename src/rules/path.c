/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Finds the path that a checkout elsewhere would write to. File systems that compare names loosely take several
 * spellings for one name. A spelling that could be any name is a fault, and the caller must refuse it. This file does
 * not look for spellings of .git: git does, by receive.fsckObjects.
 */

#include "rules/path.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Foldings of code points beyond ASCII, on HFS+, APFS or NTFS. */
static const struct {
    uint32_t first;
    uint32_t last;
    const char *to;
} foldings[] = {
    {0x00ad, 0x00ad, ""},                                                     /* soft hyphen */
    {0x00df, 0x00df, "ss"},  {0x1e9e, 0x1e9e, "ss"},                          /* sharp s */
    {0x0130, 0x0131, "i"},                                                    /* Turkish */
    {0x017f, 0x017f, "s"},   {0x212a, 0x212a, "k"},                           /* long s, Kelvin */
    {0x200b, 0x200f, ""},    {0x202a, 0x202e, ""},    {0x2060, 0x2060, ""},   /* invisible, of direction */
    {0x206a, 0x206f, ""},    {0xfeff, 0xfeff, ""},                            /* ignored by HFS+ */
    {0xfb00, 0xfb00, "ff"},  {0xfb01, 0xfb01, "fi"},  {0xfb02, 0xfb02, "fl"}, /* ligatures */
    {0xfb03, 0xfb03, "ffi"}, {0xfb04, 0xfb04, "ffl"}, {0xfb05, 0xfb06, "st"},
};

enum {
    N_FOLDINGS = sizeof(foldings) / sizeof(foldings[0]),
    SHORT_BASE_MAX = 8, /* of a short name, before its dot */
};

/* Reads a character of two or three bytes. Return: its size; 1 for anything else, also for bytes that are no UTF-8. */
static size_t read_character(uint32_t *codep, const char *at, size_t size) {
    const unsigned char *byte = (const unsigned char *)at;

    *codep = byte[0];
    if (byte[0] >= 0xc0 && byte[0] < 0xe0 && size >= 2 && (byte[1] & 0xc0) == 0x80) {
        *codep = (byte[0] & 0x1fU) << 6 | (byte[1] & 0x3fU);
        return 2;
    }
    if (byte[0] >= 0xe0 && byte[0] < 0xf0 && size >= 3 && (byte[1] & 0xc0) == 0x80 && (byte[2] & 0xc0) == 0x80) {
        *codep = (byte[0] & 0x0fU) << 12 | (byte[1] & 0x3fU) << 6 | (byte[2] & 0x3fU);
        return 3;
    }
    return 1;
}

/* Folds one character. Return: its size; *top is its folding, or NULL when it has none. */
static size_t fold_character(const char *at, size_t size, const char **top) {
    uint32_t code;
    const size_t n = read_character(&code, at, size);

    *top = NULL;
    for (size_t i = 0; n > 1 && i < N_FOLDINGS; i++) {
        if (code >= foldings[i].first && code <= foldings[i].last) {
            *top = foldings[i].to;
        }
    }
    return *top ? n : 1;
}

/* Folds ASCII letters to lower case, and Windows' backslash to a slash. */
static char fold_byte(char c) {
    if (c >= 'A' && c <= 'Z') {
        return (char)(c - 'A' + 'a');
    }
    if (c == '\\') {
        return '/';
    }
    return c;
}

/* As GITHUB~1 or GIT~12.MOD: at most eight bytes before the first dot, which end with a tilde and digits. */
static bool is_short(const char *name, size_t size) {
    const char *dot = memchr(name, '.', size);
    const size_t base = dot ? (size_t)(dot - name) : size;
    size_t digits = 0;

    while (digits < base && name[base - 1 - digits] >= '0' && name[base - 1 - digits] <= '9') {
        digits++;
    }
    return base <= SHORT_BASE_MAX && digits > 0 && digits + 1 < base && name[base - 1 - digits] == '~';
}

/* Ends a name, before a slash or at the end of the path, and cuts off what Windows would cut off. */
static enum path_fault finish_name(char *folded, size_t begin, size_t *sizep) {
    const char *colon = memchr(folded + begin, ':', *sizep - begin);

    if (colon) {
        *sizep = (size_t)(colon - folded);
    }
    while (*sizep > begin && (folded[*sizep - 1] == '.' || folded[*sizep - 1] == ' ')) {
        (*sizep)--;
    }
    return *sizep == begin ? PATH_UNCLEAR : is_short(folded + begin, *sizep - begin) ? PATH_SHORT_NAME : PATH_FINE;
}

enum path_fault path_fold(char folded[PATH_FOLDED_MAX_BYTES], const char *path, size_t size) {
    enum path_fault fault = PATH_FINE;
    size_t begin = 0;
    size_t n = 0;

    if (size >= PATH_FOLDED_MAX_BYTES) { /* folding makes nothing longer */
        return PATH_TOO_LONG;
    }
    for (size_t i = 0; i < size && fault == PATH_FINE;) {
        const char *to;
        const size_t taken = fold_character(path + i, size - i, &to);
        const char c = fold_byte(path[i]);

        i += taken;
        if (to) {
            memcpy(folded + n, to, strlen(to));
            n += strlen(to);
        } else if (c == '/') {
            fault = finish_name(folded, begin, &n);
            folded[n++] = '/';
            begin = n;
        } else {
            folded[n++] = c;
        }
    }
    fault = fault == PATH_FINE ? finish_name(folded, begin, &n) : fault;
    folded[n] = '\0';
    return fault;
}
