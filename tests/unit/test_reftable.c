/* SPDX-License-Identifier: Apache-2.0 */

/* reftable: the symbolic references of tables, composed here record by record; whole, cut, and as no git writes them. */

#include "unit.h"

#include <errno.h>
#include <stdlib.h>

#include "hook/reftable.h"

#define HEAD_1 "REFT\1\0\1\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2" /* blocks of 256 bytes */
#define HEAD_2 "REFT\2\0\1\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2"
#define ID "0123456789abcdefghij"
#define MORE "0123456789ab"

/* The part of the name before that is kept, the size of the rest and the kind in one, the rest, the update. */
#define DELETED "\0\100refs/tag\0"
#define OBJECT "\5\61heads/\1" ID
#define PEELED "\5\42v1.0\2" ID ID
#define ALIAS "\5\53alias\3\013refs/heads/"
#define FIRST_ALIAS "\0\43HEAD\0\004refs"
#define PLACES "\0\0\0\0\1"

static void put(char **textp, size_t *sizep, const char *data, size_t size) {
    *textp = realloc(*textp, *sizep + size);
    assert_non_null(*textp);
    memcpy(*textp + *sizep, data, size);
    *sizep += size;
}

static void put_block(char **textp, size_t *sizep, char type, struct span records, size_t head_size) {
    size_t size = head_size + 4 + records.size;
    const char head[] = {type, 0, (char)(size >> 8), (char)size};

    put(textp, sizep, head, sizeof(head));
    put(textp, sizep, records.data, records.size);
}

struct table {
    const char *name;
    struct span head;
    struct span blocks[3]; /* with the type before the records, and where @is_padded, zeros behind */
    const char *expected;  /* names; NULL for a table that is not understood */
    bool is_padded;
};

static const struct table tables[] = {
    {"no records", BYTES(HEAD_1), {{NULL, 0}}, "", false},
    {"objects alone", BYTES(HEAD_1), {BYTES("r" DELETED OBJECT PEELED PLACES)}, "", false},
    {"all kinds", BYTES(HEAD_1), {BYTES("r" DELETED OBJECT PEELED ALIAS PLACES)}, "refs/alias ", false},
    {"SHA-1 by name",
     BYTES(HEAD_2 "sha1"),
     {BYTES("r" FIRST_ALIAS DELETED OBJECT ALIAS PLACES)},
     "HEAD refs/alias ",
     false},
    {"SHA-256",
     BYTES(HEAD_2 "s256"),
     {BYTES("r" DELETED "\5\61heads/\1" ID MORE "\5\42v1.0\2" ID MORE ID MORE ALIAS PLACES)},
     "refs/alias ",
     false},
    {"another hash", BYTES(HEAD_2 "s512"), {BYTES("r" ALIAS PLACES)}, NULL, false},
    {"another version", BYTES("REFT\3\0\1\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2sha1"), {{NULL, 0}}, NULL, false},
    {"two blocks",
     BYTES(HEAD_1),
     {BYTES("r" FIRST_ALIAS PLACES), BYTES("r" DELETED ALIAS PLACES)},
     "HEAD refs/alias ",
     false},
    {"two blocks, padded",
     BYTES(HEAD_1),
     {BYTES("r" FIRST_ALIAS PLACES), BYTES("r" DELETED ALIAS PLACES)},
     "HEAD refs/alias ",
     true},
    {"an index behind",
     BYTES(HEAD_1),
     {BYTES("r" DELETED ALIAS PLACES), BYTES("i" FIRST_ALIAS PLACES)},
     "refs/alias ",
     true},
    {"reflogs alone", BYTES(HEAD_1), {BYTES("gxyz")}, "", false},
    {"a block of no known type", BYTES(HEAD_1), {BYTES("s" FIRST_ALIAS PLACES)}, NULL, false},
    {"a kind that nobody knows", BYTES(HEAD_1), {BYTES("r\0\44HEAD\0" PLACES)}, NULL, false},
    {"a name kept of none", BYTES(HEAD_1), {BYTES("r" ALIAS PLACES)}, NULL, false},
    {"a name kept of a block before", BYTES(HEAD_1), {BYTES("r" DELETED PLACES), BYTES("r" ALIAS PLACES)}, NULL, false},
    {"a NUL in a name", BYTES(HEAD_1), {BYTES("r\0\43HE\0D\0\004refs" PLACES)}, NULL, false},
    {"a name beyond the block", BYTES(HEAD_1), {BYTES("r\0\143HEAD\0\004refs" PLACES)}, NULL, false},
    {"a value beyond the block", BYTES(HEAD_1), {BYTES("r\0\43HEAD\0\005refs" PLACES)}, NULL, false},
    {"an object beyond the block", BYTES(HEAD_1), {BYTES("r\0\41HEAD\0" MORE PLACES)}, NULL, false},
    {"more places than bytes", BYTES(HEAD_1), {BYTES("r" FIRST_ALIAS "\0\0\0\1\0")}, NULL, false},
    {"a number without an end", BYTES(HEAD_1), {BYTES("r\0\43HEAD\377\377\377\0\0")}, NULL, false},
    {"a number beyond all",
     BYTES(HEAD_1),
     {BYTES("r\377\377\377\377\377\377\377\377\377\377\377\0" PLACES)},
     NULL,
     false},
};

static int note(const char *name, void *userdata) {
    char *found = userdata;

    (void)strcat(strcat(found, name), " "); /* NOLINT: short names */
    return 0;
}

/* Return: of just its size, so that the address sanitizer sees a read beyond it. */
static char *compose(size_t *sizep, const struct table *table) {
    const size_t foot_size = table->head.data[4] == 1 ? 68 : 72;
    char zeros[256] = {0};
    char *text = NULL;

    *sizep = 0;
    put(&text, sizep, table->head.data, table->head.size);
    for (size_t i = 0; i < sizeof(table->blocks) / sizeof(table->blocks[0]) && table->blocks[i].size > 0; i++) {
        const struct span block = table->blocks[i];

        put_block(&text, sizep, *block.data, (struct span){block.data + 1, block.size - 1},
                  i == 0 ? table->head.size : 0);
        if (table->is_padded) {
            put(&text, sizep, zeros, (256 - *sizep % 256) % 256);
        }
    }
    put(&text, sizep, table->head.data, table->head.size);
    put(&text, sizep, zeros, foot_size - table->head.size);
    return text;
}

static void test_tables(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        char found[64] = "";
        size_t size;
        char *text = compose(&size, &tables[i]);
        int r = reftable_find_symbolic((struct span){text, size}, note, found);

        expect_int(tables[i].name, r, tables[i].expected ? 0 : -EINVAL);
        if (tables[i].expected) {
            expect_text(tables[i].name, found, tables[i].expected);
        }
        free(text);
    }
}

/* A foot that is cut does not begin where it has to. */
static void test_cut(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        size_t size;
        char *text = compose(&size, &tables[i]);

        for (size_t left = 0; left < size; left++) {
            char *copy = malloc(left ? left : 1);
            char found[64] = "";

            assert_non_null(copy);
            memcpy(copy, text, left);
            expect_int(tables[i].name, reftable_find_symbolic((struct span){copy, left}, note, found), -EINVAL);
            free(copy);
        }
        free(text);
    }
}

static int stop(const char *name, void *userdata) {
    (void)name;
    (*(int *)userdata)++;
    return 7;
}

static void test_visit_ends(void **state) {
    size_t size;
    char *text = compose(&size, &tables[3]);
    int n_visits = 0;

    (void)state;
    expect_int("what visit returned", reftable_find_symbolic((struct span){text, size}, stop, &n_visits), 7);
    expect_int("visits", n_visits, 1);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_visit_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
