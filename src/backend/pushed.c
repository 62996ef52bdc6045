/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads the commands of a push, and their results from git's report. It reads commands as receive-pack does: see
 * read_head_info() and queue_commands_from_cert() in git's builtin/receive-pack.c. The report names the commands in
 * their order, so each line is compared with the next command alone. A line is not cut at its first space, because git
 * may have refused a name for having one. This file only follows the bytes, and refuses nothing.
 */

#include "backend/pushed.h"

#include <errno.h>
#include <stdlib.h>

#include "base/hex.h"

enum {
    DATA_BAND = 1,
    LAST_BAND = 3,
    MOVES_FIRST = 4,
    LENGTH_BASE = 16,
    RESPONSE_END = 2, /* the last of the marks: each ends the commands */
    SHA1_DIGITS = 40,
};

enum place {
    PLACE_COMMANDS,
    PLACE_CERTIFICATE_HEAD,
    PLACE_CERTIFICATE_COMMANDS,
    PLACE_SIGNATURE,
};

enum packet_event {
    PACKET_MORE,
    PACKET_TEXT,
    PACKET_FLUSH,
    PACKET_BROKEN,
};

/* ---- packets ---- */

static enum packet_event take_length(struct pushed_packet *packet) {
    int length = 0;

    for (size_t i = 0; i < sizeof(packet->head); i++) {
        int value = hex_value(packet->head[i]);

        if (value < 0) {
            return PACKET_BROKEN;
        }
        length = length * LENGTH_BASE + value;
    }
    packet->n_text = 0;
    packet->is_cut = false;
    if (length <= RESPONSE_END) {
        packet->n_head = 0;
        return PACKET_FLUSH;
    }
    if (length < (int)sizeof(packet->head)) {
        return PACKET_BROKEN;
    }
    packet->n_left = (size_t)length - sizeof(packet->head);
    if (packet->n_left == 0) {
        packet->n_head = 0;
        return PACKET_TEXT;
    }
    return PACKET_MORE;
}

static enum packet_event take_text(struct pushed_packet *packet, struct span *bytesp) {
    size_t n_taken = bytesp->size < packet->n_left ? bytesp->size : packet->n_left;
    size_t room = sizeof(packet->text) - packet->n_text;
    size_t n_kept = n_taken < room ? n_taken : room;

    memcpy(packet->text + packet->n_text, bytesp->data, n_kept);
    packet->n_text += n_kept;
    packet->is_cut |= n_kept < n_taken;
    packet->n_left -= n_taken;
    *bytesp = (struct span){bytesp->data + n_taken, bytesp->size - n_taken};
    if (packet->n_left > 0) {
        return PACKET_MORE;
    }
    packet->n_head = 0;
    return PACKET_TEXT;
}

/* Takes bytes up to the end of the packet at most. */
static enum packet_event packet_take(struct pushed_packet *packet, struct span *bytesp) {
    if (packet->n_head == sizeof(packet->head)) {
        return take_text(packet, bytesp);
    }
    packet->head[packet->n_head++] = bytesp->data[0];
    *bytesp = (struct span){bytesp->data + 1, bytesp->size - 1};
    return packet->n_head == sizeof(packet->head) ? take_length(packet) : PACKET_MORE;
}

/* The line as git reads it: without the packet's last newline, and up to a NUL, which capabilities follow. */
static struct span line_of(const struct pushed_packet *packet) {
    struct span line = {packet->text, packet->n_text};

    if (!packet->is_cut && line.size > 0 && line.data[line.size - 1] == '\n') {
        line.size--;
    }
    line.size = strnlen(line.data, line.size);
    return line;
}

/* ---- commands ---- */

static bool take_id(struct span *linep, char *id) {
    size_t n = 0;

    while (n < linep->size && n <= PUSHED_ID_MAX && hex_value(linep->data[n]) >= 0) {
        n++;
    }
    if ((n != PUSHED_ID_MAX && n != SHA1_DIGITS) || n == linep->size || linep->data[n] != ' ') {
        return false;
    }
    memcpy(id, linep->data, n);
    id[n] = '\0';
    *linep = (struct span){linep->data + n + 1, linep->size - n - 1};
    return true;
}

static int remember(struct pushed *pushed, struct pushed_move move, struct span ref) {
    size_t n = pushed->n_moves;

    if (n >= MOVES_FIRST ? (n & (n - 1)) == 0 : n == 0) { /* full: its room is a power of two */
        size_t room = n ? 2 * n : MOVES_FIRST;
        struct pushed_move *moves = reallocarray(pushed->moves, room, sizeof(*moves));

        if (!moves) {
            return -ENOMEM;
        }
        pushed->moves = moves;
    }
    move.ref = strndup(ref.data, ref.size);
    if (!move.ref) {
        return -ENOMEM;
    }
    pushed->moves[pushed->n_moves++] = move;
    return 0;
}

/* Return: 0, -EINVAL for no command, -ENOMEM. */
static int add_command(struct pushed *pushed, struct span line, bool is_cut) {
    struct pushed_move move = {.is_cut = is_cut};

    if (!take_id(&line, move.old_id) || !take_id(&line, move.new_id)) {
        return -EINVAL;
    }
    pushed->n_commands++;
    return pushed->n_commands <= PUSHED_LISTED_MAX ? remember(pushed, move, line) : 0;
}

static int end_certified_line(struct pushed *pushed) {
    struct span line = {pushed->certified, pushed->n_certified};
    int r = 0;

    pushed->n_certified = 0;
    if (pushed->place == PLACE_CERTIFICATE_HEAD) {
        if (line.size == 0 && pushed->has_certified_line) {
            pushed->place = PLACE_CERTIFICATE_COMMANDS;
        }
        pushed->has_certified_line = true;
    } else if (pushed->place == PLACE_CERTIFICATE_COMMANDS) {
        if (span_take_prefix(&line, "-----BEGIN ")) {
            pushed->place = PLACE_SIGNATURE;
        } else {
            r = add_command(pushed, line, false);
        }
    }
    return r;
}

/*
 * Lines may span packets. receive-pack takes lines that are too long to be kept here, and reads the commands after
 * them. git's clients send such a line only for a long push option or a long name.
 */
static int add_certified(struct pushed *pushed, struct span text) {
    int r = 0;

    if (pushed->place == PLACE_SIGNATURE) {
        return 0;
    }
    for (size_t i = 0; i < text.size && r == 0; i++) {
        if (text.data[i] == '\n') {
            r = end_certified_line(pushed);
        } else if (pushed->n_certified < sizeof(pushed->certified)) {
            pushed->certified[pushed->n_certified++] = text.data[i];
        } else {
            r = -EINVAL;
        }
    }
    return r;
}

/*
 * receive-pack reads two certificates as one text. This file would take the second one's first lines for a head, and
 * miss commands in them.
 */
static int begin_certificate(struct pushed *pushed) {
    if (pushed->has_certificate) {
        return -EINVAL;
    }
    pushed->has_certificate = true;
    pushed->place = PLACE_CERTIFICATE_HEAD;
    return 0;
}

/* The last line of a certificate may lack its newline. */
static int end_certificate(struct pushed *pushed) {
    int r = pushed->place == PLACE_CERTIFICATE_COMMANDS && pushed->n_certified > 0 ? end_certified_line(pushed) : 0;

    pushed->place = PLACE_COMMANDS;
    return r;
}

static int add_certificate_packet(struct pushed *pushed) {
    struct span text = {pushed->command.text, strnlen(pushed->command.text, pushed->command.n_text)};

    if (span_equals(text, "push-cert-end\n")) {
        return end_certificate(pushed);
    }
    return pushed->command.is_cut && text.size == sizeof(pushed->command.text) ? -EINVAL : add_certified(pushed, text);
}

static int add_packet(struct pushed *pushed) {
    struct span line = line_of(&pushed->command);
    bool is_cut = pushed->command.is_cut && line.size == sizeof(pushed->command.text);

    if (pushed->place != PLACE_COMMANDS) {
        return add_certificate_packet(pushed);
    }
    if (span_equals(line, "push-cert")) {
        return begin_certificate(pushed);
    }
    return span_take_prefix(&line, "shallow ") ? 0 : add_command(pushed, line, is_cut);
}

int pushed_feed_request(struct pushed *pushed, struct span bytes) {
    int r = 0;

    while (bytes.size > 0 && !pushed->has_commands && !pushed->is_broken) {
        switch (packet_take(&pushed->command, &bytes)) {
        case PACKET_TEXT:
            r = add_packet(pushed);
            pushed->is_broken = r != 0;
            break;
        case PACKET_FLUSH:
            pushed->has_commands = true;
            r = end_certificate(pushed);
            pushed->is_broken = r != 0;
            break;
        case PACKET_BROKEN:
            pushed->is_broken = true;
            break;
        default:
            break;
        }
    }
    return r == -ENOMEM ? r : 0;
}

/* ---- report ---- */

/* Takes the name of this command from the line's rest. Return: whether it was there. */
static bool take_name(struct span *restp, const struct pushed_move *move) {
    struct span rest = *restp;

    if (!span_take_prefix(&rest, move->ref) || (!move->is_cut && rest.size > 0 && rest.data[0] != ' ')) {
        return false;
    }
    *restp = move->is_cut || rest.size == 0 ? (struct span){"", 0} : (struct span){rest.data + 1, rest.size - 1};
    return true;
}

static void tell(struct pushed *pushed, enum pushed_result result, struct span rest) {
    struct pushed_move *move;
    size_t size;

    if (pushed->n_told >= pushed->n_moves || !take_name(&rest, &pushed->moves[pushed->n_told])) {
        return;
    }
    move = &pushed->moves[pushed->n_told++];
    move->result = result;
    if (result == PUSHED_REFUSED) {
        size = rest.size < PUSHED_REASON_MAX ? rest.size : PUSHED_REASON_MAX;
        memcpy(move->reason, rest.data, size);
        move->reason[size] = '\0';
    }
}

/* A text that does not begin as a report is no report. The rest of it is not read, however long it is. */
static void take_report_line(struct pushed *pushed) {
    struct span line = line_of(&pushed->report);

    if (!pushed->has_unpack) {
        pushed->has_unpack = span_take_prefix(&line, "unpack ");
        pushed->is_report_broken = !pushed->has_unpack;
    } else if (span_take_prefix(&line, "ok ")) {
        pushed->n_ok++;
        tell(pushed, PUSHED_OK, line);
    } else if (span_take_prefix(&line, "ng ")) {
        pushed->n_refused++;
        tell(pushed, PUSHED_REFUSED, line);
    }
}

static void feed_report(struct pushed *pushed, struct span bytes) {
    while (bytes.size > 0 && !pushed->has_report && !pushed->is_report_broken) {
        switch (packet_take(&pushed->report, &bytes)) {
        case PACKET_TEXT:
            take_report_line(pushed);
            break;
        case PACKET_FLUSH:
            pushed->has_report = true;
            break;
        case PACKET_BROKEN:
            pushed->is_report_broken = true;
            break;
        default:
            break;
        }
    }
}

/* Takes bytes of a side band packet, after its length. */
static void feed_band(struct pushed *pushed, struct span bytes) {
    if (!pushed->has_band) {
        pushed->has_band = true;
        pushed->band = (unsigned char)bytes.data[0];
        bytes = (struct span){bytes.data + 1, bytes.size - 1};
    }
    if (pushed->band == DATA_BAND) {
        feed_report(pushed, bytes);
    }
}

/* Follows side bands. The packets of the report lie in the packets of band 1, and may be cut anywhere. */
static void feed_bands(struct pushed *pushed, struct span bytes) {
    while (bytes.size > 0 && !pushed->has_report && !pushed->is_report_broken) {
        struct span before = bytes;
        bool is_text = pushed->outer.n_head == sizeof(pushed->outer.head);
        enum packet_event event = packet_take(&pushed->outer, &bytes);

        pushed->is_report_broken |= event == PACKET_BROKEN;
        if (is_text) {
            feed_band(pushed, (struct span){before.data, before.size - bytes.size});
        }
        if (event == PACKET_TEXT) {
            pushed->has_band = false;
        }
    }
}

/* The first byte of the first packet tells whether there are side bands: a report begins with "unpack". */
static struct span learn_bands(struct pushed *pushed, struct span bytes) {
    struct pushed_packet *outer = &pushed->outer;

    while (bytes.size > 0 && !pushed->knows_bands && !pushed->is_report_broken) {
        if (outer->n_head == sizeof(outer->head)) {
            pushed->knows_bands = true;
            pushed->has_bands = bytes.data[0] >= DATA_BAND && bytes.data[0] <= LAST_BAND;
            if (!pushed->has_bands) {
                pushed->report = *outer;
            }
        } else {
            enum packet_event event = packet_take(outer, &bytes);

            pushed->is_report_broken = event == PACKET_BROKEN;
            pushed->has_report = event == PACKET_FLUSH;
        }
    }
    return bytes;
}

void pushed_feed_answer(struct pushed *pushed, struct span bytes) {
    bytes = learn_bands(pushed, bytes);
    if (pushed->has_bands) {
        feed_bands(pushed, bytes);
    } else {
        feed_report(pushed, bytes);
    }
}

void pushed_deinit(struct pushed *pushed) {
    for (size_t i = 0; i < pushed->n_moves; i++) {
        free(pushed->moves[i].ref);
    }
    free(pushed->moves);
    pushed->moves = NULL;
    pushed->n_moves = 0;
}
