/* SPDX-License-Identifier: Apache-2.0 */

/* The head of a CGI response: whole, cut at every position, with either line end, and malformed. */

#include "unit.h"

#include <stdio.h>

#include "backend/cgi.h"

/* Good heads, written here with LF. The test also tries CRLF. */
static const struct {
    const char *name;
    const char *head;
    int status;
    const char *fields; /* passed on: one "NAME: VALUE\n" after the other */
} good_cases[] = {
    {"one field", "Content-Type: text/plain\n\n", 200, "Content-Type: text/plain\n"},
    {"what git sends for refs",
     "Expires: Fri, 01 Jan 1980 00:00:00 GMT\nPragma: no-cache\nCache-Control: no-cache, max-age=0, must-revalidate\n"
     "Content-Type: application/x-git-upload-pack-advertisement\n\n",
     200,
     "Expires: Fri, 01 Jan 1980 00:00:00 GMT\nPragma: no-cache\nCache-Control: no-cache, max-age=0, must-revalidate\n"
     "Content-Type: application/x-git-upload-pack-advertisement\n"},
    {"what git sends for a refusal", "Status: 403 Forbidden\nPragma: no-cache\n\n", 403, "Pragma: no-cache\n"},
    {"status alone", "Status: 404 Not Found\n\n", 404, ""},
    {"status behind other fields", "Content-Type: a/b\nStatus: 500 Oops\n\n", 500, "Content-Type: a/b\n"},
    {"all that is passed on", "Content-Type: 1\nExpires: 2\nPragma: 3\nCache-Control: 4\nLast-Modified: 5\n\n", 200,
     "Content-Type: 1\nExpires: 2\nPragma: 3\nCache-Control: 4\nLast-Modified: 5\n"},
    {"names in another case", "content-type: a\nEXPIRES: b\nStAtUs: 201\n\n", 201, "content-type: a\nEXPIRES: b\n"},
    {"framing and the connection",
     "Content-Length: 5\nTransfer-Encoding: chunked\nConnection: close\nKeep-Alive: 1\nUpgrade: x\nTrailer: x\n\n", 200,
     ""},
    {"other fields", "Location: /x\nSet-Cookie: a=b\nWWW-Authenticate: Basic\nServer: git\nDate: now\nX-A: b\n\n", 200,
     ""},
    {"a name that only begins like one", "Content-Typ: a\nContent-Types: b\nExpire: c\n\n", 200, ""},
    {"no space behind the colon", "Content-Type:a/b\n\n", 200, "Content-Type: a/b\n"},
    {"spaces and tabs behind the colon", "Content-Type: \t  a/b\n\n", 200, "Content-Type: a/b\n"},
    {"empty value", "Content-Type:\nPragma: \n\n", 200, "Content-Type: \nPragma: \n"},
    {"colons in a value", "Expires: 10:20:30\n\n", 200, "Expires: 10:20:30\n"},
    {"spaces and tabs in a value", "Expires: a b\tc\n\n", 200, "Expires: a b\tc\n"},
    {"more fields than there is room for",
     "Pragma: 1\nPragma: 2\nPragma: 3\nPragma: 4\nPragma: 5\nPragma: 6\nPragma: 7\nPragma: 8\nPragma: 9\n\n", 200,
     "Pragma: 1\nPragma: 2\nPragma: 3\nPragma: 4\nPragma: 5\nPragma: 6\nPragma: 7\nPragma: 8\n"},
    {"status without a reason", "Status: 204\n\n", 204, ""},
    {"status with an empty reason", "Status: 204 \n\n", 204, ""},
    {"status without a space", "Status:404 Not Found\n\n", 404, ""},
    {"lowest status", "Status: 200 OK\n\n", 200, ""},
    {"highest status", "Status: 599 Oops\n\n", 599, ""},
};

static void check_good(const char *name, const struct cgi *cgi, const char *copy, size_t size, size_t i) {
    char fields[1024] = "";

    expect_int(name, cgi->size, size);
    expect_int(name, cgi->status, good_cases[i].status);
    expect_true(name, cgi->n_fields <= CGI_MAX_FIELDS);
    for (size_t j = 0; j < cgi->n_fields; j++) {
        struct span field_name = cgi->field[j].name;
        struct span value = cgi->field[j].value;
        size_t used = strlen(fields);

        expect_true(name, field_name.data >= copy && value.data + value.size <= copy + size);
        (void)snprintf(fields + used, sizeof(fields) - used, "%.*s: %.*s\n", (int)field_name.size, field_name.data,
                       (int)value.size, value.data);
    }
    expect_span(name, span_of(fields), span_of(good_cases[i].fields));
}

/* Feeds every beginning of @head, followed by @tail. */
static void try_good(const char *head, const char *tail, size_t tail_size, size_t i) {
    const char *name = good_cases[i].name;
    size_t head_size = strlen(head);
    char output[1024];

    memcpy(output, head, head_size);
    memcpy(output + head_size, tail, tail_size);
    for (size_t size = 0; size <= head_size + tail_size; size++) {
        char *copy = unit_copy(output, size);
        struct cgi cgi;

        expect_int(name, cgi_parse(&cgi, (struct span){copy, size}), size < head_size ? CGI_E_MORE : 0);
        if (size >= head_size) {
            check_good(name, &cgi, copy, head_size, i);
        }
        free(copy);
    }
}

static void test_good(void **state) {
    static const char tail[] = "\0\x01\r\n\r\nStatus: 500\n\n\xff";

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(good_cases); i++) {
        char crlf[1024];
        size_t size = 0;

        for (const char *at = good_cases[i].head; *at; at++) {
            if (*at == '\n') {
                crlf[size++] = '\r';
            }
            crlf[size++] = *at;
        }
        crlf[size] = '\0';
        try_good(good_cases[i].head, tail, sizeof(tail) - 1, i);
        try_good(crlf, tail, sizeof(tail) - 1, i);
    }
}

static const struct {
    const char *name;
    struct span output;
} nonsense_cases[] = {
    {"no fields", BYTES("\n")},
    {"no fields, CRLF", BYTES("\r\n")},
    {"no fields and a body", BYTES("\nContent-Type: a\n\n")},
    {"no colon", BYTES("Content-Type\n\n")},
    {"no name", BYTES(": value\n\n")},
    {"an HTTP status line", BYTES("HTTP/1.1 200 OK\nContent-Type: a\n\n")},
    {"words of a program that died", BYTES("fatal: not a git repository\x1b[0m\n\n")},
    {"a sentence", BYTES("Segmentation fault: x\n\n")},
    {"an object", BYTES("PACK\0\0\0\2\n\n")},
    {"space before the colon", BYTES("Content-Type : a\n\n")},
    {"tab before the colon", BYTES("Content-Type\t: a\n\n")},
    {"space before the name", BYTES(" Content-Type: a\n\n")},
    {"folded line", BYTES("Content-Type: a\n b\n\n")},
    {"line folded with a tab", BYTES("Content-Type: a\n\tb: c\n\n")},
    {"bad line behind good ones", BYTES("Content-Type: a\nPragma: b\nnonsense\n\n")},
    {"a line of CR", BYTES("Content-Type: a\n\r\r\n\n")},
    {"CR in a value", BYTES("Content-Type: a\rb\n\n")},
    {"CR twice at the end", BYTES("Content-Type: a\r\r\n\n")},
    {"CR before a forged field", BYTES("Content-Type: a\rSet-Cookie: b\r\n\r\n")},
    {"CR in a name", BYTES("Content\r-Type: a\n\n")},
    {"NUL in a value", BYTES("Content-Type: a\0b\n\n")},
    {"NUL in a name", BYTES("Content\0-Type: a\n\n")},
    {"NUL in a field that is not passed on", BYTES("X-Other: a\0\n\n")},
    {"a byte over 127 in a value", BYTES("Content-Type: \xc3\xa4\n\n")},
    {"a byte over 127 in a name", BYTES("Content\xa4Type: a\n\n")},
    {"empty status", BYTES("Status:\n\n")},
    {"status of a space", BYTES("Status: \n\n")},
    {"status of one digit", BYTES("Status: 2\n\n")},
    {"status of two digits", BYTES("Status: 20\n\n")},
    {"status of two digits and a reason", BYTES("Status: 20 OK\n\n")},
    {"status of four digits", BYTES("Status: 2000\n\n")},
    {"status with a zero before it", BYTES("Status: 0200\n\n")},
    {"status and letters", BYTES("Status: 200OK\n\n")},
    {"status with a sign", BYTES("Status: +20\n\n")},
    {"negative status", BYTES("Status: -200\n\n")},
    {"status in hex", BYTES("Status: 0xc\n\n")},
    {"status of letters", BYTES("Status: two\n\n")},
    {"status with a letter for a digit", BYTES("Status: 2O0 OK\n\n")},
    {"status in words", BYTES("Status: OK 200\n\n")},
    {"informational status", BYTES("Status: 100 Continue\n\n")},
    {"another protocol", BYTES("Status: 101 Switching Protocols\n\n")},
    {"highest informational status", BYTES("Status: 199\n\n")},
    {"status beyond 599", BYTES("Status: 600\n\n")},
    {"status 999", BYTES("Status: 999\n\n")},
    {"status 000", BYTES("Status: 000\n\n")},
    {"bad status behind good fields", BYTES("Content-Type: a\nStatus: x\n\n")},
};

/* Further bytes never mend a malformed beginning, and no beginning is a whole head. */
static void test_nonsense(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(nonsense_cases); i++) {
        struct span output = nonsense_cases[i].output;
        int before = CGI_E_MORE;

        for (size_t size = 0; size <= output.size; size++) {
            char *copy = unit_copy(output.data, size);
            struct cgi cgi;
            int r = cgi_parse(&cgi, (struct span){copy, size});

            expect_true(nonsense_cases[i].name, r == before || (r == CGI_E_NONSENSE && before == CGI_E_MORE));
            before = r;
            free(copy);
        }
        expect_int(nonsense_cases[i].name, before, CGI_E_NONSENSE);
    }
}

/* Every byte within a value, and the bytes that a name must not have. */
static void test_bytes(void **state) {
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        char value[] = "Pragma: a?b\n\n";
        char word[] = "Pra?gma: ab\n\n";
        char name[32];
        struct cgi cgi;
        bool is_good = byte == '\t' || (byte >= ' ' && byte < 0x7f);

        (void)snprintf(name, sizeof(name), "byte 0x%02x", (unsigned)byte);
        *strchr(value, '?') = (char)byte;
        expect_int(name, cgi_parse(&cgi, (struct span){value, sizeof(value) - 1}), is_good ? 0 : CGI_E_NONSENSE);
        if (is_good) {
            expect_int(name, cgi.n_fields, 1);
            expect_span(name, cgi.field[0].value, (struct span){value + 8, 3});
        }
        if (byte <= ' ' || byte >= 0x7f) {
            *strchr(word, '?') = (char)byte;
            expect_int(name, cgi_parse(&cgi, (struct span){word, sizeof(word) - 1}), CGI_E_NONSENSE);
        }
    }
}

/* @name: of the case; @head_size: of the head, its end included; @size: of the bytes of it and of a body */
static const struct {
    const char *name;
    size_t head_size;
    size_t size;
    int result;
} size_cases[] = {
    {"one byte below the bound, whole", CGI_HEAD_MAX_BYTES - 1, CGI_HEAD_MAX_BYTES - 1, 0},
    {"at the bound, one byte missing", CGI_HEAD_MAX_BYTES, CGI_HEAD_MAX_BYTES - 1, CGI_E_MORE},
    {"at the bound, whole", CGI_HEAD_MAX_BYTES, CGI_HEAD_MAX_BYTES, 0},
    {"at the bound, with a body", CGI_HEAD_MAX_BYTES, CGI_HEAD_MAX_BYTES * 4, 0},
    {"beyond the bound, cut below it", CGI_HEAD_MAX_BYTES + 1, CGI_HEAD_MAX_BYTES - 1, CGI_E_MORE},
    {"beyond the bound, cut at it", CGI_HEAD_MAX_BYTES + 1, CGI_HEAD_MAX_BYTES, CGI_E_NONSENSE},
    {"beyond the bound, whole", CGI_HEAD_MAX_BYTES + 1, CGI_HEAD_MAX_BYTES + 1, CGI_E_NONSENSE},
    {"beyond the bound, with a body", CGI_HEAD_MAX_BYTES + 1, CGI_HEAD_MAX_BYTES * 4, CGI_E_NONSENSE},
    {"far beyond the bound", CGI_HEAD_MAX_BYTES * 3, CGI_HEAD_MAX_BYTES * 4, CGI_E_NONSENSE},
};

static void test_size(void **state) {
    static const char begin[] = "Pragma: ";

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(size_cases); i++) {
        char *output = malloc(CGI_HEAD_MAX_BYTES * 4);
        size_t head_size = size_cases[i].head_size;
        struct cgi cgi;
        char *copy;

        assert_non_null(output);
        memset(output, 'x', CGI_HEAD_MAX_BYTES * 4);
        memcpy(output, begin, sizeof(begin) - 1);
        memcpy(output + head_size - 2, "\n\n", 2);
        copy = unit_copy(output, size_cases[i].size);
        expect_int(size_cases[i].name, cgi_parse(&cgi, (struct span){copy, size_cases[i].size}), size_cases[i].result);
        if (size_cases[i].result == 0) {
            expect_int(size_cases[i].name, cgi.size, head_size);
            expect_int(size_cases[i].name, cgi.field[0].value.size, head_size - sizeof(begin) - 1);
        }
        free(copy);
        free(output);
    }
}

/* A backend that has written nothing yet, in a buffer without memory. */
static void test_nothing(void **state) {
    struct cgi cgi;

    (void)state;
    assert_int_equal(cgi_parse(&cgi, (struct span){NULL, 0}), CGI_E_MORE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good), cmocka_unit_test(test_nonsense), cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_size), cmocka_unit_test(test_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
