/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads a client's input as strictly as possible, and compares it with the child's orders. An answer is whole or can be
 * told from a whole one. Clients without the token get nothing of the child's.
 */

#include "gate_answers.h"

#include "fuzz.h"
#include "http/reason.h"

enum {
    STATUS_CONTINUE = 100,
    STATUS_OK = 200,
};

/* The contents of a head. @has_length: @length is that of the body */
struct answer {
    int status;
    bool closes;
    bool is_chunked;
    bool has_length;
    bool has_allow;
    bool has_authenticate;
    bool has_retry_after;
    enum reason reason;
    size_t length;
};

/* The unread rest of the input. */
struct reader {
    const struct client *client;
    struct span rest;
};

static struct span take(struct span *restp, size_t size) {
    struct span taken = fuzz_prefix(*restp, size);

    *restp = fuzz_behind(*restp, taken.size);
    return taken;
}

/* Takes a line without its end. Even a cut line must be printable. Return: whether the line is whole */
static bool take_line(struct span *restp, struct span *linep) {
    const char *end = restp->size > 0 ? memmem(restp->data, restp->size, "\r\n", 2) : NULL;
    size_t size = end ? (size_t)(end - restp->data) : restp->size;

    for (size_t i = 0; i < size; i++) {
        bool is_end = !end && i + 1 == size && restp->data[i] == '\r';

        require(is_end || (restp->data[i] >= ' ' && restp->data[i] <= '~'));
    }
    *linep = take(restp, size);
    (void)take(restp, end ? 2 : 0);
    return end;
}

static bool begins(struct span text, const char *word) {
    return fuzz_same(fuzz_prefix(text, strlen(word)), span_of(word));
}

static size_t number_of(struct span text, int base) {
    char digits[32];
    char *end;
    size_t number;

    require(text.size > 0 && text.size < sizeof(digits) && text.data[0] != '-' && text.data[0] != ' ');
    memcpy(digits, text.data, text.size);
    digits[text.size] = '\0';
    number = strtoul(digits, &end, base);
    require(*end == '\0');
    return number;
}

static void take_field(struct answer *answer, struct span line) {
    static const char length[] = "Content-Length: ";
    static const char word[] = "Gate-Reason: ";

    require(memchr(line.data, ':', line.size));
    require(!begins(line, "Set-Cookie"));
    if (begins(line, length)) {
        require(!answer->has_length);
        answer->has_length = true;
        answer->length = number_of(fuzz_behind(line, strlen(length)), 10);
    } else if (begins(line, "Transfer-Encoding:")) {
        require(!answer->is_chunked && fuzz_same(line, span_of("Transfer-Encoding: chunked")));
        answer->is_chunked = true;
    } else if (begins(line, "Connection:")) {
        require(!answer->closes && fuzz_same(line, span_of("Connection: close")));
        answer->closes = true;
    }
    answer->has_allow |= begins(line, "Allow: ");
    answer->has_authenticate |= begins(line, "WWW-Authenticate: Basic ");
    answer->has_retry_after |= begins(line, "Retry-After: ");
    if (begins(line, word)) {
        require(answer->reason == REASON_NONE);
        answer->reason = reason_find(fuzz_behind(line, strlen(word)));
        require(answer->reason != REASON_NONE);
    }
}

static void check_status(const struct answer *answer) {
    static const int statuses[] = {100, 200, 400, 401, 403, 404, 405, 408, 413, 414,
                                   415, 417, 431, 500, 501, 502, 503, 504, 505};
    bool is_known = false;

    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        is_known |= answer->status == statuses[i];
    }
    require(is_known);
    require(answer->has_allow == (answer->status == 405) && answer->has_authenticate == (answer->status == 401));
    require(answer->has_retry_after == (answer->status == 503));
    require(reason_status(answer->reason) == (answer->status >= 400 ? answer->status : 0));
    require(!answer->has_length || !answer->is_chunked);
    require(answer->has_length == (answer->status != STATUS_OK && answer->status != STATUS_CONTINUE));
}

/* Return: whether there is a whole head. */
static bool take_head(struct reader *reader, struct answer *answer) {
    static const char version[] = "HTTP/1.1 ";
    struct span line;

    *answer = (struct answer){0};
    if (!take_line(&reader->rest, &line)) {
        require(fuzz_same(fuzz_prefix(line, strlen(version)), fuzz_prefix(span_of(version), line.size)));
        return false;
    }
    require(begins(line, version) && line.size > strlen(version) + 4 && line.data[strlen(version) + 3] == ' ');
    answer->status = (int)number_of(fuzz_prefix(fuzz_behind(line, strlen(version)), 3), 10);
    while (take_line(&reader->rest, &line)) {
        if (line.size == 0) {
            check_status(answer);
            return true;
        }
        take_field(answer, line);
    }
    return false;
}

/* ---- bodies ---- */

/* A line of the gate's own, which may be missing in the answer to HEAD. Return: whether it is whole */
static bool take_sentence(struct reader *reader, const struct answer *answer, const struct client_request *request) {
    struct span body;

    if ((!request || request->is_head) && (reader->rest.size == 0 || begins(reader->rest, "HTTP/1.1 "))) {
        return true;
    }
    body = take(&reader->rest, answer->length);
    for (size_t i = 0; i < body.size; i++) {
        require(i + 1 == answer->length ? body.data[i] == '\n' : body.data[i] >= ' ' && body.data[i] <= '~');
    }
    return body.size == answer->length;
}

/* Copies a body without its framing. Return: whether it is whole by its framing */
static bool take_chunks(struct reader *reader, struct span *bodyp) {
    char *body = fuzz_allocate(reader->rest.size);
    size_t n_body = 0;
    struct span line;

    *bodyp = (struct span){body, 0};
    while (take_line(&reader->rest, &line)) {
        size_t size = number_of(line, 16);
        struct span chunk = take(&reader->rest, size);
        struct span end = take(&reader->rest, chunk.size == size ? 2 : 0);

        memcpy(body + n_body, chunk.data, chunk.size);
        n_body += chunk.size;
        bodyp->size = n_body;
        require(fuzz_same(end, fuzz_prefix(span_of("\r\n"), end.size)));
        if (end.size < 2) {
            return false;
        }
        if (size == 0) {
            return true;
        }
    }
    return false;
}

/* The body ends with the connection. */
static bool take_all(struct reader *reader, struct span *bodyp) {
    struct span all = take(&reader->rest, SIZE_MAX);

    *bodyp = (struct span){fuzz_copy(all), all.size};
    /* A Unix socket has no reset, so nobody can tell. */
    return reader->client->end == CLIENT_ENDED && reader->client->is_tcp;
}

static bool is_of_capabilities(struct span body) {
    return fuzz_same(body, fuzz_prefix(span_of(deed_capabilities), body.size));
}

static bool is_of_deed(struct span body, const struct deed *deed) {
    for (size_t i = 0; i < body.size; i++) {
        if (body.data[i] != deed_byte(deed, i)) {
            return false;
        }
    }
    return true;
}

static void check_body(struct span body, bool is_whole, const struct client_request *request) {
    const struct deed *deed = &request->deed;

    if (!request->has_deed) {
        require(is_of_capabilities(body) && (!is_whole || body.size == strlen(deed_capabilities)));
        return;
    }
    require(deed_has_good_head(deed));
    require(is_of_deed(body, deed));
    require(deed->is_endless || body.size <= deed->n_given);
    require(!is_whole || (deed_may_be_whole(deed, request->is_post) && body.size == deed->n_given));
}

static bool has_sent_token(const struct client *client) {
    return client->n_sent > 0 && memmem(client->out, client->n_sent, CLIENT_TOKEN_BASE64, strlen(CLIENT_TOKEN_BASE64));
}

/* Return: whether it is whole by its framing, and another answer may follow */
static bool take_output(struct reader *reader, const struct answer *answer, const struct client_request *request) {
    struct span body;
    bool is_whole;

    require(has_sent_token(reader->client));
    require(!request || (request->may_be_served && request->is_old == !answer->is_chunked));
    is_whole = answer->is_chunked ? take_chunks(reader, &body) : take_all(reader, &body);
    if (request) {
        check_body(body, is_whole, request);
    }
    free((char *)body.data);
    return is_whole && answer->is_chunked;
}

/* Return: whether another one may follow. */
static bool take_answer(struct reader *reader, size_t *n_answersp) {
    const struct client *client = reader->client;
    const struct client_request *request = NULL;
    struct answer answer;
    bool is_whole;

    if (!take_head(reader, &answer)) {
        return false;
    }
    if (!client->is_tainted) {
        require(*n_answersp < client->n_requests);
        request = &client->requests[*n_answersp];
        require(answer.status != STATUS_CONTINUE || (request->expects_continue && !request->is_old));
        require(answer.status != 400 || !request->may_be_served || client->has_shut);
    }
    if (answer.status == STATUS_CONTINUE) {
        return true;
    }
    (*n_answersp)++;
    is_whole =
        answer.status == STATUS_OK ? take_output(reader, &answer, request) : take_sentence(reader, &answer, request);
    require(!is_whole || !answer.closes || reader->rest.size == 0);
    return is_whole && !answer.closes;
}

void gate_answers_check(const struct client *client) {
    struct reader reader = {client, {client->in, client->n_in}};
    size_t n_answers = 0;

    while (reader.rest.size > 0 && take_answer(&reader, &n_answers)) {
    }
    require(reader.rest.size == 0);
}

void client_expect_whole(const struct client *client) {
    struct reader reader = {client, {client->in, client->n_in}};
    struct answer answer;

    require(take_head(&reader, &answer) && answer.status == STATUS_OK);
    require(take_output(&reader, &answer, &client->requests[0]) && reader.rest.size == 0);
}
