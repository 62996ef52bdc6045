/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "http/content.h"
#include "http/fetch_body.h"
#include "http/head.h"

enum {
    PREVIEW_STEP_BYTES = 32 * 1024, /* that one call decodes, about, so that other clients get their turn */
};

enum {
    PREVIEW_E_MORE = CONTENT_E_TOO_LARGE + 1, /* well formed so far, but not whole yet */
    PREVIEW_E_BUSY,                           /* some of the bytes are not checked yet: call again */
};

/**
 * struct preview - a check of a request body, which stays in its buffer
 * @content: its @reason is for CONTENT_E_MALFORMED
 * @fetch_body: the packets in it, if it is the body of a fetch
 * @n_seen: bytes of the body, with framing, that were checked
 * @follow, @userdata: if set, called with the decoded bytes, piece by piece
 */
struct preview {
    struct content content;
    struct fetch_body fetch_body;
    size_t n_seen;
    void (*follow)(void *userdata, struct span bytes);
    void *userdata;

    /* private to preview.c */
    struct head head;
};

/**
 * preview_new() - begin to check the body after @head, with a copy of its parser
 * @is_gzip, @max_bytes: as for content_init()
 *
 * Return: 0, -ENOMEM.
 */
int preview_new(struct preview **previewp, const struct head *head, bool is_gzip, uint64_t max_bytes);

/** preview_free() - Return: NULL. */
struct preview *preview_free(struct preview *preview);

/**
 * preview_feed() - check the bytes received since the last call
 * @input: all bytes received of the body, from its first one on; bytes after the body are ignored
 *
 * @input may have moved since the last call, but its first @n_seen bytes must be the same.
 *
 * Return: 0 when the body is whole and well formed, PREVIEW_E_MORE, PREVIEW_E_BUSY, or as content_decode().
 */
int preview_feed(struct preview *preview, struct span input);
