/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/span.h"

/**
 * struct buffer_pool - keeps one piece of memory that a buffer has released, for the next buffer
 * @capacity: size of the piece, and of all buffers that share the pool
 * @spare: the piece, or NULL
 *
 * It saves the allocation when one request follows another. A pool must outlive its buffers, and belongs to one thread.
 */
struct buffer_pool {
    size_t capacity;
    char *spare;
};

/** buffer_pool_empty() - free the spare piece */
void buffer_pool_empty(struct buffer_pool *pool);

/**
 * struct buffer - a bounded queue of bytes in one piece of memory
 * @data: the memory; NULL while the buffer is empty. Allocated at the first byte, released by buffer_release()
 * @capacity: the bound, fixed at buffer_init()
 * @pool: gives memory before malloc(3) does, and takes it back before free(3) does; NULL for none
 * @start: offset of the first byte in use
 * @end: offset just after the last byte in use
 *
 * It never grows. Bytes that do not fit stay with their sender.
 */
struct buffer {
    char *data;
    size_t capacity;
    struct buffer_pool *pool;
    size_t start;
    size_t end;
};

/** buffer_init() - make an empty buffer of up to @capacity bytes; it allocates nothing yet */
void buffer_init(struct buffer *buffer, size_t capacity);

/** buffer_init_pooled() - the same, with memory from @pool */
void buffer_init_pooled(struct buffer *buffer, struct buffer_pool *pool);

/** buffer_deinit() - release the memory, as buffer_release() does */
void buffer_deinit(struct buffer *buffer);

/** buffer_release() - release the memory and drop the content */
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

/** buffer_truncate() - drop all but the first @size bytes; @size is at most buffer_size() */
void buffer_truncate(struct buffer *buffer, size_t size);

/**
 * buffer_append() - add all of @size bytes or none
 *
 * Return: 0, -ENOBUFS when they do not fit, -ENOMEM.
 */
int buffer_append(struct buffer *buffer, const void *data, size_t size);

/** buffer_append_texts() - add all strings up to NULL, or nothing. Return: as buffer_append(). */
int buffer_append_texts(struct buffer *buffer, const char *const texts[]);

#define buffer_append_all(buffer, ...) buffer_append_texts((buffer), (const char *const[]){__VA_ARGS__, NULL})

/** buffer_printf() - add formatted text, all of it or nothing. Return: as buffer_append(). */
__attribute__((format(printf, 2, 3))) int buffer_printf(struct buffer *buffer, const char *format, ...);

/**
 * buffer_tail() - move the content to the front, and return the memory after it: buffer_room() bytes
 *
 * buffer_commit() adds the bytes written there to the content. Return: NULL when out of memory.
 */
char *buffer_tail(struct buffer *buffer);

/** buffer_commit() - add the first @size bytes at buffer_tail() to the content */
void buffer_commit(struct buffer *buffer, size_t size);

/**
 * buffer_read() - one read(2) from @fd into the room that is left
 *
 * Return: bytes read, 0 at end of file, -EAGAIN when there is nothing to read yet, -ENOBUFS when there is no room, or
 * another errno of read(2).
 */
ssize_t buffer_read(struct buffer *buffer, int fd);
