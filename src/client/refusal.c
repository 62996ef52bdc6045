/* SPDX-License-Identifier: Apache-2.0 */

/* Owns how a gate's refusals are told apart by a client. It reads bytes, and keeps none. */

#include "client/refusal.h"

#include <stdbool.h>

enum {
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

enum refusal refusal_parse(struct span words) {
    static const char behind_head[] = "\r\n\r\n";
    struct span sentence = {NULL, 0};

    if (words.size == 0) {
        return REFUSAL_NONE;
    }
    if (!begins_as_http(words)) {
        return REFUSAL_NOT_HTTP;
    }
    sentence.data = memmem(words.data, words.size, behind_head, strlen(behind_head));
    if (sentence.data) {
        sentence.size = words.size - (size_t)(sentence.data - words.data);
    }
    return refusal_of(parse_status(words), sentence);
}
