/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Writes the records of pushes to the descriptor of a program that reacts to them. It is a second log, which has nothing
 * else in it and no level. Records are lost while the reader is slow, as those of the log are. But nobody may write to
 * this one for hours afterwards, so the count of lost records does not wait for the next push.
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

/* Return: whether no lost record is left to be told of. */
static bool tell_lost(struct move_stream *stream) {
    const uint64_t lost = stream->log.dropped;

    if (lost > 0) {
        log_message(&stream->log, LOG_LEVEL_WARNING, "moves were lost");
    }
    if (stream->log.dropped > 0) {
        stream->log.dropped = lost; /* without this very record */
    }
    return stream->log.dropped == 0;
}

/* The reader of a pipe or socket is gone when EPOLLERR comes. It would come again and again, for nothing. */
static void on_room(uint32_t events, void *userdata) {
    struct move_stream *stream = userdata;

    if (tell_lost(stream) || (events & (EPOLLERR | EPOLLHUP)) != 0) {
        loop_unwatch(&stream->room_io);
    }
}

/* A file is never full in the way that a pipe is, and cannot be watched. */
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
