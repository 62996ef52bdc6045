/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/span.h"

/**
 * struct buffer_pool - one piece of memory that a buffer has given back, for the next one that needs some
 * @capacity: of it, and of all buffers that share it
 * @spare: NULL for none
 *
 * So whoever works on one thing after another allocates nothing. It must outlive its buffers, and belongs to one thread.
 */
struct buffer_pool {
    size_t capacity;
    char *spare;
};

/** buffer_pool_deinit() - free what is spare */
void buffer_pool_deinit(struct buffer_pool *pool);

/**
 * struct buffer - a bounded queue of bytes in one piece of memory
 * @data: the memory, NULL while nothing is in it; allocated at the first byte, given back by buffer_release()
 * @capacity: the bound, fixed at buffer_init()
 * @pool: where the memory comes from and goes to, before it is allocated and freed; NULL for none
 * @start: first byte in use
 * @end: behind the last byte in use
 *
 * It never grows: what does not fit stays with whoever sends it.
 */
struct buffer {
    char *data;
    size_t capacity;
    struct buffer_pool *pool;
    size_t start;
    size_t end;
};

/** buffer_init() - an empty one, of up to @capacity bytes; it takes no memory yet */
void buffer_init(struct buffer *buffer, size_t capacity);

/** buffer_init_pooled() - the same, whose memory comes from @pool, and goes back there */
void buffer_init_pooled(struct buffer *buffer, struct buffer_pool *pool);

/** buffer_deinit() - give the memory back, as buffer_release() does */
void buffer_deinit(struct buffer *buffer);

/** buffer_release() - give the memory back; what is in it is lost */
void buffer_release(struct buffer *buffer);

static inline size_t buffer_size(const struct buffer *buffer) {
    return buffer->end - buffer->start;
}

static inline size_t buffer_room(const struct buffer *buffer) {
    return buffer->capacity - buffer_size(buffer);
}

/** buffer_content() - the bytes in use, valid until the next call that takes a mutable buffer */
static inline struct span buffer_content(const struct buffer *buffer) {
    return (struct span){buffer->data ? buffer->data + buffer->start : "", buffer_size(buffer)};
}

/** buffer_consume() - drop the first @size bytes; @size is at most buffer_size() */
void buffer_consume(struct buffer *buffer, size_t size);

/**
 * buffer_append() - add all of @size bytes or none
 *
 * Return: 0, -ENOBUFS when they do not fit, -ENOMEM.
 */
int buffer_append(struct buffer *buffer, const void *data, size_t size);

/** buffer_append_texts() - add strings, NULL behind the last, all of them or nothing. Return: as buffer_append(). */
int buffer_append_texts(struct buffer *buffer, const char *const texts[]);

#define buffer_append_all(buffer, ...) buffer_append_texts((buffer), (const char *const[]){__VA_ARGS__, NULL})

/** buffer_printf() - add formatted text, all of it or nothing. Return: as buffer_append(). */
__attribute__((format(printf, 2, 3))) int buffer_printf(struct buffer *buffer, const char *format, ...);

/**
 * buffer_tail() - room for buffer_room() bytes behind the content, which moves to the front for it
 *
 * What is written there joins the content by buffer_commit(). Return: NULL when memory is out.
 */
char *buffer_tail(struct buffer *buffer);

/** buffer_commit() - the first @size bytes of what buffer_tail() returned are content from now on */
void buffer_commit(struct buffer *buffer, size_t size);

/**
 * buffer_read() - one read(2) from @fd into the room that is left
 *
 * Return: bytes read, 0 at end of file, -EAGAIN when nothing is there yet, -ENOBUFS when there is no room, any other
 * errno of read(2).
 */
ssize_t buffer_read(struct buffer *buffer, int fd);
