/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "http/content.h"
#include "http/head.h"

enum {
    PREVIEW_STEP_BYTES = 32 * 1024, /* decoded in one call, about, before others get their turn */
};

enum {
    PREVIEW_E_MORE = CONTENT_E_TOO_LARGE + 1, /* well formed as far as it goes, but not whole yet */
    PREVIEW_E_BUSY,                           /* not all that is there was looked at yet: call again */
};

/**
 * struct preview - a look ahead at a request body, which stays where it is
 * @content: its @reason is for CONTENT_E_MALFORMED
 * @n_seen: bytes of the body, with its framing, that were looked at
 */
struct preview {
    struct content content;
    size_t n_seen;

    /* the rest is preview.c's own */
    struct head head;
};

/**
 * preview_new() - look at the body behind @head, which is copied, so that its parser is not used up
 * @is_gzip, @max_bytes: as for content_init()
 *
 * Return: 0, -ENOMEM.
 */
int preview_new(struct preview **previewp, const struct head *head, bool is_gzip, uint64_t max_bytes);

/** preview_free() - Return: NULL. */
struct preview *preview_free(struct preview *preview);

/**
 * preview_feed() - look at what has come
 * @input: the body from its first byte on, all that has come so far; what lies behind the body is left alone
 *
 * Takes up where the last call stopped: @input may have moved, but its first @n_seen bytes must be what they were.
 *
 * Return: 0 when the body is whole and well formed, PREVIEW_E_MORE, PREVIEW_E_BUSY, or as content_decode().
 */
int preview_feed(struct preview *preview, struct span input);
