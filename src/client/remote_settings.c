/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Finds the socket, the token and the time-outs. Of several places, the one nearest to the command wins. The token is
 * read into memory and must not be shown.
 */

#include "client/remote_settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/loopback.h"
#include "base/secret.h"
#include "base/token_words.h"
#include "client/dial.h"
#include "client/patience.h"
#include "client/remote_config.h"
#include "client/vsock.h"

enum {
    WHERE_MAX_BYTES = 64,
};

static const char *variable(const char *name) {
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

/* ---- the socket ---- */

static int take_socket(struct remote_settings *settings, const char *path, const char *source,
                       struct gate_error *error) {
    if (loopback_is_address(path) && !vsock_is_address(path)) {
        return gate_error_set(error, GATE_E_USAGE,
                              "%s takes the path of a gate's socket, and '%s' is an address; a gate that listens there "
                              "is cloned from by http://x:TOKEN@%s/NAME.git",
                              source, path, path);
    }
    path = dial_path(path);
    if (strlen(path) >= sizeof(settings->socket)) {
        return gate_error_set(error, GATE_E_USAGE,
                              "the path in %s is longer than %zu bytes, the most that a socket's path can have", source,
                              sizeof(settings->socket) - 1);
    }
    (void)snprintf(settings->socket, sizeof(settings->socket), "%s", path);
    return 0;
}

/* Reads the variable as git does: any word that is not in the list is false. */
static bool is_from_user(void) {
    static const char *const yes[] = {"1", "true", "yes", "on"};
    const char *value = getenv("GIT_PROTOCOL_FROM_USER");

    for (size_t i = 0; value && i < sizeof(yes) / sizeof(yes[0]); i++) {
        if (strcasecmp(value, yes[i]) == 0) {
            return true;
        }
    }
    return !value;
}

static int find_socket(struct remote_settings *settings, const struct remote_url *url,
                       const struct remote_config *config, struct gate_error *error) {
    const char *path = variable("GIT_GATE_SOCKET");

    if (*url->socket && !is_from_user()) {
        return gate_error_set(error, GATE_E_USAGE,
                              "the URL of a submodule may not name a socket, since your token would be sent there: "
                              "take ?socket= out of it, and set GIT_GATE_SOCKET");
    }
    if (*url->socket) {
        return take_socket(settings, url->socket, "the URL", error);
    }
    if (path) {
        return take_socket(settings, path, "GIT_GATE_SOCKET", error);
    }
    return *config->socket ? take_socket(settings, config->socket, "gate.socket", error)
                           : take_socket(settings, dial_default_socket, "the default", error);
}

/* ---- the token ---- */

/* @where: its name in a sentence. @source: the setting to change when the token is wrong. */
static int take_token(struct remote_settings *settings, struct span token, const char *where, const char *source,
                      struct gate_error *error) {
    if (!token_is_valid(token)) {
        return gate_error_set(error, GATE_E_USAGE,
                              "the text in %s is not a token of 1 to 255 printable ASCII characters without space and "
                              "colon; get it from whoever started the gate",
                              where);
    }
    memcpy(settings->token, token.data, token.size);
    settings->token[token.size] = '\0';
    settings->token_source = source;
    return token_words_refuse_path(settings->token, where, "GIT_GATE_TOKEN_FILE or gate.tokenFile", error);
}

/*
 * Return: the size of the first line; -EMSGSIZE when too long; -EINVAL for anything but a regular file; another errno.
 */
static ssize_t read_token_file(char line[TOKEN_MAX_BYTES + 1], const char *path) {
    _cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat status;

    if (fd < 0 || fstat(fd, &status) < 0) {
        return -errno;
    }
    if (S_ISDIR(status.st_mode)) {
        return -EISDIR;
    }
    return S_ISREG(status.st_mode) ? secret_read_line(line, TOKEN_MAX_BYTES + 1, fd) : -EINVAL;
}

static int take_token_file(struct remote_settings *settings, const char *path, const char *source,
                           struct gate_error *error) {
    char line[TOKEN_MAX_BYTES + 1];
    char where[WHERE_MAX_BYTES];
    ssize_t size = read_token_file(line, path);
    int r;

    (void)snprintf(where, sizeof(where), "the file of %s", source); /* its path may be a misplaced token */
    if (size == -EINVAL) {
        return gate_error_set(
            error, GATE_E_USAGE,
            "%s names something else than a file, from which a read could wait for ever; name a file with "
            "the token on its first line",
            source);
    }
    if (size == 0) {
        return token_words_refuse_empty(where, error);
    }
    if (size < 0 && size != -EMSGSIZE) {
        return token_words_refuse_file(path, (int)-size, source, "git", error);
    }
    r = take_token(settings, (struct span){line, size < 0 ? 0 : (size_t)size}, where, source, error);
    explicit_bzero(line, sizeof(line));
    return r;
}

static int find_token(struct remote_settings *settings, const struct remote_config *config, struct gate_error *error) {
    const char *token = variable("GIT_GATE_TOKEN");
    const char *file = variable("GIT_GATE_TOKEN_FILE");

    if (token) {
        return take_token(settings, span_of(token), "GIT_GATE_TOKEN", "GIT_GATE_TOKEN", error);
    }
    if (file) {
        return take_token_file(settings, file, "GIT_GATE_TOKEN_FILE", error);
    }
    if (*config->token_file) {
        return take_token_file(settings, config->token_file, "gate.tokenFile", error);
    }
    return gate_error_set(
        error, GATE_E_USAGE,
        "there is no token: set GIT_GATE_TOKEN, GIT_GATE_TOKEN_FILE, or gate.tokenFile by git config");
}

/* ---- both ---- */

static int find_timeout(struct remote_settings *settings, struct gate_error *error) {
    const char *text = variable("GIT_GATE_TIMEOUT");
    unsigned long seconds = REMOTE_TIMEOUT_S;

    if (text) {
        seconds = strspn(text, "0123456789") == strlen(text) ? strtoul(text, NULL, 10) : 0;
    }
    if (seconds == 0 || seconds > REMOTE_TIMEOUT_MAX_S) {
        return gate_error_set(error, GATE_E_USAGE, "GIT_GATE_TIMEOUT is a whole number of seconds, from 1 to %d",
                              REMOTE_TIMEOUT_MAX_S);
    }
    settings->timeout_ms = (int64_t)seconds * 1000;
    return 0;
}

/* Asking git takes a process, so it is asked only for a setting that is still missing. */
static int read_config(struct remote_config *config, const struct remote_url *url, struct gate_error *error) {
    bool has_socket = *url->socket || variable("GIT_GATE_SOCKET");
    bool has_token = variable("GIT_GATE_TOKEN") || variable("GIT_GATE_TOKEN_FILE");
    int r = has_socket && has_token ? 0 : remote_config_read(config);

    if (r == -ENOEXEC) {
        return gate_error_set(
            error, GATE_E_USAGE,
            "git does not say what gate.socket and gate.tokenFile are: mend its configuration, or set "
            "GIT_GATE_SOCKET and GIT_GATE_TOKEN_FILE");
    }
    return r ? gate_error_set(error, r == -EMSGSIZE ? GATE_E_USAGE : GATE_E_INTERNAL,
                              "git does not say what gate.socket and gate.tokenFile are: %s; set GIT_GATE_SOCKET and "
                              "GIT_GATE_TOKEN_FILE, or mend git's configuration",
                              strerror(-r))
             : 0;
}

int remote_settings_find(struct remote_settings *settings, const struct remote_url *url, struct gate_error *error) {
    struct remote_config config = {0};
    int r;

    *settings = (struct remote_settings){0};
    r = read_config(&config, url, error);
    r = r ? r : find_socket(settings, url, &config, error);
    r = r ? r : find_token(settings, &config, error);
    r = r ? r : find_timeout(settings, error);
    return r ? r : patience_find(&settings->wait_ms, error);
}

void remote_settings_deinit(struct remote_settings *settings) {
    explicit_bzero(settings->token, sizeof(settings->token));
}
