/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/log.h"
#include "serve/loop.h"

struct push_log;

/**
 * struct move_stream - a second copy of the records of pushes, as JSON, for a program that reacts to them: "moves-fd"
 *
 * A struct of zeros with log.fd -1 writes nothing. All members are private to move_stream.c.
 */
struct move_stream {
    struct log log;
    struct loop *loop;
    struct loop_io room_io;
};

/**
 * move_stream_init() - write to @fd; -1 for no stream
 * @log: its secrets are masked in this stream, too
 * @loop: kept by the caller until move_stream_deinit()
 */
void move_stream_init(struct move_stream *stream, int fd, const struct log *log, struct loop *loop);

/**
 * move_stream_write() - write the records of a push that has ended: push_log_write()
 *
 * Never waits. Records for which there is no room are counted. As soon as there is room, a record tells the count.
 */
void move_stream_write(struct move_stream *stream, const struct push_log *push);

/** move_stream_deinit() - write the count of lost records if there is room, and end. The descriptor stays open. */
void move_stream_deinit(struct move_stream *stream);
