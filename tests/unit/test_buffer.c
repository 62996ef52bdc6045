/* SPDX-License-Identifier: Apache-2.0 */

/* The bounded queue of bytes: bytes come out in their order, and only as many go in as there is room for. */

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/buffer.h"

enum action {
    APPEND,
    CONSUME,
    PRINT,
    RELEASE,
};

/* A walk through a buffer of 8 bytes: one step, its result, and the content after it. */
static const struct {
    const char *name;
    enum action action;
    const char *text;
    size_t size;
    int result;
    const char *content;
} steps[] = {
    {"consume nothing from nothing", CONSUME, .size = 0, .content = ""},
    {"append nothing", APPEND, "", .content = ""},
    {"too much at once", APPEND, "123456789", .result = -ENOBUFS, .content = ""},
    {"some", APPEND, "abcde", .content = "abcde"},
    {"too much behind it", APPEND, "1234", .result = -ENOBUFS, .content = "abcde"},
    {"exactly full", APPEND, "fgh", .content = "abcdefgh"},
    {"one more", APPEND, "i", .result = -ENOBUFS, .content = "abcdefgh"},
    {"nothing more", APPEND, "", .content = "abcdefgh"},
    {"print into a full one", PRINT, "", .result = -ENOBUFS, .content = "abcdefgh"},
    {"consume nothing", CONSUME, .size = 0, .content = "abcdefgh"},
    {"consume some", CONSUME, .size = 3, .content = "defgh"},
    {"fill up what was consumed", APPEND, "ijk", .content = "defghijk"},
    {"consume more", CONSUME, .size = 6, .content = "jk"},
    {"print too much", PRINT, "123456789", .result = -ENOBUFS, .content = "jk"},
    {"print one too much for the terminator", PRINT, "123456", .result = -ENOBUFS, .content = "jk"},
    {"print", PRINT, "12345", .content = "jk12345"},
    {"consume all", CONSUME, .size = 7, .content = ""},
    {"print into an empty one", PRINT, "abcdefg", .content = "abcdefg"},
    {"release", RELEASE, .content = ""},
    {"release nothing", RELEASE, .content = ""},
    {"use it again", APPEND, "12345678", .content = "12345678"},
};

static void test_walk(void **state) {
    struct buffer buffer;

    (void)state;
    buffer_init(&buffer, 8);
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        int r = 0;

        switch (steps[i].action) {
        case APPEND:
            r = buffer_append(&buffer, steps[i].text, strlen(steps[i].text));
            break;
        case CONSUME:
            buffer_consume(&buffer, steps[i].size);
            break;
        case PRINT:
            r = buffer_printf(&buffer, "%s", steps[i].text);
            break;
        case RELEASE:
            buffer_release(&buffer);
            expect_true(steps[i].name, buffer.data == NULL);
            break;
        }
        expect_int(steps[i].name, r, steps[i].result);
        expect_span(steps[i].name, buffer_content(&buffer), span_of(steps[i].content));
        expect_int(steps[i].name, buffer_size(&buffer), strlen(steps[i].content));
        expect_int(steps[i].name, buffer_room(&buffer), 8 - strlen(steps[i].content));
    }
    buffer_deinit(&buffer);
    assert_null(buffer.data);
}

/* The first byte brings the memory, and the tail is as long as the room. */
static void test_tail(void **state) {
    struct buffer buffer;
    char *tail;

    (void)state;
    buffer_init(&buffer, 16);
    assert_null(buffer.data);
    assert_non_null(buffer_content(&buffer).data);
    tail = buffer_tail(&buffer);
    assert_non_null(tail);
    memcpy(tail, "0123456789", 10);
    assert_int_equal(buffer_size(&buffer), 0);
    buffer_commit(&buffer, 10);
    expect_span("committed", buffer_content(&buffer), SPAN("0123456789"));
    buffer_consume(&buffer, 4);
    tail = buffer_tail(&buffer);
    expect_span("moved to the front", buffer_content(&buffer), SPAN("456789"));
    assert_int_equal(buffer_room(&buffer), 10);
    memset(tail, 'x', buffer_room(&buffer));
    buffer_commit(&buffer, 3);
    expect_span("part of the tail", buffer_content(&buffer), SPAN("456789xxx"));
    buffer_truncate(&buffer, 4);
    expect_span("truncated", buffer_content(&buffer), SPAN("4567"));
    buffer_commit(&buffer, 5);
    buffer_commit(&buffer, 7);
    assert_int_equal(buffer_room(&buffer), 0);
    buffer_deinit(&buffer);
}

/* Compares queues of various capacities with plain memory. */
static void test_order(void **state) {
    (void)state;
    for (size_t capacity = 1; capacity < 20; capacity++) {
        struct buffer buffer;
        unsigned char next_in = 0;
        unsigned char next_out = 0;
        unsigned random = (unsigned)capacity;

        buffer_init(&buffer, capacity);
        for (size_t i = 0; i < 2000; i++) {
            size_t size = (random = random * 1103515245u + 12345u) >> 16 & 0xf;

            if (i % 2 == 0) {
                char bytes[16];

                for (size_t j = 0; j < size; j++) {
                    bytes[j] = (char)(next_in + j);
                }
                if (buffer_append(&buffer, bytes, size) == 0) {
                    next_in = (unsigned char)(next_in + size);
                }
            } else {
                size = size < buffer_size(&buffer) ? size : buffer_size(&buffer);
                for (size_t j = 0; j < size; j++) {
                    assert_int_equal((unsigned char)buffer_content(&buffer).data[j], next_out);
                    next_out++;
                }
                buffer_consume(&buffer, size);
            }
            assert_int_equal(buffer_size(&buffer), (unsigned char)(next_in - next_out));
        }
        buffer_deinit(&buffer);
    }
}

static void test_read(void **state) {
    struct buffer buffer;
    int pipe_fds[2];

    (void)state;
    assert_int_equal(pipe2(pipe_fds, O_NONBLOCK), 0);
    buffer_init(&buffer, 6);
    assert_int_equal(buffer_read(&buffer, pipe_fds[0]), -EAGAIN);
    assert_int_equal(write(pipe_fds[1], "hello, world", 12), 12);
    assert_int_equal(buffer_read(&buffer, pipe_fds[0]), 6);
    expect_span("as much as fits", buffer_content(&buffer), SPAN("hello,"));
    assert_int_equal(buffer_read(&buffer, pipe_fds[0]), -ENOBUFS);
    buffer_consume(&buffer, 2);
    assert_int_equal(buffer_read(&buffer, pipe_fds[0]), 2);
    expect_span("behind what was left", buffer_content(&buffer), SPAN("llo, w"));
    buffer_consume(&buffer, 6);
    assert_int_equal(buffer_read(&buffer, pipe_fds[0]), 4);
    expect_span("the rest", buffer_content(&buffer), SPAN("orld"));
    assert_int_equal(close(pipe_fds[1]), 0);
    assert_int_equal(buffer_read(&buffer, pipe_fds[0]), 0);
    expect_span("end of file adds nothing", buffer_content(&buffer), SPAN("orld"));
    assert_int_equal(close(pipe_fds[0]), 0);
    assert_int_equal(buffer_read(&buffer, -1), -EBADF);
    buffer_deinit(&buffer);
}

static void test_texts(void **state) {
    struct buffer buffer;

    (void)state;
    buffer_init(&buffer, 6);
    assert_int_equal(buffer_append_all(&buffer, "ab", "", "cd"), 0);
    expect_span("all", buffer_content(&buffer), SPAN("abcd"));
    assert_int_equal(buffer_append_all(&buffer, "e", "fg"), -ENOBUFS);
    expect_span("nothing of what does not fit", buffer_content(&buffer), SPAN("abcd"));
    assert_int_equal(buffer_append_all(&buffer, "e", "f"), 0);
    expect_span("to the last byte", buffer_content(&buffer), SPAN("abcdef"));
    buffer_deinit(&buffer);
}

/* The next buffer gets the memory that a buffer returns. Of two returned pieces, the second is freed. */
static void test_pool(void **state) {
    struct buffer_pool pool = {.capacity = 100};
    struct buffer first;
    struct buffer second;
    const char *memory;

    (void)state;
    buffer_init_pooled(&first, &pool);
    buffer_init_pooled(&second, &pool);
    expect_int("capacity", first.capacity, 100);
    expect_true("nothing is taken before it is needed", !pool.spare && !first.data);
    assert_int_equal(buffer_append(&first, "one", 3), 0);
    assert_int_equal(buffer_append(&second, "two", 3), 0);
    memory = first.data;
    expect_true("each has its own", memory != second.data);
    buffer_release(&first);
    expect_true("it is spare", pool.spare == memory && !first.data);
    buffer_release(&second);
    expect_true("there is one spare alone", pool.spare == memory);
    assert_int_equal(buffer_append(&second, "three", 5), 0);
    expect_true("it is taken", second.data == memory && !pool.spare);
    expect_span("what was in it is not", buffer_content(&second), SPAN("three"));
    buffer_deinit(&first);
    buffer_deinit(&second);
    expect_true("it is spare again", pool.spare == memory);
    buffer_pool_empty(&pool);
    expect_true("it is gone", !pool.spare);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walk), cmocka_unit_test(test_tail),  cmocka_unit_test(test_order),
        cmocka_unit_test(test_read), cmocka_unit_test(test_texts), cmocka_unit_test(test_pool),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
