/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Writes the records of pushes to the descriptor of a program that reacts to them. The stream is a second log, without
 * levels and without other records. As in the log, records are lost when the reader is too slow. The next push may come
 * hours later, so the count of lost records is written as soon as there is room. This file never blocks.
 */

#include "serve/move_stream.h"

#include "serve/push_log.h"

void move_stream_init(struct move_stream *stream, int fd, const struct log *log, struct loop *loop) {
    *stream = (struct move_stream){.loop = loop};
    log_init(&stream->log, fd, LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    log_reopen(&stream->log);
    stream->log.secrets = log->secrets;
    stream->log.n_secrets = log->n_secrets;
}

/* Writes the count of lost records. Return: whether none is left to count. */
static bool tell_lost(struct move_stream *stream) {
    const uint64_t lost = stream->log.dropped;

    if (lost > 0) {
        log_message(&stream->log, LOG_LEVEL_WARNING, "moves were lost");
    }
    if (stream->log.dropped > 0) {
        stream->log.dropped = lost; /* the record of the count was lost, too, but does not count */
    }
    return stream->log.dropped == 0;
}

/* After EPOLLERR the pipe or socket has no reader. The event would come again in each round. */
static void on_room(uint32_t events, void *userdata) {
    struct move_stream *stream = userdata;

    if (tell_lost(stream) || (events & (EPOLLERR | EPOLLHUP)) != 0) {
        loop_unwatch(&stream->room_io);
    }
}

/* A file cannot be watched, and does not become full as a pipe does. */
static void await_room(struct move_stream *stream) {
    if (!loop_is_watched(&stream->room_io)) {
        (void)loop_watch(stream->loop, &stream->room_io, stream->log.fd, EPOLLOUT, on_room, stream);
    }
}

void move_stream_write(struct move_stream *stream, const struct push_log *push) {
    push_log_write(&stream->log, push, true);
    if (stream->log.dropped > 0) {
        await_room(stream);
    }
}

void move_stream_deinit(struct move_stream *stream) {
    loop_unwatch(&stream->room_io);
    (void)tell_lost(stream);
    stream->log.fd = -1;
}
