/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Follows the commits at the beginning of a pack (gitformat-pack(5)) from a new tip back to an old one. git writes
 * commits first, each before its parents. A commit's id is computed from its bytes, so a commit with false parents has
 * another id. The search therefore trusts only the new tip's id, and the parents that a commit with a trusted id names.
 * It ends at anything that is not a whole commit, and at its limits. An ancestor that it does not find may still exist.
 */

#include "backend/descent.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ZLIB_CONST
#include <zlib.h>

#include "base/hex.h"
#include "base/sha.h"

enum {
    HEAD_BYTES = 12,
    COMMIT_TYPE = 1,
    SIZE_SHIFT_MAX = 28,        /* of an object's size; larger objects end the search */
    SIZE_MAX_BYTES = 64 * 1024, /* of a commit */
    ALL_MAX_BYTES = 256 * 1024, /* of all commits: about a millisecond of work */
    COMMIT_COST_BYTES = 64,     /* added for each commit, because even an empty one takes work */
    TEXT_MAX_BYTES = 2048,      /* of a commit, kept to read its parents */
    STEP_BYTES = 1024,
    WANTED_MAX = 64, /* ancestors of the new tip that have not come yet */
};

enum place {
    PLACE_HEAD,
    PLACE_ENTRY, /* the type and size of an object */
    PLACE_DATA,
    PLACE_OVER,
};

/* @wanted: the new tip, or ancestors of it that have not come yet */
struct descent {
    enum place place;
    bool is_shown;
    size_t id_bytes;
    unsigned char old[SHA_MAX_BYTES];
    unsigned char wanted[WANTED_MAX][SHA_MAX_BYTES];
    size_t n_wanted;
    unsigned char head[HEAD_BYTES];
    size_t n_head;
    uint64_t size;
    unsigned shift; /* 0 at the first byte of an entry */
    z_stream stream;
    bool has_stream;
    struct sha sha;
    uint64_t n_inflated;
    uint64_t n_all; /* bytes of the commits so far, with the cost of each */
    char text[TEXT_MAX_BYTES];
    size_t n_text;
};

static bool read_id(unsigned char *id, const char *digits, size_t id_bytes) {
    for (size_t i = 0; i < id_bytes; i++) {
        const int high = hex_value(digits[2 * i]);
        const int low = high < 0 ? -1 : hex_value(digits[2 * i + 1]);

        if (low < 0) {
            return false;
        }
        id[i] = (unsigned char)(high * 16 + low);
    }
    return true;
}

int descent_new(struct descent **descentp, const char *old_id, const char *new_id) {
    struct descent *descent = calloc(1, sizeof(*descent));

    if (!descent) {
        return -ENOMEM;
    }
    descent->id_bytes = strlen(old_id) / 2;
    descent->n_wanted = 1;
    if (strlen(new_id) != strlen(old_id) || !read_id(descent->old, old_id, descent->id_bytes) ||
        !read_id(descent->wanted[0], new_id, descent->id_bytes)) {
        descent->place = PLACE_OVER;
    }
    *descentp = descent;
    return 0;
}

struct descent *descent_free(struct descent *descent) {
    if (descent && descent->has_stream) {
        (void)inflateEnd(&descent->stream);
    }
    free(descent);
    return NULL;
}

bool descent_is_shown(const struct descent *descent) {
    return descent->is_shown;
}

/* ---- a commit ---- */

static size_t find_wanted(const struct descent *descent, const unsigned char *id) {
    size_t i = 0;

    while (i < descent->n_wanted && memcmp(descent->wanted[i], id, descent->id_bytes) != 0) {
        i++;
    }
    return i;
}

static void want(struct descent *descent, const unsigned char *id) {
    if (memcmp(id, descent->old, descent->id_bytes) == 0) {
        descent->is_shown = true;
        descent->place = PLACE_OVER;
    } else if (descent->n_wanted < WANTED_MAX && find_wanted(descent, id) == descent->n_wanted) {
        memcpy(descent->wanted[descent->n_wanted++], id, descent->id_bytes);
    }
}

/* Takes the line "WORD ID\n". In a commit the line of the tree comes first, then one line for each parent. */
static bool take_line(const struct descent *descent, struct span *textp, const char *word, unsigned char *id) {
    const size_t digits = 2 * descent->id_bytes;
    struct span text = *textp;

    if (!span_take_prefix(&text, word) || text.size <= digits || text.data[digits] != '\n' ||
        !read_id(id, text.data, descent->id_bytes)) {
        return false;
    }
    *textp = (struct span){text.data + digits + 1, text.size - digits - 1};
    return true;
}

/* Replaces a wanted commit by its parents, and ignores any other. */
static void end_commit(struct descent *descent) {
    struct span text = {descent->text, descent->n_text};
    unsigned char id[SHA_MAX_BYTES];
    size_t place;

    sha_end(&descent->sha, id);
    descent->place = PLACE_ENTRY;
    place = find_wanted(descent, id);
    if (place == descent->n_wanted || !take_line(descent, &text, "tree ", id)) {
        return;
    }
    memmove(descent->wanted[place], descent->wanted[--descent->n_wanted], SHA_MAX_BYTES);
    while (!descent->is_shown && take_line(descent, &text, "parent ", id)) {
        want(descent, id);
    }
}

static void take_text(struct descent *descent, const unsigned char *bytes, size_t size) {
    const size_t room = sizeof(descent->text) - descent->n_text;
    const size_t n = size < room ? size : room;

    memcpy(descent->text + descent->n_text, bytes, n);
    descent->n_text += n;
    descent->n_inflated += size;
    sha_feed(&descent->sha, bytes, size);
}

/* ---- a pack ---- */

static bool begin_commit(struct descent *descent) {
    char head[32];
    const int size = snprintf(head, sizeof(head), "commit %u", (unsigned)descent->size) + 1; /* with its NUL */

    if (descent->has_stream ? inflateReset(&descent->stream) != Z_OK : inflateInit(&descent->stream) != Z_OK) {
        return false;
    }
    descent->has_stream = true;
    descent->n_all += descent->size + COMMIT_COST_BYTES;
    descent->n_text = 0;
    descent->n_inflated = 0;
    sha_init(&descent->sha, descent->id_bytes == SHA_MAX_BYTES);
    sha_feed(&descent->sha, head, (size_t)size);
    descent->place = PLACE_DATA;
    return true;
}

/* Return: false to end the search. */
static bool take_head(struct descent *descent, unsigned char byte) {
    descent->head[descent->n_head++] = byte;
    if (descent->n_head == HEAD_BYTES) {
        descent->place = PLACE_ENTRY;
        return memcmp(descent->head, "PACK\0\0\0\2", 8) == 0;
    }
    return true;
}

/* The first byte has the type and four bits of the size; each further byte has seven more. */
static bool take_entry(struct descent *descent, unsigned char byte) {
    if (descent->shift == 0) {
        descent->size = byte & 15;
        descent->shift = 4;
        if ((byte >> 4 & 7) != COMMIT_TYPE) {
            return false;
        }
    } else {
        descent->size |= (uint64_t)(byte & 127) << descent->shift;
        descent->shift += 7;
    }
    if (byte & 128) {
        return descent->shift < SIZE_SHIFT_MAX;
    }
    descent->shift = 0;
    return descent->size <= SIZE_MAX_BYTES && descent->n_all + descent->size + COMMIT_COST_BYTES <= ALL_MAX_BYTES &&
           begin_commit(descent);
}

static bool take_data(struct descent *descent, struct span *bytesp) {
    unsigned char step[STEP_BYTES];
    z_stream *stream = &descent->stream;
    int r;

    stream->next_in = (const Bytef *)bytesp->data;
    stream->avail_in = (uInt)bytesp->size;
    stream->next_out = step;
    stream->avail_out = sizeof(step);
    r = inflate(stream, Z_NO_FLUSH);
    *bytesp = (struct span){(const char *)stream->next_in, stream->avail_in};
    take_text(descent, step, sizeof(step) - stream->avail_out);
    if (r == Z_STREAM_END && descent->n_inflated == descent->size) {
        end_commit(descent);
        return true;
    }
    return (r == Z_OK || r == Z_BUF_ERROR) && descent->n_inflated <= descent->size;
}

static bool take_byte(struct descent *descent, struct span *bytesp) {
    const unsigned char byte = (unsigned char)bytesp->data[0];

    *bytesp = (struct span){bytesp->data + 1, bytesp->size - 1};
    return descent->place == PLACE_HEAD ? take_head(descent, byte) : take_entry(descent, byte);
}

void descent_feed(struct descent *descent, struct span bytes) {
    bool has_more = true; /* inflate(3) may hold output that did not fit into @step */

    while (descent->place != PLACE_OVER && (bytes.size > 0 || (descent->place == PLACE_DATA && has_more))) {
        const uint64_t n_before = descent->n_inflated;
        const bool goes_on = descent->place == PLACE_DATA ? take_data(descent, &bytes) : take_byte(descent, &bytes);

        has_more = descent->n_inflated > n_before;
        if (!goes_on) {
            descent->place = PLACE_OVER;
        }
    }
}
