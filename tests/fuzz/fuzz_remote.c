/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The input of git-remote-gate: the URL from git, git's print of its configuration, or the first bytes of an answer on
 * the socket. The first byte of the input picks one.
 */

#include "client/refusal.h"
#include "client/remote_config.h"
#include "client/remote_url.h"
#include "fuzz.h"

static bool is_repository(const char *name) {
    return route_repository_is_valid(span_of(name));
}

/* A valid URL begins with the text that its parts make, and the rest decodes to the socket. */
static void try_url(struct span bytes) {
    char *text = fuzz_allocate(bytes.size + 1);
    struct remote_url url;
    char whole[16 + ROUTE_REPOSITORY_MAX_BYTES];
    int r;

    memcpy(text, bytes.data, bytes.size);
    text[bytes.size] = '\0';
    r = remote_url_parse(&url, text);
    require(r >= 0 && r <= REMOTE_URL_E_QUERY);
    if (r == 0) {
        const char *rest;

        require(is_repository(url.repository));
        (void)snprintf(whole, sizeof(whole), "gate:///%s", url.repository);
        require(strncmp(text, whole, strlen(whole)) == 0);
        rest = text + strlen(whole);
        rest += strncmp(rest, ".git", 4) == 0 ? 4 : 0;
        rest += *rest == '/';
        require((*rest == '\0') == (url.socket[0] == '\0'));
        require(*rest == '\0' || (strncmp(rest, "?socket=", 8) == 0 && strlen(url.socket) <= strlen(rest) - 8));
    }
    free(text);
}

/* Further bytes never take back a refusal, or that this is no HTTP. */
static void try_words(struct span bytes) {
    enum refusal told = REFUSAL_NONE;

    for (size_t size = 0; size <= bytes.size; size++) {
        char *copy = fuzz_copy(fuzz_prefix(bytes, size));
        enum refusal refusal = refusal_parse((struct span){copy, size});

        require(told == REFUSAL_NONE ||
                (refusal != REFUSAL_NONE && (refusal == REFUSAL_STRANGER) == (told == REFUSAL_STRANGER)));
        told = refusal;
        free(copy);
    }
}

static void try_config(struct span bytes) {
    char *copy = fuzz_copy(bytes);
    struct remote_config config;
    int r = remote_config_parse(&config, (struct span){copy, bytes.size});

    require(r <= 0);
    require(strlen(config.socket) < sizeof(config.socket) && strlen(config.token_file) < sizeof(config.token_file));
    require(r < 0 || bytes.size > 0 || (!*config.socket && !*config.token_file));
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct span bytes = {(const char *)data + 1, size - 1};

    if (size == 0) {
        return 0;
    }
    switch (data[0] % 3) {
    case 0:
        try_url(bytes);
        break;
    case 1:
        try_words(bytes);
        break;
    default:
        try_config(bytes);
    }
    return 0;
}
