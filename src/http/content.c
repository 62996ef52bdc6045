/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Decodes a request body: removes framing, then compression, and bounds the result. Without compression nothing is
 * copied: the bytes are used where they are in the input.
 *
 * The last inflated byte is ready only once the body has ended and its checksum is right. So git never gets a whole
 * push from a damaged body, and changes no reference.
 */

#include "http/content.h"

int content_init(struct content *content, struct head *head, bool is_gzip, uint64_t max_bytes) {
    *content = (struct content){.is_gzip = is_gzip, .max_bytes = max_bytes};
    body_init(&content->body, head);
    buffer_init(&content->inflated, CONTENT_INFLATED_BYTES);
    return is_gzip ? gunzip_init(&content->gunzip) : 0;
}

void content_deinit(struct content *content) {
    gunzip_deinit(&content->gunzip);
    buffer_deinit(&content->inflated);
}

static bool is_over(const struct content *content) {
    return content->max_bytes > 0 &&
           (content->body.n_decoded > content->max_bytes || content->n_inflated > content->max_bytes);
}

static int refuse(struct content *content, const char *reason) {
    content->reason = reason;
    return CONTENT_E_MALFORMED;
}

/* Return: how many inflated bytes may be used. The last one waits until the body has ended without a fault. */
static size_t inflated_ready(const struct content *content) {
    bool is_proven = content->gunzip.complete && content->body.complete && content->body.ready == 0;
    size_t size = buffer_size(&content->inflated);

    return size > 0 && !is_proven ? size - 1 : size;
}

static int inflate_ready(struct content *content, struct buffer *input) {
    struct span compressed = {buffer_content(input).data, content->body.ready};
    size_t before = buffer_size(&content->inflated);
    bool at_end = content->body.complete && content->body.ready == 0;
    size_t n_used;
    int r = gunzip_inflate(&content->gunzip, compressed, &n_used, &content->inflated);

    if (r < 0) {
        return r;
    }
    body_consume(&content->body, input, n_used);
    content->n_inflated += buffer_size(&content->inflated) - before;
    if (is_over(content)) {
        return CONTENT_E_TOO_LARGE;
    }
    if (r || (at_end && !content->gunzip.complete && inflated_ready(content) == 0)) {
        return refuse(content, "the gzip body is damaged, cut short, or has bytes after its end");
    }
    return 0;
}

int content_decode(struct content *content, struct buffer *input) {
    if (body_decode(&content->body, input)) {
        return refuse(content, content->body.reason);
    }
    if (is_over(content)) {
        return CONTENT_E_TOO_LARGE;
    }
    return content->is_gzip ? inflate_ready(content, input) : 0;
}

struct span content_ready(const struct content *content, const struct buffer *input) {
    return content->is_gzip ? (struct span){buffer_content(&content->inflated).data, inflated_ready(content)}
                            : (struct span){buffer_content(input).data, content->body.ready};
}

void content_consume(struct content *content, struct buffer *input, size_t size) {
    if (content->is_gzip) {
        buffer_consume(&content->inflated, size);
    } else {
        body_consume(&content->body, input, size);
    }
}

bool content_has_undelivered(const struct content *content) {
    return content->body.ready > 0 || inflated_ready(content) > 0;
}

bool content_is_consumed(const struct content *content) {
    return content->body.complete && !content_has_undelivered(content) &&
           (!content->is_gzip || content->gunzip.complete);
}
