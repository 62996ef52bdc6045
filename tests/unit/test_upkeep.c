/* SPDX-License-Identifier: Apache-2.0 */

/* upkeep: counts a repository's objects by names and sizes of files, also with links, odd names and crowds of files. */

#include "backend/upkeep.h"

#include "unit_folder.h"

#define ZEROS "00000000"
#define ID ZEROS ZEROS ZEROS ZEROS ZEROS /* of SHA-1, in hexadecimal digits */
#define ID_256 ID ZEROS ZEROS ZEROS
#define PACKS "repo.git/objects/pack/"

enum {
    INDEX_OF_NONE = 1032 + 2 * 20, /* bytes */
    INDEX_OF_NONE_256 = 1032 + 2 * 32,
    PER_OBJECT = 28,
    PER_OBJECT_256 = 40,
};

static struct upkeep examine(void) {
    char path[PATH_MAX + sizeof("/repo.git")];
    struct upkeep upkeep;

    (void)snprintf(path, sizeof(path), "%s/repo.git", folder.path);
    assert_true(upkeep_examine(&upkeep, path));
    return upkeep;
}

static void make_repository(void) {
    static const char *const folders[] = {"repo.git",
                                          "repo.git/objects",
                                          "repo.git/objects/17",
                                          "repo.git/objects/18",
                                          "repo.git/objects/info",
                                          "repo.git/objects/info/commit-graphs",
                                          "repo.git/objects/pack"};

    for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
        assert_int_equal(mkdir(folders[i], 0700), 0);
    }
}

static void make_sized(const char *path, off_t size) {
    folder_write(path, SPAN(""));
    assert_int_equal(truncate(path, size), 0);
}

static void test_empty(void **state) {
    struct upkeep upkeep;

    (void)state;
    assert_false(upkeep_examine(&upkeep, "/nonexistent"));
    make_repository();
    upkeep = examine();
    assert_memory_equal(&upkeep, &(struct upkeep){0}, sizeof(upkeep));
}

static const struct {
    const char *name;
    off_t size;
    int n_packs;
    int n_objects;
} index_cases[] = {
    {PACKS "pack-" ID ".idx", INDEX_OF_NONE, 1, 0},
    {PACKS "pack-" ID ".idx", INDEX_OF_NONE + 1000 * PER_OBJECT, 1, 1000},
    {PACKS "pack-" ID_256 ".idx", INDEX_OF_NONE_256 + 1000 * PER_OBJECT_256, 1, 1000},
    {PACKS "pack-" ID ".idx", 0, 1, 0},
    {PACKS "pack-" ID ".pack", 100000, 0, 0},
    {PACKS "pack-" ID ".rev", 100000, 0, 0},
    {PACKS ".idx", 100000, 0, 0},
};

static void test_indices(void **state) {
    (void)state;
    make_repository();
    for (size_t i = 0; i < ARRAY_SIZE(index_cases); i++) {
        struct upkeep upkeep;

        make_sized(index_cases[i].name, index_cases[i].size);
        upkeep = examine();
        expect_int(index_cases[i].name, upkeep.n_packs, index_cases[i].n_packs);
        expect_int(index_cases[i].name, upkeep.n_packed, index_cases[i].n_objects);
        assert_int_equal(unlink(index_cases[i].name), 0);
    }
}

static bool bitmap(const struct upkeep *upkeep) {
    return upkeep->has_bitmap;
}

static bool commit_graph(const struct upkeep *upkeep) {
    return upkeep->has_commit_graph;
}

static bool pack_index(const struct upkeep *upkeep) {
    return upkeep->has_pack_index;
}

static bool borrows(const struct upkeep *upkeep) {
    return upkeep->borrows;
}

static bool partial(const struct upkeep *upkeep) {
    return upkeep->is_partial;
}

static const struct {
    const char *name;
    bool (*is_seen)(const struct upkeep *upkeep);
} file_cases[] = {
    {PACKS "pack-" ID ".bitmap", bitmap},
    {PACKS "multi-pack-index-" ID ".bitmap", bitmap},
    {PACKS "multi-pack-index", pack_index},
    {PACKS "pack-" ID ".promisor", partial},
    {"repo.git/objects/info/commit-graph", commit_graph},
    {"repo.git/objects/info/commit-graphs/commit-graph-chain", commit_graph},
    {"repo.git/objects/info/alternates", borrows},
};

static void test_files(void **state) {
    (void)state;
    make_repository();
    for (size_t i = 0; i < ARRAY_SIZE(file_cases); i++) {
        struct upkeep upkeep = examine();

        expect_true(file_cases[i].name, !file_cases[i].is_seen(&upkeep));
        folder_write(file_cases[i].name, SPAN(""));
        upkeep = examine();
        expect_true(file_cases[i].name, file_cases[i].is_seen(&upkeep));
        assert_int_equal(unlink(file_cases[i].name), 0);
    }
}

/* git's estimate: the objects in one of 256 folders stand for all. */
static void test_loose(void **state) {
    (void)state;
    make_repository();
    folder_write("repo.git/objects/17/00" ID_256, SPAN("")); /* too long */
    folder_write("repo.git/objects/17/tmp_obj_x", SPAN(""));
    folder_write("repo.git/objects/18/" ZEROS ZEROS ZEROS ZEROS "000000", SPAN(""));
    expect_int("none", examine().n_loose, 0);
    folder_write("repo.git/objects/17/" ZEROS ZEROS ZEROS ZEROS "000000", SPAN(""));
    expect_int("SHA-1", examine().n_loose, 256);
    folder_write("repo.git/objects/17/" ID ZEROS ZEROS "000000", SPAN(""));
    expect_int("SHA-256", examine().n_loose, 512);
}

/* Each link leads to a folder of files that would count. */
static void test_links(void **state) {
    (void)state;
    make_repository();
    make_sized(PACKS "pack-" ID ".idx", INDEX_OF_NONE + 10 * PER_OBJECT);
    assert_int_equal(symlink("pack-" ID ".idx", PACKS "pack-1.idx"), 0);
    expect_int("a link to an index", examine().n_packs, 1);
    assert_int_equal(rename("repo.git/objects/pack", "elsewhere"), 0);
    assert_int_equal(symlink("../../elsewhere", "repo.git/objects/pack"), 0);
    expect_int("a link to the packs", examine().n_packs, 0);
    assert_int_equal(rename("repo.git/objects", "objects"), 0);
    assert_int_equal(symlink("../objects", "repo.git/objects"), 0);
    expect_true("a link to the objects", !upkeep_examine(&(struct upkeep){0}, "repo.git"));
}

/* More entries than are read. */
static void test_crowd(void **state) {
    char name[sizeof("repo.git/objects/17/") + 40];

    (void)state;
    make_repository();
    folder_write("file", SPAN(""));
    for (int i = 0; i < UPKEEP_ENTRIES_MAX + 100; i++) {
        (void)snprintf(name, sizeof(name), "repo.git/objects/17/%038d", i);
        assert_int_equal(link("file", name), 0);
    }
    expect_true("some are not read", examine().n_loose <= (size_t)UPKEEP_ENTRIES_MAX * 256);
}

int main(void) {
    static const struct CMUnitTest tests[] = {IN_FOLDER(test_empty), IN_FOLDER(test_indices), IN_FOLDER(test_files),
                                              IN_FOLDER(test_loose), IN_FOLDER(test_links),   IN_FOLDER(test_crowd)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
