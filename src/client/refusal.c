/* SPDX-License-Identifier: Apache-2.0 */

/* Owns how a gate's refusals are told apart by a client. It reads bytes, and keeps none. */

#include "client/refusal.h"

#include <stdbool.h>

enum {
    STATUS_ERROR = 400, /* the first of them */
    STATUS_UNAUTHORIZED = 401,
    STATUS_FORBIDDEN = 403,
    STATUS_NOT_FOUND = 404,
    STATUS_DIGITS = 3,
};

static bool says(struct span sentence, const char *words) {
    return sentence.data && memmem(sentence.data, sentence.size, words, strlen(words)) != NULL;
}

enum refusal refusal_of(int status, struct span sentence) {
    switch (status) {
    case STATUS_UNAUTHORIZED:
        return REFUSAL_ANONYMOUS;
    case STATUS_FORBIDDEN:
        return says(sentence, "is not the token")         ? REFUSAL_TOKEN
               : says(sentence, "for another repository") ? REFUSAL_SCOPE
                                                          : REFUSAL_NONE;
    case STATUS_NOT_FOUND:
        return REFUSAL_NO_REPOSITORY;
    default:
        return REFUSAL_NONE;
    }
}

static const char version[] = "HTTP/1.";

enum {
    VERSION_BYTES = sizeof(version) - 1,
    STATUS_AT = VERSION_BYTES + 2, /* behind the minor version and a space */
};

static bool begins_as_http(struct span words) {
    return memcmp(words.data, version, words.size < VERSION_BYTES ? words.size : VERSION_BYTES) == 0;
}

/* Return: 0 when it is not there. */
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

/* What each error of a gate has in its head: reply.c. As much of the head as is there. */
static bool is_of_gate(int status, struct span head) {
    return says(head, "Content-Type: text/plain") &&
           (status != STATUS_UNAUTHORIZED || says(head, "realm=\"git-gate\""));
}

enum refusal refusal_parse(struct span words) {
    static const char behind_head[] = "\r\n\r\n";
    struct span head = words;
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
    return is_of_gate(status, head) ? refusal_of(status, (struct span){end, words.size - head.size}) : REFUSAL_STRANGER;
}
