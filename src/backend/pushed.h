/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/span.h"

enum {
    PUSHED_LISTED_MAX = 256, /* commands of one push that are remembered; further ones are only counted */
    PUSHED_ID_MAX = 64,      /* hexadecimal digits of an object name: SHA-256 */
    PUSHED_LINE_MAX = 1024,  /* bytes of a line that are looked at */
    PUSHED_REASON_MAX = 128, /* bytes of git's reason that are remembered */
};

enum pushed_result {
    PUSHED_UNKNOWN, /* no report has come: the client asked for none, or git ended before */
    PUSHED_OK,
    PUSHED_REFUSED,
};

/** enum pushed_kind - how a reference is updated from one object to another, as far as it is known */
enum pushed_kind {
    PUSHED_NO_KIND,
    PUSHED_FAST_FORWARD,
    PUSHED_FORCED,
};

/**
 * struct pushed_move - one command of a push and its result
 * @old_id, @new_id: 40 or 64 hexadecimal digits as the client sent them; zeros for no object
 * @ref: the name, any bytes but NUL, as the client sent them; only its beginning if it does not fit into
 *       PUSHED_LINE_MAX
 * @is_cut: @ref is only the beginning
 * @kind: move_kinds_take() fills it
 * @reason: the beginning of git's reason, for PUSHED_REFUSED
 */
struct pushed_move {
    enum pushed_result result;
    enum pushed_kind kind;
    char old_id[PUSHED_ID_MAX + 1];
    char new_id[PUSHED_ID_MAX + 1];
    char *ref;
    bool is_cut;
    char reason[PUSHED_REASON_MAX + 1];
};

/** pushed_is_zeros() - whether an id is zeros, for no object: gitprotocol-pack(5), "Reference Update Request" */
static inline bool pushed_is_zeros(const char *id) {
    return id[strspn(id, "0")] == '\0';
}

/* A packet that comes in pieces (gitprotocol-common(5), "pkt-line Format"). */
struct pushed_packet {
    size_t n_head;
    size_t n_left;
    size_t n_text;
    bool is_cut;
    char head[4];
    char text[PUSHED_LINE_MAX];
};

/**
 * struct pushed - follows a push: the commands on their way to receive-pack, and its report (gitprotocol-pack(5))
 * @moves: the first @n_moves commands, at most PUSHED_LISTED_MAX
 * @n_commands: all commands
 * @n_ok, @n_refused: references that the report names as "ok" and as "ng"
 * @is_broken: this file could not read all commands. receive-pack dies of most such bytes, but it reads lines of a push
 *             certificate that are longer than PUSHED_LINE_MAX, and a second certificate
 *
 * A struct of zeros has seen nothing. Hooks cannot write into the report: their output comes in side band 2, or not at
 * all.
 */
struct pushed {
    struct pushed_move *moves;
    size_t n_moves;
    size_t n_commands;
    size_t n_ok;
    size_t n_refused;
    bool is_broken;

    /* the rest is pushed.c's own */
    bool has_commands; /* all of them: a pack may follow */
    int place;         /* in a push certificate */
    bool has_certificate;
    bool has_certified_line;
    size_t n_certified;
    char certified[PUSHED_LINE_MAX]; /* a line of the certificate, which may come in several packets */
    struct pushed_packet command;
    bool is_report_broken;
    bool has_report;
    bool has_unpack; /* the first line of the report */
    bool has_bands;
    bool knows_bands;
    bool has_band;
    int band;
    struct pushed_packet outer;
    struct pushed_packet report;
    size_t n_told; /* lines of the report that named the next command */
};

/**
 * pushed_feed_request() - follow the next decoded bytes of the request's body; they may be cut anywhere
 *
 * Return: 0, or -ENOMEM; after that no further commands are counted.
 */
int pushed_feed_request(struct pushed *pushed, struct span bytes);

/** pushed_feed_answer() - follow the next bytes of git's answer without its head; they may be cut anywhere */
void pushed_feed_answer(struct pushed *pushed, struct span bytes);

/** pushed_deinit() - free the commands */
void pushed_deinit(struct pushed *pushed);
