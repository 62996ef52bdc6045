/* SPDX-License-Identifier: Apache-2.0 */

/* The set of object ids: what is in it, what is taken, and what there is no room for. */

#include "unit.h"

#include <errno.h>
#include <stdio.h>

#include "hook/ids.h"

enum {
    MANY = 5000, /* the table grows several times */
};

static const char *name_id(char id[IDS_ID_MAX], unsigned number, int size) {
    (void)snprintf(id, IDS_ID_MAX, "%0*x", size, number);
    return id;
}

static void check_many(int size) {
    struct ids ids;
    char id[IDS_ID_MAX];

    assert_int_equal(ids_init(&ids, MANY), 0);
    for (unsigned i = 0; i < 2 * MANY; i += 2) {
        assert_int_equal(ids_add(&ids, name_id(id, i, size)), 0);
    }
    assert_int_equal(ids_add(&ids, name_id(id, 1, size)), IDS_FULL);
    for (unsigned i = 0; i < 2 * MANY; i++) {
        assert_int_equal(ids_take(&ids, name_id(id, i, size)), i % 2 == 0);
    }
    ids_deinit(&ids);
    assert_false(ids_take(&ids, id));
}

static void test_many(void **state) {
    (void)state;
    check_many(40);
    check_many(64);
}

/* Ids that differ in one digit, which may be any. */
static void test_digits(void **state) {
    struct ids ids;
    char id[IDS_ID_MAX];

    (void)state;
    assert_int_equal(ids_init(&ids, 64), 0);
    for (unsigned i = 0; i < 64; i++) {
        (void)name_id(id, 0, 64);
        id[i] = 'f';
        assert_false(ids_take(&ids, id));
        assert_int_equal(ids_add(&ids, id), 0);
        assert_true(ids_take(&ids, id));
    }
    assert_false(ids_take(&ids, name_id(id, 0, 64)));
    ids_deinit(&ids);
}

static void test_rest(void **state) {
    struct ids ids;
    char text[64] = "";
    FILE *to = fmemopen(text, sizeof(text), "w");

    (void)state;
    assert_non_null(to);
    assert_int_equal(ids_init(&ids, 3), 0);
    assert_int_equal(ids_write_rest(&ids, to), 0);
    assert_int_equal(ids_add(&ids, "aaaa"), 0);
    assert_int_equal(ids_add(&ids, "bbbb"), 0);
    assert_int_equal(ids_add(&ids, "bbbb"), 0);
    assert_int_equal(ids_add(&ids, "cccc"), 0);
    assert_true(ids_take(&ids, "aaaa"));
    assert_true(ids_take(&ids, "cccc"));
    assert_int_equal(ids_write_rest(&ids, to), 0);
    assert_int_equal(fclose(to), 0);
    assert_string_equal(text, "bbbb\n");
    ids_deinit(&ids);
}

static void test_what_is_no_id(void **state) {
    struct ids ids;
    char longer[IDS_ID_MAX + 1] = "";

    (void)state;
    memset(longer, 'a', IDS_ID_MAX);
    assert_int_equal(ids_init(&ids, 3), 0);
    assert_int_equal(ids_add(&ids, ""), -EINVAL);
    assert_int_equal(ids_add(&ids, longer), -EINVAL);
    assert_int_equal(ids.n_entries, 0);
    ids_deinit(&ids);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_digits),
        cmocka_unit_test(test_rest),
        cmocka_unit_test(test_what_is_no_id),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
