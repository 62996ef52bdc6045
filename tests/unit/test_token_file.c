/* SPDX-License-Identifier: Apache-2.0 */

/* The token in a file or on standard input. Only the first line counts, and the content is never shown. */

#include "unit_folder.h"

#include "access/token.h"
#include "library/config.h"

#define FIFTY "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee"
#define LONGEST FIFTY FIFTY FIFTY FIFTY FIFTY "fffff"
#define LINES_OF_1000                                                                                                  \
    FIFTY "\n" FIFTY "\n" FIFTY "\n" FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY "\n"
#define BYTES_OF_1000                                                                                                  \
    FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY  \
        FIFTY

/* @token: NULL when the file is refused */
static const struct {
    const char *name;
    struct span content;
    const char *token;
} file_cases[] = {
    {"a line", BYTES("hunter2\n"), "hunter2"},
    {"no newline", BYTES("hunter2"), "hunter2"},
    {"one byte", BYTES("h"), "h"},
    {"a second line", BYTES("hunter2\nsecond\n"), "hunter2"},
    {"an empty second line", BYTES("hunter2\n\n"), "hunter2"},
    {"a second line of anything", BYTES("hunter2\n\0\xff a:b"), "hunter2"},
    {"a second line that is long", BYTES("hunter2\n" BYTES_OF_1000), "hunter2"},
    {"many lines", BYTES("hunter2\n" LINES_OF_1000 LINES_OF_1000), "hunter2"},
    {"a file of many kilobytes",
     BYTES(
         "hunter2\n" LINES_OF_1000 LINES_OF_1000 LINES_OF_1000 LINES_OF_1000 LINES_OF_1000 LINES_OF_1000 LINES_OF_1000),
     "hunter2"},
    {"the longest", BYTES(LONGEST "\n"), LONGEST},
    {"the longest without a newline", BYTES(LONGEST), LONGEST},
    {"empty", BYTES(""), NULL},
    {"an empty line", BYTES("\n"), NULL},
    {"an empty first line", BYTES("\nhunter2\n"), NULL},
    {"NUL at the end", BYTES("hunter2\0\n"), NULL},
    {"NUL within", BYTES("hunter2\0hunter2\n"), NULL},
    {"NUL at the beginning", BYTES("\0hunter2\n"), NULL},
    {"NUL and no newline", BYTES("hunter2\0"), NULL},
    {"NUL alone", BYTES("\0"), NULL},
    {"CRLF", BYTES("hunter2\r\n"), NULL},
    {"CR alone", BYTES("hunter2\rhunter2"), NULL},
    {"space behind", BYTES("hunter2 \n"), NULL},
    {"space before", BYTES(" hunter2\n"), NULL},
    {"tab", BYTES("hunter2\thunter2\n"), NULL},
    {"user and password", BYTES("hunter2:hunter2\n"), NULL},
    {"byte order mark", BYTES("\xef\xbb\xbfhunter2\n"), NULL},
    {"one byte too long", BYTES(LONGEST "f\n"), NULL},
    {"one byte too long, no newline", BYTES(LONGEST "f"), NULL},
    {"far too long", BYTES(BYTES_OF_1000 BYTES_OF_1000 "\n"), NULL},
    {"endless", BYTES(BYTES_OF_1000 BYTES_OF_1000 BYTES_OF_1000 BYTES_OF_1000 BYTES_OF_1000 BYTES_OF_1000), NULL},
};

static void check(const char *name, struct gate_config *config, int r, const struct gate_error *error,
                  const char *token) {
    if (token) {
        if (r) {
            fail_msg("%s: %d %s", name, r, error->message);
        }
        expect_true(name, config->settings.policy.tokens[0] != NULL);
        expect_span(name, span_of(config->settings.policy.tokens[0]), span_of(token));
        return;
    }
    if (r != GATE_E_USAGE) {
        fail_msg("%s: %d, not a refusal: %s", name, r, error->message);
    }
    expect_int(name, error->code, GATE_E_USAGE);
    expect_true(name, strstr(error->message, "the source") != NULL);
    expect_true(name, !strstr(error->message, "hunter2") && !strstr(error->message, "aaaaa"));
    expect_true(name, config->settings.policy.tokens[0] == NULL);
}

static void test_file(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(file_cases); i++) {
        struct gate_config *config = NULL;
        struct gate_error error = {0};
        int r;

        assert_int_equal(gate_config_new(&config), 0);
        folder_write("file", file_cases[i].content);
        r = config_set_token_from(config, "file", "the source", &error);
        check(file_cases[i].name, config, r, &error, file_cases[i].token);
        expect_true(file_cases[i].name, file_cases[i].token || strstr(error.message, "file"));
        gate_config_free(config);
    }
}

#define SECOND "second-one"

/* The tokens in a file. @first: NULL if it is refused, with @word in the message */
static const struct {
    const char *name;
    struct span content;
    const char *first;
    const char *second;
    const char *word;
} gate_cases[] = {
    {"one", BYTES("hunter2\n"), "hunter2", NULL, NULL},
    {"two", BYTES("hunter2\n" SECOND "\n"), "hunter2", SECOND, NULL},
    {"two, no newline", BYTES("hunter2\n" SECOND), "hunter2", SECOND, NULL},
    {"two that are equal", BYTES("hunter2\nhunter2\n"), "hunter2", "hunter2", NULL},
    {"an empty second line", BYTES("hunter2\n\n"), "hunter2", NULL, NULL},
    {"empty lines", BYTES("hunter2\n" SECOND "\n\n\n"), "hunter2", SECOND, NULL},
    {"the longest", BYTES(LONGEST "\n" LONGEST "\n\n"), LONGEST, LONGEST, NULL},
    {"empty", BYTES(""), NULL, NULL, "is empty"},
    {"an empty first line", BYTES("\n" SECOND "\n"), NULL, NULL, "the first line"},
    {"a bad first line", BYTES("hunter2 \n" SECOND "\n"), NULL, NULL, "the first line"},
    {"a bad second line", BYTES("hunter2\nhunter2 \n"), NULL, NULL, "the second line"},
    {"a second line with CR", BYTES("hunter2\nhunter2\r\n"), NULL, NULL, "the second line"},
    {"a second line of NUL", BYTES("hunter2\n\0\n"), NULL, NULL, "the second line"},
    {"a second line that is too long", BYTES("hunter2\n" LONGEST "f\n"), NULL, NULL, "the second line"},
    {"a path on the second line", BYTES("hunter2\n/proc/self/token\n"), NULL, NULL, "the path of a file"},
    {"three", BYTES("hunter2\n" SECOND "\nhunter2\n"), NULL, NULL, "the third line"},
    {"three, one of them empty", BYTES("hunter2\n\nhunter2\n"), NULL, NULL, "the third line"},
    {"a space on the third line", BYTES("hunter2\n" SECOND "\n \n"), NULL, NULL, "the third line"},
    {"many lines", BYTES("hunter2\n" SECOND "\n" LINES_OF_1000 LINES_OF_1000), NULL, NULL, "the third line"},
    {"a long first line", BYTES(BYTES_OF_1000 BYTES_OF_1000 "\n" SECOND "\n"), NULL, NULL, "the first line"},
};

static void expect_tokens(const char *name, const struct gate_config *config, const char *first, const char *second) {
    expect_text(name, config->settings.policy.tokens[0], first);
    expect_text(name, config->settings.policy.tokens[1], second);
}

/* The file is read again. A refused one keeps both earlier tokens, and a good one replaces both. */
static void test_gate(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(gate_cases); i++) {
        const char *name = gate_cases[i].name;
        const char *word = gate_cases[i].word;
        struct gate_config *config = NULL;
        struct gate_error error = {0};

        assert_int_equal(gate_config_new(&config), 0);
        folder_write("file", SPAN("before-1\nbefore-2\n"));
        assert_int_equal(config_set_tokens_from(config, "file", "the source=", &error), 0);
        expect_tokens(name, config, "before-1", "before-2");
        expect_text(name, config->settings.token_file, "file");
        folder_write("file", gate_cases[i].content);
        expect_int(name, config_reload_tokens(config, &error), word ? GATE_E_USAGE : 0);
        expect_tokens(name, config, word ? "before-1" : gate_cases[i].first, word ? "before-2" : gate_cases[i].second);
        if (word && (!strstr(error.message, word) || !strstr(error.message, "the source=") ||
                     strstr(error.message, "hunter2") || strstr(error.message, SECOND))) {
            if (!strstr(word, "path")) {
                fail_msg("%s: %s", name, error.message);
            }
        }
        gate_config_free(config);
    }
}

/* Files that cannot be read again, and files that the gate does not wait for. */
static void test_not_again(void **state) {
    static const char *const in_the_way[] = {"nowhere", "folder", "fifo"};
    struct gate_config *config = NULL;
    struct gate_error error = {0};

    (void)state;
    assert_int_equal(gate_config_new(&config), 0);
    folder_write("file", SPAN("hunter2\n"));
    assert_int_equal(config_set_tokens_from(config, "file", "the source=", &error), 0);
    assert_int_equal(mkdir("folder", 0700), 0);
    assert_int_equal(mkfifo("fifo", 0600), 0);
    for (size_t i = 0; i < ARRAY_SIZE(in_the_way); i++) {
        assert_int_equal(unlink("file"), 0);
        assert_int_equal(symlink(in_the_way[i], "file"), 0);
        expect_int(in_the_way[i], config_reload_tokens(config, &error), GATE_E_USAGE);
        assert_string_equal(config->settings.policy.tokens[0], "hunter2");
        assert_null(config->settings.policy.tokens[1]);
    }
    gate_config_free(config);
}

/* Standard input, whole and byte by byte. It stays open. */
static void test_stdin(void **state) {
    int before = dup(STDIN_FILENO);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(file_cases); i++) {
        struct gate_config *config = NULL;
        struct gate_error error = {0};
        int ends[2];
        int r;

        assert_int_equal(gate_config_new(&config), 0);
        assert_int_equal(pipe(ends), 0);
        assert_int_equal(write(ends[1], file_cases[i].content.data, file_cases[i].content.size),
                         file_cases[i].content.size);
        assert_int_equal(close(ends[1]), 0);
        assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
        assert_int_equal(close(ends[0]), 0);
        r = config_set_token_from(config, "-", "the source", &error);
        check(file_cases[i].name, config, r, &error, file_cases[i].token);
        expect_true(file_cases[i].name, fcntl(STDIN_FILENO, F_GETFD) >= 0);
        gate_config_free(config);
    }
    if (before >= 0) {
        assert_int_equal(dup2(before, STDIN_FILENO), STDIN_FILENO);
        assert_int_equal(close(before), 0);
    }
}

/* The first line is enough, so a writer need not close the pipe. */
static void test_open_pipe(void **state) {
    struct gate_config *config = NULL;
    struct gate_error error = {0};
    int fd;

    (void)state;
    assert_int_equal(gate_config_new(&config), 0);
    assert_int_equal(mkfifo("fifo", 0600), 0);
    fd = open("fifo", O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "hunter2\n", 8), 8);
    assert_int_equal(config_set_tokens_from(config, "fifo", "the source", &error), 0);
    assert_string_equal(config->settings.policy.tokens[0], "hunter2");
    assert_null(config->settings.token_file); /* there is nothing to read again */
    assert_int_equal(close(fd), 0);
    gate_config_free(config);
}

static void expect_not_read(const char *path, const char *word) {
    struct gate_config *config = NULL;
    struct gate_error error = {0};

    assert_int_equal(gate_config_new(&config), 0);
    expect_int(path, config_set_token_from(config, path, "the source", &error), GATE_E_USAGE);
    expect_int(path, error.code, GATE_E_USAGE);
    expect_true(path, strstr(error.message, "the source") && strstr(error.message, word));
    expect_true(path, !strstr(error.message, "hunter2"));
    expect_true(path, config->settings.policy.tokens[0] == NULL);
    expect_int(path, config_set_token_from(config, path, "the source", NULL), GATE_E_USAGE);
    gate_config_free(config);
}

/* A path that does not exist may be the token itself, given in place of its file. */
static void test_not_read(void **state) {
    (void)state;
    expect_not_read("hunter2", "No such file");
    expect_not_read("hunter2/none", "No such file");
    expect_not_read("", "No such file");
    expect_not_read(".", "names a folder");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_file),      IN_FOLDER(test_stdin),     IN_FOLDER(test_gate),
        IN_FOLDER(test_not_again), IN_FOLDER(test_open_pipe), IN_FOLDER(test_not_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
