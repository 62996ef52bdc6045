/* SPDX-License-Identifier: Apache-2.0 */

/* remote_config: reads git's output, both invented and real. */

#include "client/remote_config.h"

#include <errno.h>

#include "unit_folder.h"

static const struct {
    struct span printed;
    const char *socket;
    const char *token_file;
} cases[] = {
    {BYTES(""), "", ""},
    {BYTES("gate.socket\n/run/s\0"), "/run/s", ""},
    {BYTES("gate.tokenfile\n/run/t\0gate.socket\n/run/s\0"), "/run/s", "/run/t"},
    {BYTES("gate.socket\n/one\0gate.socket\n/two\0"), "/two", ""},
    {BYTES("gate.socket\n/one\0gate.socket\n\0"), "", ""},
    {BYTES("gate.socket\0"), "", ""},
    {BYTES("gate.socket\n/two\nlines\0"), "/two\nlines", ""},
    {BYTES("gate.socket\n/not whole"), "", ""},
    {BYTES("gate.other\n/x\0gate.sockets\n/y\0gate.socke\n/z\0"), "", ""},
    {BYTES("\0\0"), "", ""},
};

static void test_parse(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *copy = unit_copy(cases[i].printed.data, cases[i].printed.size);
        struct remote_config config;

        memset(&config, 'x', sizeof(config));
        expect_int(cases[i].printed.data, remote_config_parse(&config, (struct span){copy, cases[i].printed.size}), 0);
        expect_text(cases[i].printed.data, config.socket, cases[i].socket);
        expect_text(cases[i].printed.data, config.token_file, cases[i].token_file);
        free(copy);
    }
}

static void test_too_long(void **state) {
    static char printed[PATH_MAX + 32] = "gate.socket\n";
    size_t size = strlen(printed);
    struct remote_config config;

    (void)state;
    memset(printed + size, 'x', PATH_MAX);
    expect_int("too long", remote_config_parse(&config, (struct span){printed, size + PATH_MAX + 1}), -EMSGSIZE);
    printed[size + PATH_MAX - 1] = '\0';
    expect_int("as long as fits", remote_config_parse(&config, (struct span){printed, size + PATH_MAX}), 0);
}

static void set(const char *text) {
    folder_write("config", span_of(text));
}

/* The real git, with a file of settings as people write them. */
static void test_git(void **state) {
    struct remote_config config;

    (void)state;
    (void)setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
    (void)setenv("GIT_CONFIG_GLOBAL", "config", 1);
    (void)setenv("GIT_DIR", "/nonexistent", 1);
    (void)setenv("HOME", "/home/ada", 1);
    set("[gate]\n\tsocket = /run/s\n\ttokenFile = ~/token\n[user]\n\tname = Ada\n");
    expect_int("settings", remote_config_read(&config), 0);
    expect_text("socket", config.socket, "/run/s");
    expect_text("token file", config.token_file, "/home/ada/token");
    set("");
    expect_int("nothing is set", remote_config_read(&config), 0);
    expect_text("socket", config.socket, "");
    set("[gate\n");
    expect_int("broken", remote_config_read(&config), -ENOEXEC);
    set("[gate]\n\tsocket = /run/s\n");
    (void)setenv("PATH", "/nonexistent", 1);
    expect_int("no git", remote_config_read(&config), -ENOEXEC);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_too_long),
        IN_FOLDER(test_git),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
