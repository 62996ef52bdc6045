/* SPDX-License-Identifier: Apache-2.0 */

/* foresight and descent: pushes that lose nothing, pushes that may, and lies, each cut at every place. */

#include "backend/foresight.h"

#include <stdio.h>
#include <zlib.h>

#include "base/sha.h"
#include "unit.h"

enum {
    BODY_MAX = 256 * 1024,
    COMMITS_MAX = 400,
};

#define ZEROS "0000000000000000000000000000000000000000"
#define OLD "1111111111111111111111111111111111111111"
#define OTHER "2222222222222222222222222222222222222222"
#define TREE "tree 3333333333333333333333333333333333333333\n"

/* The body under construction. */
static unsigned char body[BODY_MAX];
static size_t n_body;

static void begin(void) {
    n_body = 0;
}

static void put(const void *data, size_t size) {
    assert_true(n_body + size <= sizeof(body));
    memcpy(body + n_body, data, size);
    n_body += size;
}

static void put_packet(const char *text) {
    char head[5];

    (void)snprintf(head, sizeof(head), "%04x", (unsigned)strlen(text) + 4);
    put(head, 4);
    put(text, strlen(text));
}

static void put_command(const char *old, const char *new, const char *name) {
    char text[400];

    (void)snprintf(text, sizeof(text), "%s %s %s", old, new, name);
    put_packet(text);
}

static void put_pack(void) {
    put("0000PACK\0\0\0\2\0\0\0\1", 16);
}

static void put_entry(unsigned type, const char *text, size_t claimed) {
    static unsigned char deflated[BODY_MAX];
    uLongf n_deflated = sizeof(deflated);
    unsigned char byte = (unsigned char)(type << 4 | (claimed & 15));

    for (claimed >>= 4; claimed > 0; claimed >>= 7) {
        byte |= 128;
        put(&byte, 1);
        byte = claimed & 127;
    }
    put(&byte, 1);
    assert_int_equal(compress(deflated, &n_deflated, (const Bytef *)text, strlen(text)), Z_OK);
    put(deflated, n_deflated);
}

static void put_commit(const char *text) {
    put_entry(1, text, strlen(text));
}

static void name_commit(char id[41], const char *text) {
    unsigned char digest[SHA_MAX_BYTES];
    struct sha sha;
    char head[32];

    sha_init(&sha, false);
    sha_feed(&sha, head, (size_t)snprintf(head, sizeof(head), "commit %zu", strlen(text)) + 1);
    sha_feed(&sha, text, strlen(text));
    sha_end(&sha, digest);
    for (size_t i = 0; i < 20; i++) {
        (void)snprintf(id + 2 * i, 3, "%02x", digest[i]);
    }
}

static void make_commit(char *text, size_t size, const char *parent, const char *second) {
    (void)snprintf(text, size, TREE "parent %s\n%s%s%sauthor A <a@b> 0 +0000\n\nMessage\n", parent,
                   second ? "parent " : "", second ? second : "", second ? "\n" : "");
}

static bool look(size_t step) {
    struct foresight *foresight;
    bool loses_nothing;

    assert_int_equal(foresight_new(&foresight), 0);
    for (size_t at = 0; at < n_body; at += step) {
        const size_t size = n_body - at < step ? n_body - at : step;
        char *copy = unit_copy(body + at, size);

        foresight_feed(foresight, (struct span){copy, size});
        free(copy);
    }
    loses_nothing = foresight_loses_nothing(foresight);
    assert_null(foresight_free(foresight));
    return loses_nothing;
}

static void expect(const char *name, bool expected) {
    for (size_t step = 1; step <= n_body; step += 1 + n_body / 500) {
        expect_int(name, look(step), expected);
    }
    expect_int(name, look(n_body), expected);
}

/* Cut short anywhere, it is not shown. */
static void expect_all_needed(const char *name) {
    const size_t n_whole = n_body;

    for (n_body = 0; n_body < n_whole; n_body++) {
        expect_true(name, n_body == 0 || !look(n_body));
    }
}

static void test_commands(void **state) {
    (void)state;
    begin();
    put("0000", 4);
    expect("nothing", true);
    begin();
    put_command(ZEROS, OLD, "refs/heads/a");
    put_command(ZEROS, OLD, "refs/heads/b");
    put("0000", 4);
    expect("creates", true);
    expect_all_needed("creates");
    begin();
    put_command(ZEROS, OLD, "refs/heads/a");
    put_command(OLD, ZEROS, "refs/heads/b");
    put("0000", 4);
    expect("create and delete", false);
    begin();
    put_command(ZEROS, ZEROS, "refs/heads/a");
    put("0000", 4);
    expect("a deletion that does not say of what", false);
    begin();
    put_command(OLD, OTHER, "refs/heads/a");
    put("0000", 4);
    expect("an update without a pack", false);
    begin();
    put_packet("nonsense");
    put("0000", 4);
    expect("nonsense", false);
    begin();
    put_packet("push-cert");
    put_packet("version\n\n" ZEROS " " OLD " refs/heads/a\n");
    put_packet("push-cert-end\n");
    put("0000", 4);
    expect("a certificate", true);
    begin();
    put_packet("push-cert");
    put_packet("version\n\n" OLD " " ZEROS " refs/heads/a\n");
    put_packet("push-cert-end\n");
    put("0000", 4);
    expect("a certificate of a deletion", false);
}

static void test_too_many_commands(void **state) {
    (void)state;
    begin();
    for (size_t i = 0; i < 257; i++) {
        put_command(ZEROS, OLD, "refs/heads/a");
    }
    put("0000", 4);
    expect_int("too many to remember", look(n_body), false);
}

static void begin_update(const char *tip) {
    begin();
    put_command(OLD, tip, "refs/heads/a");
    put_pack();
}

static void test_one_commit(void **state) {
    char text[400];
    char id[41];

    (void)state;
    make_commit(text, sizeof(text), OLD, NULL);
    name_commit(id, text);
    begin_update(id);
    put_commit(text);
    expect("a fast-forward", true);
    expect_all_needed("a fast-forward");
    begin_update(OTHER);
    put_commit(text);
    expect("of another tip", false);
    begin();
    put_command(OTHER, id, "refs/heads/a");
    put_pack();
    put_commit(text);
    expect("from another tip", false);
    begin();
    put_command(OLD, id, "refs/heads/a");
    put_command(ZEROS, id, "refs/heads/b");
    put_pack();
    put_commit(text);
    expect("one of two", false);
}

static void test_merges(void **state) {
    char text[400];
    char below[400];
    char id[41];
    char below_id[41];

    (void)state;
    make_commit(text, sizeof(text), OTHER, OLD);
    name_commit(id, text);
    begin_update(id);
    put_commit(text);
    expect("the second parent", true);
    make_commit(below, sizeof(below), OLD, NULL);
    name_commit(below_id, below);
    make_commit(text, sizeof(text), OTHER, below_id);
    name_commit(id, text);
    begin_update(id);
    put_commit(text);
    put_commit(below);
    expect("behind the second parent", true);
    begin_update(id);
    put_commit(below);
    put_commit(text);
    expect("in the other order", false);
}

static void test_a_long_line(void **state) {
    static char texts[COMMITS_MAX][200];
    char id[41] = OLD;

    (void)state;
    for (size_t i = 0; i < COMMITS_MAX; i++) {
        make_commit(texts[i], sizeof(texts[i]), id, NULL);
        name_commit(id, texts[i]);
    }
    begin_update(id);
    for (size_t i = COMMITS_MAX; i > 0; i--) {
        put_commit(texts[i - 1]);
    }
    expect_int("a long line", look(n_body), true);
    expect_int("a long line", look(7), true);
}

static const struct {
    const char *name;
    const char *text;
} lies[] = {
    {"a parent in the message", TREE "author A <a@b> 0 +0000\n\nparent " OLD "\n"},
    {"a parent behind the author", TREE "author A <a@b> 0 +0000\nparent " OLD "\n\n"},
    {"a parent before the tree", "parent " OLD "\n" TREE "\n"},
    {"no tree", "parent " OLD "\n"},
    {"a parent without an end", TREE "parent " OLD},
    {"a longer parent", TREE "parent " OLD "1\n"},
    {"a shorter parent", TREE "parent 111111111111111111111111111111111111111\n"},
    {"nothing", ""},
};

static void test_lies(void **state) {
    char id[41];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
        name_commit(id, lies[i].text);
        begin_update(id);
        put_commit(lies[i].text);
        expect(lies[i].name, false);
    }
}

static void test_what_is_no_commit(void **state) {
    char text[400];
    char id[41];

    (void)state;
    make_commit(text, sizeof(text), OLD, NULL);
    name_commit(id, text);
    begin_update(id);
    put_entry(3, text, strlen(text));
    expect("a blob", false);
    begin_update(id);
    put_entry(7, text, strlen(text));
    expect("a delta", false);
    begin_update(id);
    put_entry(1, text, strlen(text) - 1);
    expect("longer than it says", false);
    begin_update(id);
    put_entry(1, text, strlen(text) + 1);
    expect("shorter than it says", false);
    begin_update(id);
    put_entry(1, text, 1U << 30);
    expect("large", false);
    begin_update(id);
    put("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 11);
    expect("without bound", false);
    begin_update(id);
    put("\x91\x01garbage that is not deflated", 30);
    expect("garbage", false);
    begin();
    put_command(OLD, id, "refs/heads/a");
    put("0000PACK\0\0\0\3\0\0\0\1", 16);
    put_commit(text);
    expect("another version", false);
}

/* The work for one has nothing to do with its size. */
static void test_empty_commits(void **state) {
    static const char empty[] = "\x10\x78\x9c\3\0\0\0\0\1";
    char text[400];
    char tip[41];

    (void)state;
    make_commit(text, sizeof(text), OLD, NULL);
    name_commit(tip, text);
    for (size_t n = 10; n <= 10000; n *= 1000) {
        begin_update(tip);
        for (size_t i = 0; i < n; i++) {
            put(empty, sizeof(empty) - 1);
        }
        put_commit(text);
        expect_int("empty commits before", look(n_body), n == 10);
    }
}

static void test_a_bound_on_work(void **state) {
    static char text[60 * 1024];
    char last[400];
    char id[41];

    (void)state;
    memset(text, 'a', sizeof(text) - 1);
    make_commit(last, sizeof(last), OLD, NULL);
    name_commit(id, last);
    for (size_t n = 0; n < 8; n++) {
        begin_update(id);
        for (size_t i = 0; i < n; i++) {
            put_commit(text);
        }
        put_commit(last);
        expect_int("a bound on work", look(n_body), n <= 4);
        expect_int("a bound on work", look(13), n <= 4);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands),          cmocka_unit_test(test_too_many_commands),
        cmocka_unit_test(test_one_commit),        cmocka_unit_test(test_merges),
        cmocka_unit_test(test_a_long_line),       cmocka_unit_test(test_lies),
        cmocka_unit_test(test_what_is_no_commit), cmocka_unit_test(test_empty_commits),
        cmocka_unit_test(test_a_bound_on_work),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
