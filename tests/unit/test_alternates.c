/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Tests the object stores that a repository borrows from. Each test's folder has the repository r.git, the stores s1 to
 * s4, and one called "#s". It also has a folder "plain" that is no store, the link "link" to s1, and the file "file".
 */

#include "unit_folder.h"

#include "backend/alternates.h"

static void make_store(const char *path) {
    char name[PATH_MAX];

    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(name, sizeof(name), "%s/pack", path);
    assert_int_equal(mkdir(name, 0700), 0);
    (void)snprintf(name, sizeof(name), "%s/info", path);
    assert_int_equal(mkdir(name, 0700), 0);
}

static void make_repository(const char *path) {
    char name[PATH_MAX];

    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(name, sizeof(name), "%s/objects", path);
    make_store(name);
}

/* The file of the store; each '%' stands for the folder's absolute path. */
static void borrow(const char *store, const char *text) {
    char content[1024];
    char name[64];
    size_t size = 0;

    for (; *text; text++) {
        size += (size_t)(*text == '%' ? snprintf(content + size, sizeof(content) - size, "%s", folder.path)
                                      : snprintf(content + size, sizeof(content) - size, "%c", *text));
        assert_true(size < sizeof(content));
    }
    (void)snprintf(name, sizeof(name), "%s/info/alternates", store);
    folder_write(name, (struct span){content, size});
}

static int begin(void **state) {
    int r = folder_begin(state);

    make_repository("r.git");
    make_store("s1");
    make_store("s2");
    make_store("s3");
    make_store("s4");
    make_store("#s");
    assert_int_equal(mkdir("plain", 0700), 0);
    assert_int_equal(symlink("s1", "link"), 0);
    folder_write("file", SPAN("content"));
    return r;
}

/* The found stores without the folder's path, each with a space after it. */
static const char *list(const struct alternates *alternates) {
    static char text[4096];
    size_t size = 0;
    size_t prefix = strlen(folder.path);

    text[0] = '\0';
    for (size_t i = 0; i < alternates->n_paths; i++) {
        bool is_below = strncmp(alternates->paths[i], folder.path, prefix) == 0;

        size += (size_t)snprintf(text + size, sizeof(text) - size, "%s ",
                                 alternates->paths[i] + (is_below ? prefix + 1 : 0));
        assert_true(size < sizeof(text));
    }
    return text;
}

static const char *repository(const char *name) {
    static char path[PATH_MAX + 64];

    (void)snprintf(path, sizeof(path), "%s/%s", folder.path, name);
    return path;
}

/* @borrowed: the stores' own files, as pairs of a store and its content */
static const struct {
    const char *name;
    const char *content; /* of r.git's, NULL for none */
    const char *borrowed[8];
    const char *found;
    size_t n_skipped;
} cases[] = {
    {"no file", NULL, {NULL}, "", 0},
    {"an empty file", "", {NULL}, "", 0},
    {"blank lines", "\n\n\n", {NULL}, "", 0},
    {"relative", "../../s1\n", {NULL}, "s1 ", 0},
    {"no end of line", "../../s1", {NULL}, "s1 ", 0},
    {"absolute", "%/s1\n", {NULL}, "s1 ", 0},
    {"several", "../../s3\n%/s1\n\n../../s2\n", {NULL}, "s3 s1 s2 ", 0},
    {"twice, by other names", "../../s1\n%/s1\n../../link\n../../s2/../s1\n", {NULL}, "s1 ", 0},
    {"a link to a store", "../../link\n", {NULL}, "s1 ", 0},
    {"a store of a repository, its own", ".\n", {NULL}, "r.git/objects ", 0},
    {"a comment", "#../../s1\n# ../../s2\n../../s3\n", {NULL}, "s3 ", 0},
    {"a name that begins like a comment", "../../#s\n", {NULL}, "#s ", 0},
    {"quoted", "\"../../s1\"\n../../s2\n", {NULL}, "s2 ", 1},
    {"not a store", "../../plain\n../../s1\n", {NULL}, "s1 ", 1},
    {"a plain file", "../../file\n", {NULL}, "", 1},
    {"nothing there", "../../nothing\n%/nothing\n", {NULL}, "", 2},
    {"the whole system", "/\n/etc\n", {NULL}, "", 2},
    {"a space before and behind", " ../../s1\n../../s1 \n", {NULL}, "", 2},
    {"a line with a return", "../../s1\r\n", {NULL}, "", 1},
    {"a chain", "../../s1\n", {"s1", "../s2\n", "s2", "%/s3\n"}, "s1 s2 s3 ", 0},
    {"a chain beside a line", "../../s1\n../../s4\n", {"s1", "../s2\n"}, "s1 s2 s4 ", 0},
    {"a cycle", "../../s1\n", {"s1", "../s2\n", "s2", "../s1\n../r.git/objects\n"}, "s1 s2 r.git/objects ", 0},
    {"a store that borrows from itself", "../../s1\n", {"s1", ".\n"}, "s1 ", 0},
    {"a fault further down", "../../s1\n", {"s1", "../plain\n\"x\n../s2\n"}, "s1 s2 ", 2},
};

static void test_table(void **state) {
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct alternates alternates = {0};

        assert_int_equal(begin(state), 0);
        if (cases[i].content) {
            borrow("r.git/objects", cases[i].content);
        }
        for (const char *const *pair = cases[i].borrowed; *pair; pair += 2) {
            borrow(pair[0], pair[1]);
        }
        expect_int(cases[i].name, alternates_add(&alternates, repository("r.git")), 0);
        expect_text(cases[i].name, list(&alternates), cases[i].found);
        expect_int(cases[i].name, alternates.n_skipped, cases[i].n_skipped);
        alternates_deinit(&alternates);
        expect_int(cases[i].name, alternates.n_paths, 0);
        assert_int_equal(folder_end(state), 0);
    }
}

/* git makes these in a store; they would also expose another user's folder that contains one called "pack". */
static void test_entries(void **state) {
    static const struct {
        const char *name;
        bool is_gits;
    } entries[] = {
        {"00", true},         {"af", true},     {"tmp_objdir-incoming-x", true},
        {"incoming-x", true}, {"tmp_x", true},  {"maintenance.lock", true},
        {"private", false},   {"AF", false},    {"a", false},
        {"abc", false},       {".git", false},  {"pack2", false},
        {"src", false},       {"infos", false}, {".ssh", false},
    };

    (void)state;
    borrow("r.git/objects", "../../s1\n");
    for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
        struct alternates alternates = {0};
        char path[64];

        (void)snprintf(path, sizeof(path), "s1/%s", entries[i].name);
        assert_int_equal(mkdir(path, 0700), 0);
        expect_int(entries[i].name, alternates_add(&alternates, repository("r.git")), 0);
        expect_text(entries[i].name, list(&alternates), entries[i].is_gits ? "s1 " : "");
        expect_int(entries[i].name, alternates.n_skipped, !entries[i].is_gits);
        alternates_deinit(&alternates);
        assert_int_equal(rmdir(path), 0);
    }
}

/* A path that does not fit into PATH_MAX is no store. */
static void test_long_path(void **state) {
    struct alternates alternates = {0};
    char line[2 * PATH_MAX];

    (void)state;
    memset(line, '/', sizeof(line));
    line[sizeof(line) - 1] = '\n';
    folder_write("r.git/objects/info/alternates", (struct span){line, sizeof(line)});
    assert_int_equal(alternates_add(&alternates, repository("r.git")), 0);
    assert_int_equal(alternates.n_paths, 0);
    assert_int_equal(alternates.n_skipped, 1);
    line[sizeof(line) - 1] = '\0';
    assert_int_equal(alternates_add(&alternates, line), 0);
    assert_int_equal(alternates.n_paths, 0);
    assert_int_equal(alternates.n_skipped, 1);
}

/* d0 borrows from d1, that from d2, and so on. */
static void test_depth(void **state) {
    struct alternates alternates = {0};
    char name[32];
    char line[32];

    (void)state;
    borrow("r.git/objects", "../../d0\n");
    for (int i = 0; i < ALTERNATES_DEPTH_MAX + 2; i++) {
        (void)snprintf(name, sizeof(name), "d%d", i);
        (void)snprintf(line, sizeof(line), "../d%d\n", i + 1);
        make_store(name);
        borrow(name, line);
    }
    assert_int_equal(alternates_add(&alternates, repository("r.git")), 0);
    assert_int_equal(alternates.n_paths, ALTERNATES_DEPTH_MAX);
    assert_int_equal(alternates.n_skipped, 1);
    alternates_deinit(&alternates);
}

/* Makes a repository that borrows from @n_stores stores of its own. */
static void make_borrower(const char *name, int n_stores) {
    char text[4096];
    char path[64];
    size_t size = 0;

    make_repository(name);
    for (int i = 0; i < n_stores; i++) {
        (void)snprintf(path, sizeof(path), "%s.%d", name, i);
        make_store(path);
        size += (size_t)snprintf(text + size, sizeof(text) - size, "../../%s\n", path);
    }
    (void)snprintf(path, sizeof(path), "%s/objects/info/alternates", name);
    folder_write(path, (struct span){text, size});
}

/* No repository takes the places of all others. Together they have a limit as well. */
static void test_too_many(void **state) {
    struct alternates alternates = {0};
    char name[32];
    int n_repositories = ALTERNATES_MAX / ALTERNATES_OWN_MAX + 1;

    (void)state;
    for (int i = 1; i <= n_repositories; i++) {
        (void)snprintf(name, sizeof(name), "m%d", i);
        make_borrower(name, ALTERNATES_OWN_MAX + 3);
        assert_int_equal(alternates_add(&alternates, repository(name)), 0);
        assert_int_equal(alternates.n_paths, i < n_repositories ? i * ALTERNATES_OWN_MAX : ALTERNATES_MAX);
    }
    assert_int_equal(alternates.n_skipped, 3 * n_repositories + ALTERNATES_OWN_MAX);
    alternates_deinit(&alternates);
}

/* A file full of lines before the one that names a store, and then an ordinary repository. */
static void check_many_lines(const char *line) {
    static const char last[] = "../../s1\n";
    struct alternates alternates = {0};
    char *text = malloc(ALTERNATES_FILE_MAX_BYTES);
    size_t line_size = strlen(line);
    size_t n_lines = 0;
    size_t size = 0;

    assert_non_null(text);
    for (; size + line_size + sizeof(last) < ALTERNATES_FILE_MAX_BYTES; n_lines++, size += line_size) {
        memcpy(text + size, line, line_size);
    }
    memcpy(text + size, last, sizeof(last) - 1);
    folder_write("r.git/objects/info/alternates", (struct span){text, size + sizeof(last) - 1});
    free(text);
    (void)alarm(10);
    assert_int_equal(alternates_add(&alternates, repository("r.git")), 0);
    expect_text(line, list(&alternates), "");
    expect_int(line, alternates.n_skipped, n_lines + 1);
    assert_true(alternates.n_lines <= ALTERNATES_LINES_MAX);
    assert_true(alternates.n_entries <= ALTERNATES_ENTRIES_MAX + 1);
    assert_int_equal(alternates_add(&alternates, repository("good.git")), 0);
    (void)alarm(0);
    expect_text(line, list(&alternates), "s2 ");
    alternates_deinit(&alternates);
}

/* The author of such files must neither delay the start nor keep other repositories from their stores. */
static void test_hostile_lines(void **state) {
    char name[64];

    (void)state;
    make_repository("good.git");
    borrow("good.git/objects", "../../s2\n");
    check_many_lines("/no\n");
    make_store("L"); /* slow to read, and no store in the end */
    for (int i = 0; i < ALTERNATES_ENTRIES_MAX; i++) {
        (void)snprintf(name, sizeof(name), "L/tmp_%d", i);
        folder_write(name, SPAN(""));
    }
    folder_write("L/mine", SPAN(""));
    check_many_lines("../../L\n");
}

/* A file of the largest size, and one that is a byte longer. The last line names a store. */
static void test_too_large(void **state) {
    static const char last[] = "\n../../s1\n";
    size_t last_size = sizeof(last) - 1;

    (void)state;
    for (size_t size = ALTERNATES_FILE_MAX_BYTES - 2; size <= ALTERNATES_FILE_MAX_BYTES + 1; size++) {
        bool fits = size < ALTERNATES_FILE_MAX_BYTES;
        struct alternates alternates = {0};
        char *text = malloc(size);

        assert_non_null(text);
        memset(text, '#', size);
        memcpy(text + size - last_size, last, last_size);
        folder_write("r.git/objects/info/alternates", (struct span){text, size});
        free(text);
        assert_int_equal(alternates_add(&alternates, repository("r.git")), 0);
        expect_text("too large", list(&alternates), fits ? "s1 " : "");
        expect_int("too large", alternates.n_skipped, fits ? 0 : 1);
        alternates_deinit(&alternates);
    }
}

/* Anything in the file's place must neither delay the start nor fill the memory. */
static void test_no_file(void **state) {
    static const char place[] = "r.git/objects/info/alternates";
    struct alternates alternates = {0};

    (void)state;
    (void)alarm(20);
    assert_int_equal(mkfifo(place, 0600), 0);
    assert_int_equal(alternates_add(&alternates, repository("r.git")), 0);
    assert_int_equal(unlink(place), 0);
    assert_int_equal(mkdir(place, 0700), 0);
    assert_int_equal(alternates_add(&alternates, repository("r.git")), 0);
    assert_int_equal(rmdir(place), 0);
    assert_int_equal(symlink("alternates", place), 0);
    assert_int_equal(alternates_add(&alternates, repository("r.git")), 0);
    assert_int_equal(unlink(place), 0);
    assert_int_equal(alternates_add(&alternates, repository("nothing.git")), 0);
    assert_int_equal(alternates.n_paths, 0);
    assert_int_equal(alternates.n_skipped, 0);
    assert_int_equal(symlink("/dev/zero", place), 0);
    assert_int_equal(alternates_add(&alternates, repository("r.git")), 0);
    assert_int_equal(alternates.n_paths, 0);
    assert_int_equal(alternates.n_skipped, 1);
    (void)alarm(0);
}

/* The stores of several repositories are listed once each. */
static void test_many(void **state) {
    struct alternates alternates = {0};

    (void)state;
    make_repository("a.git");
    borrow("a.git/objects", "../../s1\n../../s2\n../../plain\n");
    borrow("r.git/objects", "../../s1\n");
    assert_int_equal(alternates_add(&alternates, repository("a.git")), 0);
    assert_int_equal(alternates_add(&alternates, repository("r.git")), 0);
    assert_string_equal(list(&alternates), "s1 s2 ");
    assert_int_equal(alternates.n_skipped, 1);
    alternates_deinit(&alternates);
    assert_int_equal(alternates.n_paths, 0);
}

#define WITH_STORES(test) cmocka_unit_test_setup_teardown(test, begin, folder_end)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table), WITH_STORES(test_entries),  WITH_STORES(test_long_path),
        WITH_STORES(test_depth),      WITH_STORES(test_too_many), WITH_STORES(test_too_large),
        WITH_STORES(test_no_file),    WITH_STORES(test_many),     WITH_STORES(test_hostile_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
