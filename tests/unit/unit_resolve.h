/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Configurations as a whole, in the test's folder: its files, and the usual options. */

#include "unit_folder.h"

#include "library/config.h"

enum {
    MAX_SET = 8,
};

struct set {
    const char *name;
    const char *value;
};

/* Fills the folder in which each case starts. */
static inline void make_files(void) {
    static const char *const folders[] = {
        "root",    "root/r.git",  "root/r.git/hooks", "root/r.git-hooks", "root/other.git", "root/other.git/hooks",
        "hooks",   "hooks/below", "away.git",         "away.git/hooks",   "home",           "hooks-of-links",
        "home:rw",
    };
    static const char *const links[][2] = {
        {"root/r.git/hooks", "link-to-hooks"}, /* hooks inside the served repository, under a name outside */
        {"root", "link-to-root"},
        {"../../hooks", "root/r.git/link-out"}, /* hooks outside, under a name inside */
        {"../away.git", "root/linked.git"},     /* a repository that is itself a link */
        {"nowhere", "broken"},
        {"../plain", "hooks-of-links/update"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
        assert_int_equal(mkdir(folders[i], 0700), 0);
    }
    for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
        assert_int_equal(symlink(links[i][0], links[i][1]), 0);
    }
    folder_write("plain", SPAN("x\n"));
    folder_write("token", SPAN("from-the-file\n"));
    folder_write("root/r.git/token", SPAN("from-the-file\n"));
}

static inline struct gate_config *config_of(const char *name, const struct set *sets) {
    struct gate_config *config = NULL;

    assert_int_equal(gate_config_new(&config), 0);
    for (; sets->name; sets++) {
        expect_int(name, gate_config_set(config, sets->name, sets->value, NULL), 0);
    }
    return config;
}

#define TOKEN                                                                                                          \
    { "token", "hunter2-hunter2-hunter2" }
#define TCP                                                                                                            \
    { "listen", "127.0.0.1:0" }
#define REPOSITORY                                                                                                     \
    {"mirror-root", "root"}, {                                                                                         \
        "scope", "r"                                                                                                   \
    }
#define ALL REPOSITORY, TCP, TOKEN

#define NAME_OF_250                                                                                                    \
    "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeaaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee"             \
    "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeaaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee"             \
    "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee"
