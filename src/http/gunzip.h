/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/span.h"

enum {
    GUNZIP_E_CORRUPT = 1, /* not gzip, damaged, or bytes after its end: answer 400 */
};

/**
 * struct gunzip - a gzip decoder (RFC 1952) that never holds more than its window
 * @complete: one whole gzip member was read, and its checksum is right
 */
struct gunzip {
    bool complete;
    struct z_stream_s *stream; /* about 40 KiB */
};

/** gunzip_init() - Return: 0, -ENOMEM. */
int gunzip_init(struct gunzip *gunzip);
void gunzip_deinit(struct gunzip *gunzip);

/**
 * gunzip_inflate() - decode from @compressed into the room of @buffer
 * @n_usedp: bytes of @compressed that were used; fewer than all when @buffer is full
 *
 * When @buffer has room again, call it with an empty @compressed to go on. The caller bounds the total by what is
 * committed to @buffer.
 *
 * Return: 0, GUNZIP_E_CORRUPT, -ENOMEM.
 */
int gunzip_inflate(struct gunzip *gunzip, struct span compressed, size_t *n_usedp, struct buffer *buffer);
