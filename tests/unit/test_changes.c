/* SPDX-License-Identifier: Apache-2.0 */

/* changes: reads the output of git diff-tree, cut at every byte, and forms that no git writes. */

#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "hook/changes.h"

#define ID "a4da5d40e36ed0111deef668b051c9c712003b3f"
#define ID2 "626933708f34af1c6241cb259afad004d467c7d8"
#define NONE "0000000000000000000000000000000000000000"
#define MESSAGE "Subject\n\nsigned-off-by: Ada <a@b>\n"

/* A commit with a change, one without, a merge with a change, and one without. */
static const char whole[] = ID " " ID2 "\0a@b\0c@d\0" MESSAGE "\0\n:100755 100644 " ID " " ID2 " M\0dir/a\nb\0" ID2
                               " \0e\0f\0m\0" ID " " ID2 " " ID "\0a@b\0\0\0\0::000000 100755 120000 " NONE " " ID
                               " " ID2 " MM\0x\0:100644 000000 " ID " " NONE " D\0y\0" ID2 "\0a\0a\0z\0\0";

static struct changes *open_changes(const char *bytes, size_t size) {
    struct changes *changes = calloc(1, sizeof(*changes));
    int ends[2];

    assert_non_null(changes);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], bytes, size), size);
    (void)close(ends[1]);
    changes->fd = ends[0];
    changes->with_message = true;
    return changes;
}

static void close_changes(struct changes *changes) {
    (void)close(changes->fd);
    free(changes);
}

static void test_whole(void **state) {
    struct changes *changes = open_changes(whole, sizeof(whole) - 1);

    (void)state;
    assert_int_equal(changes_next(changes), CHANGES_COMMIT);
    assert_string_equal(changes->commit.id, ID);
    assert_string_equal(changes->commit.author, "a@b");
    assert_string_equal(changes->commit.committer, "c@d");
    assert_true(changes->commit.is_signed_off);
    assert_false(changes->commit.is_merge);
    assert_string_equal(changes->commit.parents, ID2);
    assert_int_equal(changes_next(changes), CHANGES_FILE);
    assert_string_equal(changes->file.path, "dir/a\nb");
    assert_int_equal(changes->file.path_size, 7);
    assert_int_equal(changes->file.mode, 0100644);
    assert_true(changes->file.was_executable);
    assert_string_equal(changes->file.id, ID2);
    assert_int_equal(changes_next(changes), CHANGES_COMMIT);
    assert_false(changes->commit.is_signed_off || changes->commit.is_merge);
    assert_int_equal(changes_next(changes), CHANGES_COMMIT);
    assert_true(changes->commit.is_merge);
    assert_int_equal(changes_next(changes), CHANGES_FILE);
    assert_int_equal(changes->file.mode, 0120000);
    assert_true(changes->file.was_executable);
    assert_int_equal(changes_next(changes), CHANGES_FILE);
    assert_int_equal(changes->file.mode, 0);
    assert_int_equal(changes_next(changes), CHANGES_COMMIT);
    assert_int_equal(changes_next(changes), CHANGES_END);
    close_changes(changes);
}

/* A cut within a text is an error. A cut between two may be the end, and git's exit status tells then. */
static void test_cut(void **state) {
    (void)state;
    for (size_t size = 1; size < sizeof(whole) - 1; size++) {
        struct changes *changes = open_changes(whole, size);
        int r;

        do {
            r = changes_next(changes);
        } while (r > 0);
        assert_true(r == CHANGES_END || r == -EIO);
        if (whole[size - 1] != '\0') {
            assert_int_equal(r, -EIO);
        }
        close_changes(changes);
    }
}

static const struct {
    const char *name;
    struct span bytes;
} faults[] = {
    {"no id", BYTES("xyz\0a\0b\0c\0")},
    {"a short id before those of parents", BYTES("a4da5d40 " ID "\0a\0b\0c\0")},
    {"a space before the id", BYTES(" " ID "\0a\0b\0c\0")},
    {"short id", BYTES("a4da5d40\0a\0b\0c\0")},
    {"no mode", BYTES(":\0x\0")},
    {"short mode", BYTES(":10064 100644 " ID " " ID " M\0x\0")},
    {"one mode", BYTES(":100644 " ID " " ID " M\0x\0")},
    {"no id of a file", BYTES(":100644 100644 " ID " M\0x\0")},
    {"colons alone", BYTES(":::\0x\0")},
    {"no path", BYTES(":100644 100644 " ID " " ID " M\0\0")},
    {"end before the path", BYTES(":100644 100644 " ID " " ID " M\0")},
    {"end before the author", BYTES(ID "\0")},
};

static void test_faults(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        struct changes *changes = open_changes(faults[i].bytes.data, faults[i].bytes.size);

        if (changes_next(changes) != -EIO) {
            fail_msg("%s", faults[i].name);
        }
        close_changes(changes);
    }
}

static void test_sign_offs(void **state) {
    static const struct {
        const char *line;
        bool counts;
    } lines[] = {
        {"Signed-off-by: A <a@b>", true},      {"Signed-off-by: C <c@d>", true},     {"SIGNED-OFF-BY: A <A@B>", true},
        {" Signed-off-by: A <a@b>", false},    {"Signed-off-by: A <a@bc>", false},   {"Signed-off-by: A <xa@b>", false},
        {"Signed-off-by: <a@b> <x@y>", false}, {"Signed-off-by A <a@b>", false},     {"Signed-off-by: a@b", false},
        {"Acked-by: A <a@b>", false},          {"Signed-off-by: A <a@b> # x", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        char text[256];
        int size = snprintf(text, sizeof(text), "%s%ca@b%cc@d%cSubject\n\n%s\nx%c", ID, 0, 0, 0, lines[i].line, 0);
        struct changes *changes = open_changes(text, (size_t)size);

        assert_int_equal(changes_next(changes), CHANGES_COMMIT);
        if (changes->commit.is_signed_off != lines[i].counts) {
            fail_msg("%s", lines[i].line);
        }
        close_changes(changes);
    }
}

/* Texts of any length are read in bounded memory, and their end is found. */
static void test_long(void **state) {
    static const char head[] = ":000000 100644 " NONE " " ID " A";
    char text[40000];
    struct changes *changes;

    (void)state;
    memset(text, 'p', sizeof(text));
    memcpy(text, head, sizeof(head));
    text[sizeof(text) - 1] = '\0';
    changes = open_changes(text, sizeof(text));
    assert_int_equal(changes_next(changes), CHANGES_FILE);
    assert_int_equal(changes->file.path_size, sizeof(text) - sizeof(head) - 1);
    assert_int_equal(strlen(changes->file.path), CHANGES_PATH_MAX - 1);
    assert_int_equal(changes_next(changes), CHANGES_END);
    close_changes(changes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),     cmocka_unit_test(test_cut),  cmocka_unit_test(test_faults),
        cmocka_unit_test(test_sign_offs), cmocka_unit_test(test_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
