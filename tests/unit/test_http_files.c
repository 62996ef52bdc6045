/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The requests in tests/data/http, from bytes to a verdict and through their bodies, without a process: whole, byte by
 * byte, and cut once at each position. The answers must not depend on the cut.
 */

#include "unit.h"

#include <stdio.h>

#include "access/verdict.h"
#include "base/buffer.h"
#include "http/content.h"

#ifndef HTTP_FILES
#error "tests/unit/meson.build says where the files are"
#endif

enum {
    MAX_FETCH_BYTES = 32 * 1024 * 1024, /* the default of --max-negotiation-bytes; a push has no limit */
    SMALL_FILE_BYTES = 1024,            /* files up to this size are cut at each position */
    CUTS_OF_LARGE_FILE = 7,
    MAX_FILE_BYTES = 64 * 1024,
    MAX_FILES = 2000,
};

static char scope[] = "repo";
static char *const scopes[] = {scope, NULL};
static const struct verdict_policy policy = {.tokens = {"gate-0123456789abcdef0123456789abcdef"}, .scopes = scopes};

/* A line of an INDEX, with its file. */
struct file {
    int status;
    char reason[32];
    char layer[16];
    char after[16];
    char name[128];
    struct span bytes;
};

static struct file files[MAX_FILES];
static size_t n_files;

/* ---- one connection, as far as it gets without a process ---- */

enum walk_state {
    WALK_HEAD,
    WALK_BODY,
    WALK_CLOSED,
};

/**
 * struct walk - a connection
 * @n_answers: requests that were answered so far
 * @status, @code, @layer, @closes: of the last answer, with the words of an INDEX
 * @end: bytes that had been read for it
 */
struct walk {
    enum walk_state state;
    struct buffer input;
    size_t n_fed;
    struct head head;
    struct verdict verdict;
    struct content content;

    size_t n_answers;
    int status;
    enum reason code;
    const char *layer;
    bool closes;
    size_t end;
};

static void walk_init(struct walk *walk, size_t capacity) {
    *walk = (struct walk){.state = WALK_HEAD};
    buffer_init(&walk->input, capacity);
    head_init(&walk->head);
}

static void walk_leave_body(struct walk *walk) {
    if (walk->state == WALK_BODY) {
        content_deinit(&walk->content);
    }
}

static void walk_deinit(struct walk *walk) {
    walk_leave_body(walk);
    buffer_deinit(&walk->input);
}

static void walk_answer(struct walk *walk, enum reason code, const char *layer, bool closes) {
    walk_leave_body(walk);
    walk->n_answers++;
    walk->status = code == REASON_NONE ? 200 : reason_status(code);
    walk->code = code;
    walk->layer = layer;
    walk->closes = closes;
    walk->end = walk->n_fed - buffer_size(&walk->input);
    walk->state = closes ? WALK_CLOSED : WALK_HEAD;
    head_init(&walk->head);
}

static void walk_judge(struct walk *walk, const char *name) {
    struct head *head = &walk->head;
    bool has_body = head_has_body(head);
    uint64_t max_bytes;

    verdict_reach(&walk->verdict, &policy, head);
    buffer_consume(&walk->input, head->size);
    if (walk->verdict.status) {
        expect_true(name, walk->verdict.reason && *walk->verdict.reason);
        expect_int(name, walk->verdict.status == 405, walk->verdict.allow != NULL);
        walk_answer(walk, walk->verdict.code, "access", has_body || !head->keep_alive);
        return;
    }
    max_bytes = walk->verdict.route->pushes ? 0 : MAX_FETCH_BYTES;
    if (max_bytes > 0 && head->content_length > max_bytes) {
        walk_answer(walk, REASON_TOO_LARGE, "body", true);
        return;
    }
    expect_int(name, content_init(&walk->content, head, walk->verdict.gzip, max_bytes), 0);
    walk->state = WALK_BODY;
}

/* Each step returns whether there may be more to do. */
static bool walk_head(struct walk *walk, const char *name) {
    struct span bytes = buffer_content(&walk->input);

    if (bytes.size == 0) {
        return false;
    }
    switch (head_feed(&walk->head, bytes.data, bytes.size)) {
    case 0:
        walk_judge(walk, name);
        return true;
    case HEAD_E_REFUSED:
        expect_true(name, walk->head.reason && *walk->head.reason);
        walk_answer(walk, reason_of_head(walk->head.status), "head", true);
        return false;
    default:
        return false;
    }
}

static bool walk_body(struct walk *walk, const char *name) {
    size_t n_before = buffer_size(&walk->input);
    int r = content_decode(&walk->content, &walk->input);
    size_t n_ready;

    if (r) {
        expect_true(name, r == CONTENT_E_TOO_LARGE || (walk->content.reason && *walk->content.reason));
        walk_answer(walk, r == CONTENT_E_TOO_LARGE ? REASON_TOO_LARGE : REASON_BAD_BODY, "body", true);
        return false;
    }
    n_ready = content_ready(&walk->content, &walk->input).size;
    content_consume(&walk->content, &walk->input, n_ready);
    if (content_is_consumed(&walk->content)) {
        walk_answer(walk, REASON_NONE, "-", !walk->head.keep_alive);
        return true;
    }
    return n_ready > 0 || buffer_size(&walk->input) < n_before;
}

static void walk_feed(struct walk *walk, const char *name, struct span bytes) {
    bool moved = true;

    expect_int(name, buffer_append(&walk->input, bytes.data, bytes.size), 0);
    walk->n_fed += bytes.size;
    while (moved && walk->state != WALK_CLOSED) {
        moved = walk->state == WALK_HEAD ? walk_head(walk, name) : walk_body(walk, name);
    }
}

/* ---- the files ---- */

static FILE *open_file(const char *folder, const char *name) {
    char path[sizeof(HTTP_FILES) + 200];
    FILE *stream;

    (void)snprintf(path, sizeof(path), "%s/%s/%s", HTTP_FILES, folder, name);
    stream = fopen(path, "re");
    expect_true(path, stream);
    return stream;
}

static struct span read_file(const char *folder, const char *name) {
    static char data[MAX_FILE_BYTES];
    FILE *stream = open_file(folder, name);
    size_t size = fread(data, 1, sizeof(data), stream);

    expect_true(name, feof(stream) && size > 0);
    expect_int(name, fclose(stream), 0);
    return (struct span){unit_copy(data, size), size};
}

static void read_index(const char *folder) {
    FILE *stream = open_file(folder, "INDEX");
    char line[512];

    while (fgets(line, sizeof(line), stream)) {
        struct file *file = &files[n_files];

        if (*line == '#' || *line == '\n') {
            continue;
        }
        expect_true(line, n_files < MAX_FILES);
        expect_int(
            line,
            sscanf(line, "%d %31s %15s %15s %127s", &file->status, file->reason, file->layer, file->after, file->name),
            5);
        file->bytes = read_file(folder, file->name);
        n_files++;
    }
    expect_int(folder, fclose(stream), 0);
}

static int read_files(void **state) {
    (void)state;
    read_index("accept");
    read_index("refuse");
    return 0;
}

static int free_files(void **state) {
    (void)state;
    while (n_files > 0) {
        free((char *)files[--n_files].bytes.data);
    }
    return 0;
}

/* ---- the tests ---- */

static void check_last_answer(const struct file *file, const char *name, const struct walk *walk) {
    expect_true(name, walk->n_answers > 0);
    expect_int(name, walk->status, file->status);
    expect_text(name, walk->code == REASON_NONE ? "-" : reason_word(walk->code), file->reason);
    expect_text(name, walk->layer, file->layer);
    expect_text(name, walk->closes ? "closes" : "stays", file->after);
    expect_int(name, walk->state, walk->closes ? WALK_CLOSED : WALK_HEAD);
    expect_true(name, walk->closes || buffer_size(&walk->input) == 0);
}

/* Return: the number of answers, and in @endp the bytes that they took. */
static size_t check_whole(const struct file *file, size_t *endp) {
    struct walk walk;

    walk_init(&walk, file->bytes.size); /* not a byte more, so that a read beyond them shows */
    walk_feed(&walk, file->name, file->bytes);
    check_last_answer(file, file->name, &walk);
    walk_deinit(&walk);
    *endp = walk.end;
    return walk.n_answers;
}

static void test_whole(void **state) {
    size_t end;

    (void)state;
    expect_true("INDEX", n_files > 0);
    for (size_t i = 0; i < n_files; i++) {
        (void)check_whole(&files[i], &end);
    }
}

static void test_byte_by_byte(void **state) {
    (void)state;
    for (size_t i = 0; i < n_files; i++) {
        const struct file *file = &files[i];
        struct walk walk;

        walk_init(&walk, file->bytes.size);
        for (size_t at = 0; at < file->bytes.size; at++) {
            walk_feed(&walk, file->name, (struct span){file->bytes.data + at, 1});
        }
        check_last_answer(file, file->name, &walk);
        walk_deinit(&walk);
    }
}

/*
 * The first part of a good request is neither refused nor complete. A bad request may be refused at once, or only when
 * the rest of it comes.
 */
static void check_cut(const struct file *file, size_t n_answers, size_t end, size_t cut) {
    struct walk walk;
    char name[sizeof(file->name) + 32];

    (void)snprintf(name, sizeof(name), "%s, cut at %zu", file->name, cut);
    walk_init(&walk, file->bytes.size);
    walk_feed(&walk, name, (struct span){file->bytes.data, cut});
    if (file->status == 200 && cut < end) {
        expect_true(name, walk.state != WALK_CLOSED);
        expect_true(name, walk.n_answers < n_answers);
    }
    expect_true(name, walk.n_answers <= n_answers);
    walk_feed(&walk, name, (struct span){file->bytes.data + cut, file->bytes.size - cut});
    check_last_answer(file, name, &walk);
    expect_int(name, walk.n_answers, n_answers);
    walk_deinit(&walk);
}

static void test_cut(void **state) {
    (void)state;
    for (size_t i = 0; i < n_files; i++) {
        const struct file *file = &files[i];
        size_t size = file->bytes.size;
        size_t step = size > SMALL_FILE_BYTES ? size / CUTS_OF_LARGE_FILE : 1;
        size_t end;
        size_t n_answers = check_whole(file, &end);

        for (size_t cut = 0; cut < size; cut += step) {
            check_cut(file, n_answers, end, cut);
        }
        check_cut(file, n_answers, end, size - 1);
    }
}

/*
 * The gate reports a fault at the end of its line. It does not wait for the empty line, as a client without an answer
 * may send nothing more.
 */
static bool is_faulty_in_a_line(const struct file *file) {
    static const char *const others[] = {
        "host-none",                   /* the empty line is the fault */
        "smuggle-behind-refused-head", /* the same */
        "limit-head-16385",            /* the empty line is part of the fault */
        "pipelined-",                  /* the fault is in another request than the first */
    };

    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        if (strncmp(file->name, others[i], strlen(others[i])) == 0) {
            return false;
        }
    }
    return strcmp(file->layer, "head") == 0;
}

static void test_without_empty_line(void **state) {
    size_t n_checked = 0;

    (void)state;
    for (size_t i = 0; i < n_files; i++) {
        const struct file *file = &files[i];
        const char *end = memmem(file->bytes.data, file->bytes.size, "\r\n\r\n", 4);
        struct walk walk;

        if (!is_faulty_in_a_line(file) || !end) {
            continue;
        }
        walk_init(&walk, file->bytes.size);
        walk_feed(&walk, file->name, (struct span){file->bytes.data, (size_t)(end - file->bytes.data) + 2});
        check_last_answer(file, file->name, &walk);
        walk_deinit(&walk);
        n_checked++;
    }
    expect_true("there are such files", n_checked > 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_byte_by_byte),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_without_empty_line),
    };

    return cmocka_run_group_tests(tests, read_files, free_files);
}
