/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Inflates a gzip request body. It takes exactly one member, with nothing after it, and verifies the checksum.
 * Compressed input must not reach git http-backend, which inflates without a bound, and answers corrupt input with an
 * empty success.
 */

#include "http/gunzip.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#define ZLIB_CONST
#include <zlib.h>

enum {
    GZIP_ONLY_WINDOW_BITS = 16 + MAX_WBITS, /* inflateInit2 in zlib.h: no zlib and no raw streams */
};

int gunzip_init(struct gunzip *gunzip) {
    *gunzip = (struct gunzip){.stream = calloc(1, sizeof(struct z_stream_s))};
    if (!gunzip->stream) {
        return -ENOMEM;
    }
    if (inflateInit2(gunzip->stream, GZIP_ONLY_WINDOW_BITS) != Z_OK) {
        free(gunzip->stream);
        gunzip->stream = NULL;
        return -ENOMEM;
    }
    return 0;
}

void gunzip_deinit(struct gunzip *gunzip) {
    if (gunzip->stream) {
        (void)inflateEnd(gunzip->stream);
        free(gunzip->stream);
        gunzip->stream = NULL;
    }
}

int gunzip_inflate(struct gunzip *gunzip, struct span compressed, size_t *n_usedp, struct buffer *buffer) {
    struct z_stream_s *stream = gunzip->stream;
    size_t room = buffer_room(buffer);
    char *tail = buffer_tail(buffer);
    int r;

    *n_usedp = 0;
    if (!tail) {
        return -ENOMEM;
    }
    if (gunzip->complete) {
        return compressed.size > 0 ? GUNZIP_E_CORRUPT : 0;
    }
    if (room == 0) {
        return 0;
    }
    stream->next_in = (const Bytef *)compressed.data;
    stream->avail_in = compressed.size < UINT_MAX ? (uInt)compressed.size : UINT_MAX;
    stream->next_out = (Bytef *)tail;
    stream->avail_out = room < UINT_MAX ? (uInt)room : UINT_MAX;
    r = inflate(stream, Z_NO_FLUSH);
    *n_usedp = (size_t)((const char *)stream->next_in - compressed.data);
    buffer_commit(buffer, (size_t)((char *)stream->next_out - tail));
    switch (r) {
    case Z_STREAM_END:
        gunzip->complete = true;
        return *n_usedp < compressed.size ? GUNZIP_E_CORRUPT : 0;
    case Z_OK:
    case Z_BUF_ERROR: /* neither input nor room: not an error (zlib.h) */
        return 0;
    case Z_MEM_ERROR:
        return -ENOMEM;
    default:
        return GUNZIP_E_CORRUPT;
    }
}
