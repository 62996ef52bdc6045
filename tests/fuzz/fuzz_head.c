/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A request head. The verdict is the same for the whole, byte by byte, and cut in two while the memory moves. An
 * accepted head is read again here, line by line and without the parser, with the same result. The parser finds a body
 * behind it as the head says. A refused head has a reason.
 */

#include "fuzz.h"

#include <sanitizer/asan_interface.h>

#include "base/buffer.h"
#include "http/body.h"
#include "http/head.h"

/* These are not taken from head.c, as they check it. */
static const char *const names[HEAD_FIELD_COUNT] = {
    [HEAD_FIELD_HOST] = "host",
    [HEAD_FIELD_AUTHORIZATION] = "authorization",
    [HEAD_FIELD_CONTENT_LENGTH] = "content-length",
    [HEAD_FIELD_TRANSFER_ENCODING] = "transfer-encoding",
    [HEAD_FIELD_CONTENT_TYPE] = "content-type",
    [HEAD_FIELD_CONTENT_ENCODING] = "content-encoding",
    [HEAD_FIELD_EXPECT] = "expect",
    [HEAD_FIELD_GIT_PROTOCOL] = "git-protocol",
};

static struct span trim(struct span text) {
    while (text.size > 0 && strchr(" \t", text.data[0])) {
        text = fuzz_behind(text, 1);
    }
    while (text.size > 0 && strchr(" \t", text.data[text.size - 1])) {
        text.size--;
    }
    return text;
}

/* Takes the first line, up to its CRLF. It may have no control byte but a tab. */
static struct span take_line(struct span *restp) {
    const char *end = memmem(restp->data, restp->size, "\r\n", 2);
    struct span line;

    require(end);
    line = fuzz_prefix(*restp, (size_t)(end - restp->data));
    for (size_t i = 0; i < line.size; i++) {
        require(((unsigned char)line.data[i] >= ' ' && line.data[i] != 0x7f) || line.data[i] == '\t');
    }
    *restp = fuzz_behind(*restp, line.size + 2);
    return line;
}

static void check_request_line(const struct head *head, struct span line) {
    char *expected = fuzz_allocate(HEAD_MAX_BYTES);
    int size = snprintf(expected, HEAD_MAX_BYTES, "%s %.*s HTTP/1.%u", head->method_name, (int)head->target.size,
                        head->target.data, head->minor);

    require(fuzz_same(line, (struct span){expected, (size_t)size}));
    require(head->target.size > 0 && head->target.size <= HEAD_MAX_TARGET_BYTES && head->minor <= 1);
    require((head->method == HEAD_METHOD_GET) == (strcmp(head->method_name, "GET") == 0));
    require((head->method == HEAD_METHOD_POST) == (strcmp(head->method_name, "POST") == 0));
    free(expected);
}

static bool frames(size_t name) {
    return name == HEAD_FIELD_CONTENT_LENGTH || name == HEAD_FIELD_TRANSFER_ENCODING;
}

/* Whether one of the names between commas is "close". */
static bool says_close(struct span list) {
    bool found = false;

    for (size_t start = 0, at = 0; at <= list.size; at++) {
        if (at == list.size || list.data[at] == ',') {
            found = found || span_equals_nocase(trim((struct span){list.data + start, at - start}), "close");
            start = at + 1;
        }
    }
    return found;
}

/* Return: whether the line is a Connection that says close. */
static bool check_field(const struct head *head, struct span line, bool seen[HEAD_FIELD_COUNT]) {
    const char *colon = memchr(line.data, ':', line.size);
    struct span name;

    require(colon && colon > line.data);
    name = fuzz_prefix(line, (size_t)(colon - line.data));
    for (size_t i = 0; i < name.size; i++) {
        require(name.data[i] > ' ' && name.data[i] < 0x7f && !strchr("\"(),/:;<=>?@[\\]{}", name.data[i]));
    }
    for (size_t i = 0; i < HEAD_FIELD_COUNT; i++) {
        if (span_equals_nocase(name, names[i])) {
            require(!seen[i] && head->field[i].data);
            require(fuzz_same(head->field[i], trim(fuzz_behind(line, name.size + 1))));
            require(!frames(i) ||
                    !memchr(head->field[i].data, '\t', (size_t)(line.data + line.size - head->field[i].data)));
            seen[i] = true;
        }
    }
    return span_equals_nocase(name, "connection") && says_close(fuzz_behind(line, name.size + 1));
}

static void check_framing(const struct head *head) {
    struct span length = head->field[HEAD_FIELD_CONTENT_LENGTH];
    uint64_t number = 0;

    require(!head->chunked || (!length.data && head->minor == 1 && head->content_length == 0));
    require(head->chunked == span_equals_nocase(head->field[HEAD_FIELD_TRANSFER_ENCODING], "chunked"));
    require(head->chunked == (head->field[HEAD_FIELD_TRANSFER_ENCODING].data != NULL));
    require(!length.data || length.size > 0);
    for (size_t i = 0; i < length.size; i++) {
        require(length.data[i] >= '0' && length.data[i] <= '9');
        require(!__builtin_mul_overflow(number, 10U, &number));
        require(!__builtin_add_overflow(number, (uint64_t)(length.data[i] - '0'), &number));
    }
    require(head->content_length == number);
    require(head->method != HEAD_METHOD_GET || !head_has_body(head));
}

static void check_accepted(const struct head *head, struct span bytes) {
    const char *end = memmem(bytes.data, bytes.size, "\r\n\r\n", 4);
    bool seen[HEAD_FIELD_COUNT] = {false};
    bool closes = false;
    size_t n_fields = 0;

    require(end && head->size == (size_t)(end + 4 - bytes.data) && head->size <= HEAD_MAX_BYTES);
    bytes.size = head->size;
    check_request_line(head, take_line(&bytes));
    for (struct span line = take_line(&bytes); line.size > 0; line = take_line(&bytes)) {
        closes = check_field(head, line, seen) || closes;
        n_fields++;
    }
    require(bytes.size == 0 && n_fields <= HEAD_MAX_FIELDS);
    require(seen[HEAD_FIELD_HOST] || head->minor == 0);
    require(head->keep_alive == (head->minor == 1 && !closes));
    for (size_t i = 0; i < HEAD_FIELD_COUNT; i++) {
        require(seen[i] == (head->field[i].data != NULL));
    }
    check_framing(head);
}

/* The parser goes on as the head says: it finds a short body with its framing, or no body. */
static void check_body(const struct head *accepted) {
    static const char chunks[] = "1\r\nx\r\n0\r\n\r\n";
    struct head head = *accepted;
    struct buffer buffer;
    struct body body;

    head.parser.data = &head;
    buffer_init(&buffer, sizeof(chunks));
    require(buffer_append(&buffer, head.chunked ? chunks : "x", head.chunked ? strlen(chunks) : 1) == 0);
    body_init(&body, &head);
    require(body_decode(&body, &buffer) == 0 && body.ready == head_has_body(&head));
    if (body.ready > 0) {
        require(buffer_content(&buffer).data[0] == 'x');
        body_consume(&body, &buffer, 1);
        require(body_decode(&body, &buffer) == 0 && buffer_size(&buffer) == 0);
    }
    require(body.complete == (head.chunked || head.content_length <= 1));
    buffer_deinit(&buffer);
}

static void check_verdict(const struct head *head, int r, struct span bytes) {
    if (r == 0) {
        check_accepted(head, bytes);
        check_body(head);
    } else if (r == HEAD_E_REFUSED) {
        require(head->status == 400 || head->status == 414 || head->status == 431 || head->status == 501 ||
                head->status == 505);
        require(head->reason && *head->reason);
    } else {
        require(r == HEAD_E_MORE && bytes.size < HEAD_MAX_BYTES);
        require(!memmem(bytes.data, bytes.size, "\r\n\r\n", 4));
    }
}

/* Feeds up to each byte in turn. The bytes that have not come are poisoned. */
static int feed_byte_by_byte(struct head *head, char *copy, size_t size) {
    int r = HEAD_E_MORE;

    head_init(head);
    ASAN_POISON_MEMORY_REGION(copy, size);
    for (size_t n = 1; n <= size && r == HEAD_E_MORE; n++) {
        ASAN_UNPOISON_MEMORY_REGION(copy, n);
        r = head_feed(head, copy, n);
    }
    ASAN_UNPOISON_MEMORY_REGION(copy, size);
    return r;
}

static int feed_in_two(struct head *head, struct span bytes, char *copy) {
    size_t cut = fuzz_hash(bytes) % (bytes.size + 1);
    char *part = fuzz_copy(fuzz_prefix(bytes, cut));
    int r;

    head_init(head);
    r = head_feed(head, part, cut);
    free(part);
    if (r == HEAD_E_MORE) {
        return head_feed(head, copy, bytes.size);
    }
    if (r == 0) { /* the spans point into freed memory, and their bytes are in the other one */
        head_init(head);
        r = head_feed(head, copy, cut);
    }
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct span bytes = {(const char *)data, size};
    char *copy = fuzz_copy(bytes);
    struct head whole;
    struct head other;
    int r;

    head_init(&whole);
    r = head_feed(&whole, copy, size);
    check_verdict(&whole, r, (struct span){copy, size});
    for (int way = 0; way < 2; way++) {
        require((way == 0 ? feed_byte_by_byte(&other, copy, size) : feed_in_two(&other, bytes, copy)) == r);
        require(whole.status == other.status && whole.size == other.size); /* two faults may have two reasons */
        check_verdict(&other, r, (struct span){copy, size});
    }
    free(copy);
    return 0;
}
