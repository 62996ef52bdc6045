/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Checks whether the bytes received of a request body are well formed, before a process is started for it. It decodes
 * them with a copy of the parser, checks the packets if it is a fetch, and drops the result. The bytes stay in their
 * buffer, and are decoded again when they are used.
 */

#include "http/preview.h"

#include <errno.h>
#include <stdlib.h>

int preview_new(struct preview **previewp, const struct head *head, bool is_gzip, uint64_t max_bytes) {
    struct preview *preview = calloc(1, sizeof(*preview));
    int r;

    if (!preview) {
        return -ENOMEM;
    }
    preview->head = *head;
    preview->head.parser.data = &preview->head;
    r = content_init(&preview->content, &preview->head, is_gzip, max_bytes);
    if (r) {
        free(preview);
        return r;
    }
    *previewp = preview;
    return 0;
}

struct preview *preview_free(struct preview *preview) {
    if (preview) {
        content_deinit(&preview->content);
        free(preview);
    }
    return NULL;
}

int preview_feed(struct preview *preview, struct span input) {
    struct content *content = &preview->content;
    /* A buffer over borrowed memory: bytes are only consumed from it, and it is never freed. */
    struct buffer view = {
        .data = (char *)input.data + preview->n_seen,
        .capacity = input.size - preview->n_seen,
        .end = input.size - preview->n_seen,
    };
    size_t n_left = buffer_size(&view);
    size_t n_decoded = 0;
    bool moved = true;

    while (moved && n_decoded < PREVIEW_STEP_BYTES) {
        size_t n_before = buffer_size(&view);
        int r = content_decode(content, &view);
        size_t n_ready = content_ready(content, &view).size;

        if (r) {
            return r;
        }
        fetch_body_feed(&preview->fetch_body, content_ready(content, &view));
        if (preview->follow) {
            preview->follow(preview->userdata, content_ready(content, &view));
        }
        content_consume(content, &view, n_ready);
        moved = n_ready > 0 || buffer_size(&view) < n_before;
        n_decoded += n_ready;
    }
    preview->n_seen += n_left - buffer_size(&view);
    if (content_is_consumed(content)) {
        return 0;
    }
    return moved ? PREVIEW_E_BUSY : PREVIEW_E_MORE;
}
