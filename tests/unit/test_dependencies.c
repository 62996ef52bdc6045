/* SPDX-License-Identifier: Apache-2.0 */

/* dependencies: settings that make git read files beyond the checked ones, in all spellings. */

#include "backend/dependencies.h"

#include <time.h>

#include "unit_folder.h"

#define OLD ((time_t)1600000000)

static const char *const settings_that_do[] = {
    "include.path=x",
    "INCLUDE.path=x",
    "includeIf.gitdir:/x.path=y",
    "IncludeIF.onbranch:x.path=y",
    "transfer.advertiseSID=true",
    "transfer.ADVERTISEsid=true",
};

static const char *const settings_that_do_not[] = {
    "core.quotePath=true",
    "user.name=include",
    "uploadpack.allowFilter=transfer.advertiseSID",
    "transfer.hideRefs=refs/x",
};

static void test_allow(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(settings_that_do); i++) {
        expect_true(settings_that_do[i], !dependencies_allow(settings_that_do[i]));
    }
    for (size_t i = 0; i < ARRAY_SIZE(settings_that_do_not); i++) {
        expect_true(settings_that_do_not[i], dependencies_allow(settings_that_do_not[i]));
    }
}

/* Makes a repository, programs and a home in the test's folder. */
static struct environ_settings make_all(void) {
    static const char *const folders[] = {"repo.git", "repo.git/objects", "repo.git/refs", "exec", "home"};

    for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
        assert_int_equal(mkdir(folders[i], 0700), 0);
    }
    folder_write("repo.git/HEAD", SPAN("ref: refs/heads/main\n"));
    folder_write("repo.git/config", SPAN("[core]\n\tbare = true\n"));
    folder_write("exec/git", SPAN("\x7f"
                                  "ELFgit"));
    folder_write("exec/git-http-backend", SPAN("\x7f"
                                               "ELFbackend"));
    return (struct environ_settings){.mirror_root = folder.path, .exec_path = "exec", .home = "home"};
}

/* Tells whether the answer would be kept once all files rest. */
static bool is_kept(const struct environ_settings *settings) {
    struct dependencies now;

    return dependencies_look(&now, settings, "repo") && dependencies_settled(&now, time(NULL) + 10) &&
           dependencies_suffice(&now, settings, "repo");
}

static const struct {
    const char *name;
    struct span config;
    bool is_kept;
} configs[] = {
    {"nothing", BYTES(""), true},
    {"other settings", BYTES("[core]\n\tbare = true\n[uploadpack]\n\tallowFilter\n"), true},
    {"include", BYTES("[include]\n\tpath = x\n"), false},
    {"include, in capitals", BYTES("[ INCLUDE ]\n\tpath = x\n"), false},
    {"include, in one line", BYTES("[core]\n\tx = y\n[include]path=x"), false},
    {"includeIf", BYTES("[includeIf \"gitdir:/x\"]\n\tpath = x\n"), false},
    {"includeIf, as it was written once", BYTES("[includeif.gitdir:/x]\n\tpath = x\n"), false},
    {"a comment that cannot be told from it", BYTES("# include\n"), false},
    {"session ids", BYTES("[transfer]\n\tadvertiseSID = true\n"), false},
    {"session ids, in other letters", BYTES("[Transfer]\n\tAdvertiseSid\n"), false},
    {"behind a NUL byte", BYTES("\0[include]\n\tpath = x\n"), false},
};

static void test_configs(void **state) {
    static const char *const places[] = {"repo.git/config", "repo.git/config.worktree", "home/.gitconfig"};
    struct environ_settings settings = make_all();

    (void)state;
    expect_true("as it is", is_kept(&settings));
    for (size_t place = 0; place < ARRAY_SIZE(places); place++) {
        for (size_t i = 0; i < ARRAY_SIZE(configs); i++) {
            folder_write(places[place], configs[i].config);
            expect_int(configs[i].name, is_kept(&settings), configs[i].is_kept);
        }
        folder_write(places[place], SPAN(""));
    }
}

/* The gate does not rely on a file that is larger than the part that it reads. */
static void test_large_config(void **state) {
    static char text[DEPENDENCIES_CONFIG_MAX_BYTES + 1];
    struct environ_settings settings = make_all();

    (void)state;
    memset(text, '\n', sizeof(text));
    folder_write("repo.git/config", (struct span){text, sizeof(text) - 1});
    expect_true("as much as is looked into", is_kept(&settings));
    folder_write("repo.git/config", (struct span){text, sizeof(text)});
    expect_true("one byte more", !is_kept(&settings));
}

static void test_kinds(void **state) {
    struct environ_settings settings = make_all();
    struct dependencies now;

    (void)state;
    assert_int_equal(mkdir("repo.git/.git", 0700), 0);
    expect_true("a repository within", !dependencies_look(&now, &settings, "repo"));
    assert_int_equal(rmdir("repo.git/.git"), 0);
    folder_write("repo.git/commondir", SPAN("/x\n"));
    expect_true("a work tree of another", !dependencies_look(&now, &settings, "repo"));
    assert_int_equal(unlink("repo.git/commondir"), 0);
    assert_int_equal(rename("repo.git", "folder"), 0);
    folder_write("repo.git", SPAN("gitdir: folder\n"));
    expect_true("a file that leads to it", !dependencies_look(&now, &settings, "repo"));
    assert_int_equal(unlink("repo.git"), 0);
    assert_int_equal(symlink("folder", "repo.git"), 0);
    expect_true("a link, which could lead elsewhere", !dependencies_look(&now, &settings, "repo"));
    assert_int_equal(unlink("repo.git"), 0);
    assert_int_equal(rename("folder", "repo.git"), 0);
    assert_int_equal(symlink("nowhere", "repo.git/commondir"), 0);
    expect_true("a link that leads nowhere", !dependencies_look(&now, &settings, "repo"));
    assert_int_equal(unlink("repo.git/commondir"), 0);
    assert_int_equal(rename("exec/git", "exec/git-of-a-distribution"), 0);
    assert_int_equal(symlink("git-of-a-distribution", "exec/git"), 0);
    expect_true("a program may be one", is_kept(&settings));
    assert_int_equal(unlink("repo.git/config"), 0);
    expect_true("no settings at all", is_kept(&settings));
    assert_int_equal(mkfifo("repo.git/config", 0600), 0);
    expect_true("nothing that can be read", !dependencies_look(&now, &settings, "repo"));
    assert_int_equal(unlink("repo.git/config"), 0);
    assert_int_equal(unlink("exec/git"), 0);
    folder_write("exec/git", SPAN("#!/bin/sh\n"));
    expect_true("a script", dependencies_look(&now, &settings, "repo") && !is_kept(&settings));
    settings.home = NULL;
    folder_write("exec/git", SPAN("\x7f"
                                  "ELF"));
    expect_true("no home", is_kept(&settings));
    expect_true("no repository", !dependencies_look(&now, &settings, "repo2"));
}

/* A file that has just changed could change again without a new time. */
static void test_settled(void **state) {
    struct environ_settings settings = make_all();
    struct dependencies now;
    struct stat status;

    (void)state;
    assert_int_equal(stat("home", &status), 0);
    assert_true(dependencies_look(&now, &settings, "repo"));
    expect_true("now", !dependencies_settled(&now, status.st_ctime));
    expect_true("in a second", !dependencies_settled(&now, status.st_ctime + DEPENDENCIES_SETTLED_S));
    expect_true("the clock was set back", !dependencies_settled(&now, OLD));
    expect_true("later", dependencies_settled(&now, status.st_ctime + DEPENDENCIES_SETTLED_S + 2));
}

static void write_and_remove(const char *path) {
    folder_write(path, SPAN("[include]\n"));
    assert_int_equal(unlink(path), 0);
}

static void set_config_and_back(void) {
    write_and_remove("repo.git/config.worktree");
}

static void set_home_and_back(void) {
    write_and_remove("home/.gitconfig");
}

static void make_home_and_back(void) {
    assert_int_equal(mkdir("home/.config", 0700), 0);
    assert_int_equal(rmdir("home/.config"), 0);
}

static void swap_and_back(void) {
    assert_int_equal(rename("repo.git", "away.git"), 0);
    assert_int_equal(rename("away.git", "repo.git"), 0);
}

static void push(void) {
    folder_write("repo.git/packed-refs", SPAN("# pack-refs with: peeled\n"));
}

static const struct {
    const char *name;
    void (*disturb)(void);
} disturbances[] = {
    {"a file that came and went", set_config_and_back},
    {"one of the home", set_home_and_back},
    {"a folder that came and went", make_home_and_back},
    {"a repository that was away", swap_and_back},
    {"another file", push},
};

/* Everything is as before, so a kept answer may be used; but git may have seen something else in between. */
static void test_undisturbed(void **state) {
    const struct timespec tick = {.tv_nsec = 20L * 1000 * 1000}; /* longer than a tick of the file system's clock */
    struct environ_settings settings = make_all();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(disturbances); i++) {
        struct dependencies before;
        struct dependencies now;

        assert_true(dependencies_look(&before, &settings, "repo"));
        assert_true(dependencies_look(&now, &settings, "repo"));
        expect_true("nothing has happened", dependencies_undisturbed(&before, &now));
        (void)nanosleep(&tick, NULL);
        disturbances[i].disturb();
        assert_true(dependencies_look(&now, &settings, "repo"));
        expect_true(disturbances[i].name,
                    dependencies_equal(&before, &now) && !dependencies_undisturbed(&before, &now));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_allow), IN_FOLDER(test_configs), IN_FOLDER(test_large_config),
        IN_FOLDER(test_kinds),        IN_FOLDER(test_settled), IN_FOLDER(test_undisturbed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
