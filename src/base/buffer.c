/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Implements a bounded queue of bytes. start <= end <= capacity always holds, and no byte outside of [start, end) is
 * read. It must not interpret the bytes.
 */

#include "base/buffer.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void buffer_init(struct buffer *buffer, size_t capacity) {
    *buffer = (struct buffer){.capacity = capacity};
}

void buffer_init_pooled(struct buffer *buffer, struct buffer_pool *pool) {
    *buffer = (struct buffer){.capacity = pool->capacity, .pool = pool};
}

void buffer_pool_empty(struct buffer_pool *pool) {
    free(pool->spare);
    pool->spare = NULL;
}

void buffer_deinit(struct buffer *buffer) {
    buffer_release(buffer);
}

void buffer_release(struct buffer *buffer) {
    if (buffer->data && buffer->pool && !buffer->pool->spare) {
        buffer->pool->spare = buffer->data;
    } else {
        free(buffer->data);
    }
    buffer->data = NULL;
    buffer->start = buffer->end = 0;
}

void buffer_consume(struct buffer *buffer, size_t size) {
    assert(size <= buffer_size(buffer));
    buffer->start += size;
    if (buffer->start == buffer->end) {
        buffer->start = buffer->end = 0;
    }
}

void buffer_truncate(struct buffer *buffer, size_t size) {
    assert(size <= buffer_size(buffer));
    buffer->end = buffer->start + size;
}

static char *allocate(struct buffer *buffer) {
    char *data = buffer->pool ? buffer->pool->spare : NULL;

    if (!data) {
        return malloc(buffer->capacity);
    }
    buffer->pool->spare = NULL;
    return data;
}

char *buffer_tail(struct buffer *buffer) {
    if (!buffer->data) {
        buffer->data = allocate(buffer);
        if (!buffer->data) {
            return NULL;
        }
    }
    if (buffer->start > 0) {
        memmove(buffer->data, buffer->data + buffer->start, buffer_size(buffer));
        buffer->end -= buffer->start;
        buffer->start = 0;
    }
    return buffer->data + buffer->end;
}

void buffer_commit(struct buffer *buffer, size_t size) {
    assert(size <= buffer->capacity - buffer->end);
    buffer->end += size;
}

int buffer_append(struct buffer *buffer, const void *data, size_t size) {
    char *tail;

    if (size > buffer_room(buffer)) {
        return -ENOBUFS;
    }
    tail = buffer_tail(buffer);
    if (!tail) {
        return -ENOMEM;
    }
    memcpy(tail, data, size);
    buffer_commit(buffer, size);
    return 0;
}

int buffer_append_texts(struct buffer *buffer, const char *const texts[]) {
    const size_t before = buffer_size(buffer);
    int r = 0;

    for (; *texts && !r; texts++) {
        r = buffer_append(buffer, *texts, strlen(*texts));
    }
    if (r) {
        buffer_truncate(buffer, before);
    }
    return r;
}

int buffer_printf(struct buffer *buffer, const char *format, ...) {
    char *tail = buffer_tail(buffer);
    va_list arguments;
    int size;

    if (!tail) {
        return -ENOMEM;
    }
    va_start(arguments, format);
    size = vsnprintf(tail, buffer_room(buffer), format, arguments);
    va_end(arguments);
    if (size < 0) {
        return -EINVAL;
    }
    if ((size_t)size >= buffer_room(buffer)) { /* vsnprintf needs a byte for its terminator */
        return -ENOBUFS;
    }
    buffer_commit(buffer, (size_t)size);
    return 0;
}

ssize_t buffer_read(struct buffer *buffer, int fd) {
    size_t room = buffer_room(buffer);
    char *tail;
    ssize_t size;

    if (room == 0) {
        return -ENOBUFS;
    }
    tail = buffer_tail(buffer);
    if (!tail) {
        return -ENOMEM;
    }
    do {
        size = read(fd, tail, room);
    } while (size < 0 && errno == EINTR);
    if (size < 0) {
        return -errno;
    }
    buffer_commit(buffer, (size_t)size);
    return size;
}
