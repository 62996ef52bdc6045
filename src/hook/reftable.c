/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Finds the symbolic references of a table in git's reftable format, versions 1 and 2: "reftable" in git's technical
 * documentation. It works in memory only. It reads every record, and anything unknown is an error.
 *
 * Blocks of references come first in a file. Each block begins with its type and size, and ends with the places of
 * some of its records. A record has the part of its name that differs from the name before it, and a value of one of
 * four kinds.
 */

#include "hook/reftable.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    BLOCK_HEAD_BYTES = 4,
    PLACE_BYTES = 3,
    COUNT_BYTES = 2,
    REFERENCES = 'r',
};

static const char other_types[] = {'i', 'o', 'g'}; /* indexes, objects, reflogs */

enum kind {
    KIND_DELETED = 0,
    KIND_OBJECT = 1,
    KIND_PEELED = 2,
    KIND_SYMBOLIC = 3,
    KIND_MASK = 7,
};

/* What the head of the file says; @end: where its foot begins. */
struct table {
    const unsigned char *data;
    size_t end;
    size_t head_size;
    size_t block_size;
    size_t id_size;
};

/* The bytes of records that are left, and the name of the last one. */
struct records {
    const unsigned char *at;
    const unsigned char *end;
    size_t name_size;
    char name[REFTABLE_NAME_MAX];
};

static size_t read_number(const unsigned char *data, size_t size) {
    size_t number = 0;

    for (size_t i = 0; i < size; i++) {
        number = number << 8 | data[i];
    }
    return number;
}

static bool read_head(struct table *table, struct span file) {
    static const char version_1[] = "REFT\1";
    static const char version_2[] = "REFT\2";
    struct span rest = file;
    bool is_first = span_take_prefix(&rest, version_1);

    if (!is_first && !span_take_prefix(&rest, version_2)) {
        return false;
    }
    *table = (struct table){.data = (const unsigned char *)file.data, .head_size = is_first ? 24 : 28, .id_size = 20};
    table->end = is_first ? 68 : 72; /* bytes of the foot, which repeats the head */
    if (file.size < table->head_size + table->end) {
        return false;
    }
    table->end = file.size - table->end;
    table->block_size = read_number(table->data + 5, 3);
    if (!is_first && memcmp(file.data + 24, "s256", 4) == 0) {
        table->id_size = 32;
    } else if (!is_first && memcmp(file.data + 24, "sha1", 4) != 0) {
        return false;
    }
    return memcmp(file.data, file.data + table->end, table->head_size) == 0;
}

/* A number of 7 bits a byte, each continuation one higher than it would have to be. */
static bool take_number(struct records *records, size_t *numberp) {
    size_t number = 0;

    while (records->at < records->end && number < SIZE_MAX >> 8) {
        const unsigned char byte = *records->at++;

        number = number << 7 | (byte & 0x7f);
        if (!(byte & 0x80)) {
            *numberp = number;
            return true;
        }
        number++;
    }
    return false;
}

static bool pass(struct records *records, size_t size) {
    if (size > (size_t)(records->end - records->at)) {
        return false;
    }
    records->at += size;
    return true;
}

static bool take_name(struct records *records, size_t kept_size, size_t new_size) {
    const char *rest = (const char *)records->at;

    if (kept_size > records->name_size || !pass(records, new_size) || new_size >= sizeof(records->name) - kept_size ||
        memchr(rest, '\0', new_size)) {
        return false;
    }
    memcpy(records->name + kept_size, rest, new_size);
    records->name_size = kept_size + new_size;
    records->name[records->name_size] = '\0';
    return true;
}

static bool pass_value(struct records *records, enum kind kind, size_t id_size) {
    size_t size = kind == KIND_OBJECT ? id_size : kind == KIND_PEELED ? 2 * id_size : 0;

    return kind <= KIND_SYMBOLIC && (kind != KIND_SYMBOLIC || take_number(records, &size)) && pass(records, size);
}

static int read_records(struct records *records, size_t id_size, int (*visit)(const char *name, void *userdata),
                        void *userdata) {
    int r = 0;

    while (records->at < records->end && !r) {
        size_t kept_size;
        size_t new_size;
        size_t update;
        enum kind kind;

        if (!take_number(records, &kept_size) || !take_number(records, &new_size)) {
            return -EINVAL;
        }
        kind = new_size & KIND_MASK;
        if (!take_name(records, kept_size, new_size / (KIND_MASK + 1)) || !take_number(records, &update) ||
            !pass_value(records, kind, id_size)) {
            return -EINVAL;
        }
        r = kind == KIND_SYMBOLIC ? visit(records->name, userdata) : 0;
    }
    return r;
}

/* Return: 1 with the records of the block; 0 when no block of references is left; -EINVAL. */
static int open_block(struct records *records, size_t *sizep, const struct table *table, size_t block) {
    const size_t head = (block == 0 ? table->head_size : 0) + BLOCK_HEAD_BYTES; /* the first one counts the file's */
    const unsigned char *data = table->data + block;
    size_t tail;

    if (block >= table->end || table->end == table->head_size) { /* the latter without any records */
        return 0;
    }
    if (head > table->end - block) {
        return -EINVAL;
    }
    if (data[head - BLOCK_HEAD_BYTES] != REFERENCES) {
        return memchr(other_types, data[head - BLOCK_HEAD_BYTES], sizeof(other_types)) ? 0 : -EINVAL;
    }
    *sizep = read_number(data + head - PLACE_BYTES, PLACE_BYTES);
    if (*sizep < head + COUNT_BYTES || *sizep > table->end - block) {
        return -EINVAL;
    }
    tail = COUNT_BYTES + PLACE_BYTES * read_number(data + *sizep - COUNT_BYTES, COUNT_BYTES);
    if (tail > *sizep - head) {
        return -EINVAL;
    }
    records->name_size = 0;
    records->at = data + head;
    records->end = data + *sizep - tail;
    return 1;
}

/* Blocks are padded with zeros to their usual size, or follow each other at once. */
static size_t find_next(const struct table *table, size_t block, size_t size) {
    const bool is_padded = size < table->block_size && block + size < table->end && !table->data[block + size];

    return block + (is_padded ? table->block_size : size);
}

int reftable_find_symbolic(struct span bytes, int (*visit)(const char *name, void *userdata), void *userdata) {
    struct records records;
    struct table table;
    size_t block = 0;
    size_t size = 0;
    int r;

    if (!read_head(&table, bytes)) {
        return -EINVAL;
    }
    for (r = open_block(&records, &size, &table, block); r > 0; r = open_block(&records, &size, &table, block)) {
        r = read_records(&records, table.id_size, visit, userdata);
        if (r) {
            break;
        }
        block = find_next(&table, block, size);
    }
    return r;
}
