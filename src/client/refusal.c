/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Tells a gate's refusals apart, for clients: by the word in the field Gate-Reason, or without one by the status. It
 * must not look at the sentence for people. It keeps none of the bytes.
 */

#include "client/refusal.h"

#include <stdbool.h>

#include "http/reason.h"

enum {
    STATUS_ERROR = 400, /* the lowest one */
    STATUS_UNAUTHORIZED = 401,
    STATUS_FORBIDDEN = 403,
    STATUS_NOT_FOUND = 404,
    STATUS_TOO_LARGE = 413,
    STATUS_DIGITS = 3,
};

static enum refusal refusal_of_status(int status) {
    switch (status) {
    case STATUS_UNAUTHORIZED:
        return REFUSAL_ANONYMOUS;
    case STATUS_FORBIDDEN:
        return REFUSAL_FORBIDDEN;
    case STATUS_NOT_FOUND:
        return REFUSAL_NO_REPOSITORY;
    case STATUS_TOO_LARGE:
        return REFUSAL_TOO_LARGE;
    default:
        return REFUSAL_NONE;
    }
}

enum refusal refusal_of(int status, struct span word) {
    switch (reason_find(word)) {
    case REASON_NONE:
        return refusal_of_status(status);
    case REASON_NO_CREDENTIALS:
        return REFUSAL_ANONYMOUS;
    case REASON_WRONG_TOKEN:
        return REFUSAL_TOKEN;
    case REASON_WRONG_REPOSITORY:
        return REFUSAL_SCOPE;
    case REASON_NOT_FOUND:
    case REASON_NO_REPOSITORY:
    case REASON_UNREADABLE_REPOSITORY:
    case REASON_REPLACED_REPOSITORY:
        return REFUSAL_NO_REPOSITORY;
    case REASON_TOO_LARGE:
        return REFUSAL_TOO_LARGE;
    default:
        return REFUSAL_NONE;
    }
}

static const char version[] = "HTTP/1.";

enum {
    VERSION_BYTES = sizeof(version) - 1,
    STATUS_AT = VERSION_BYTES + 2, /* after the minor version and a space */
};

static bool begins_as_http(struct span words) {
    return memcmp(words.data, version, words.size < VERSION_BYTES ? words.size : VERSION_BYTES) == 0;
}

/* Return: the status; 0 if it is missing. */
static int parse_status(struct span words) {
    int status = 0;

    if (words.size < STATUS_AT + STATUS_DIGITS) {
        return 0;
    }
    for (size_t i = STATUS_AT; i < STATUS_AT + STATUS_DIGITS; i++) {
        if (words.data[i] < '0' || words.data[i] > '9') {
            return 0;
        }
        status = status * 10 + (words.data[i] - '0');
    }
    return status;
}

static bool says(struct span head, const char *words) {
    return memmem(head.data, head.size, words, strlen(words)) != NULL;
}

/* Return: the text up to the end of the line, without the spaces around it. */
static struct span trim(const char *at, size_t size) {
    const char *end = memchr(at, '\r', size);
    struct span value = {at, end ? (size_t)(end - at) : size};

    while (value.size > 0 && *value.data == ' ') {
        value.data++;
        value.size--;
    }
    while (value.size > 0 && value.data[value.size - 1] == ' ') {
        value.size--;
    }
    return value;
}

/*
 * The value of the field Gate-Reason. @head: from the status line to the last field line, without its line end.
 * Return: data is NULL when there is none.
 */
static struct span find_word(struct span head) {
    const size_t size = strlen(reason_field);

    for (const char *at = memchr(head.data, '\n', head.size); at; at = memchr(at, '\n', head.size)) {
        at++;
        head.size -= (size_t)(at - head.data);
        head.data = at;
        if (head.size > size && at[size] == ':' && span_equals_nocase((struct span){at, size}, reason_field)) {
            return trim(at + size + 1, head.size - size - 1);
        }
    }
    return (struct span){NULL, 0};
}

/* Whether an error has the fields of a gate's: reply.c. An older gate sends no Gate-Reason. */
static bool is_of_gate(int status, struct span head, struct span word) {
    return word.data || (says(head, "Content-Type: text/plain") &&
                         (status != STATUS_UNAUTHORIZED || says(head, "realm=\"git-gate\"")));
}

enum refusal refusal_parse(struct span words) {
    static const char behind_head[] = "\r\n\r\n";
    struct span head = words;
    struct span word;
    const char *end;
    int status;

    if (!words.data || words.size == 0) {
        return REFUSAL_NONE;
    }
    if (!begins_as_http(words)) {
        return REFUSAL_STRANGER;
    }
    status = parse_status(words);
    end = memmem(words.data, words.size, behind_head, strlen(behind_head));
    if (status < STATUS_ERROR || !end) {
        return REFUSAL_NONE;
    }
    head.size = (size_t)(end - words.data);
    word = find_word(head);
    return is_of_gate(status, head, word) ? refusal_of(status, word) : REFUSAL_STRANGER;
}
