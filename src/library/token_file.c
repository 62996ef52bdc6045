/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads one or two tokens from a file or standard input, and notes a file that others may read or change. The
 * configuration changes only if the whole file is valid. No copy of a token may stay outside the configuration. No
 * message may repeat a byte of an invalid token, which may be a token with a typing error.
 */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "access/token.h"
#include "base/argument.h"
#include "base/fd.h"
#include "base/secret.h"
#include "base/token_words.h"
#include "library/config.h"

static_assert(TOKEN_SHORT_BYTES == 16, "a sentence below says this number");

enum {
    SOURCE_MAX_BYTES = 256, /* of an option and a path */
    /* Of a file: its tokens with their newlines, and enough to notice more lines. */
    FILE_MAX_BYTES = TOKEN_COUNT_MAX * (TOKEN_MAX_BYTES + 1) + 64,
    MODE_BITS = 07777,           /* of a mode, without the file's type */
    OWN_EXPOSING_BITS = 0066,    /* to read or write for group and others */
    OTHERS_EXPOSING_BITS = 0026, /* the group may read: that may be how this user reads root's file */
};

/* Whether @path lies in the folder of systemd's credentials, which systemd protects by its own means. */
static bool is_credential(const char *path) {
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    size_t size = folder ? strlen(folder) : 0;

    return size > 0 && strncmp(path, folder, size) == 0 && path[size] == '/' && !strstr(path + size, "/../");
}

/* A file's owner can change its mode, so a third user's file is exposed with any mode. Return: NULL if not exposed. */
static const char *exposure_words(const struct stat *status) {
    const uid_t user = geteuid();

    if (status->st_uid != user && status->st_uid != 0) {
        return "another user owns the file of the token, and may read and change it; chown it to this one, and "
               "chmod 600 it";
    }
    if (status->st_uid == user) {
        return status->st_mode & OWN_EXPOSING_BITS ? "others may read or change the file of the token; chmod 600 it"
                                                   : NULL;
    }
    return status->st_mode & OTHERS_EXPOSING_BITS
               ? "others may read or change the file of the token; let no others do so: chmod g-w,o= it"
               : NULL;
}

/*
 * Notes a file that others may read or change. Standard input, pipes and the like are exempt, since their modes mean
 * nothing. So is a file on a read-only file system, for example a secret mounted into a container: nobody there could
 * change it.
 */
static void note_exposure(struct config_exposure *exposure, const char *path, int fd) {
    struct statvfs file_system;
    struct stat status;
    size_t size = strlen(path);

    *exposure = (struct config_exposure){0};
    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || !exposure_words(&status) || is_credential(path) ||
        (fstatvfs(fd, &file_system) == 0 && file_system.f_flag & ST_RDONLY)) {
        return;
    }
    exposure->words = exposure_words(&status);
    exposure->owner = status.st_uid;
    exposure->mode = status.st_mode & MODE_BITS;
    (void)snprintf(exposure->path, sizeof(exposure->path), "%s%s", size < sizeof(exposure->path) ? "" : "...",
                   size < sizeof(exposure->path) ? path : path + size - (sizeof(exposure->path) - sizeof("...")));
}

static bool has_short_token(const struct gate_config *config) {
    bool is_short = false;

    for (size_t i = 0; i < TOKEN_COUNT_MAX; i++) {
        const char *token = config->settings.policy.tokens[i];

        is_short |= token && strlen(token) < TOKEN_SHORT_BYTES;
    }
    return is_short;
}

void config_warn(const struct gate_config *config, struct log *log) {
    const struct config_exposure *exposure = &config->exposure;
    char mode[8];

    if (has_short_token(config)) {
        log_message(log, LOG_LEVEL_WARNING,
                    "the token is shorter than 16 characters and can be guessed; 'git-gate mint' makes a better one");
    }

    if (exposure->words) {
        (void)snprintf(mode, sizeof(mode), "%04o", exposure->mode);
        log_record(log, LOG_LEVEL_WARNING, exposure->words,
                   LOG_FIELDS(log_string("token_file", exposure->path), log_string("mode", mode),
                              log_number("owner", exposure->owner)));
    }
}

/*
 * The content of a file while it is parsed. @is_regular: @bytes has all of its lines; otherwise only the first line,
 * since a pipe may stay open.
 */
struct content {
    bool is_regular;
    ssize_t size;
    char bytes[FILE_MAX_BYTES + 1];
};

static void content_deinit(struct content *content) {
    explicit_bzero(content, sizeof(*content));
}

/*
 * @wants_file: only a regular file will do, since the bytes of another kind may be gone or late. Return: 0; -EINVAL or
 * -EISDIR if it is not one; -EMSGSIZE if a first line that is read alone is too long; another negative errno.
 */
static int read_content(struct content *content, struct config_exposure *exposure, const char *path, bool wants_file) {
    const bool is_stdin = strcmp(path, "-") == 0;
    const int flags = O_RDONLY | O_CLOEXEC | (wants_file ? O_NONBLOCK | O_NOCTTY : 0);
    _cleanup_fd_ int fd = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) : open(path, flags);
    struct stat status;

    if (fd < 0 || fstat(fd, &status) < 0) {
        return -errno;
    }
    content->is_regular = !is_stdin && S_ISREG(status.st_mode);
    if (wants_file && !content->is_regular) {
        return S_ISDIR(status.st_mode) ? -EISDIR : -EINVAL;
    }
    if (!is_stdin) {
        note_exposure(exposure, path, fd);
    }
    content->size = content->is_regular ? secret_read(content->bytes, FILE_MAX_BYTES, fd)
                                        : secret_read_line(content->bytes, TOKEN_MAX_BYTES + 1, fd);
    return content->size < 0 ? (int)content->size : 0;
}

/* Splits the first line off. Its newline becomes a terminator. */
static struct span take_line(struct span *restp) {
    const char *end = memchr(restp->data, '\n', restp->size);
    struct span line = {restp->data, end ? (size_t)(end - restp->data) : restp->size};
    size_t size = line.size + (end != NULL);

    ((char *)line.data)[line.size] = '\0'; /* content.bytes has room for it after the last line, too */
    *restp = (struct span){restp->data + size, restp->size - size};
    return line;
}

/* @place: "first" or "second". @source: the file, for a message */
static int check_token(struct span token, const char *place, const char *source, struct gate_error *error) {
    if (!token_is_valid(token)) {
        return gate_error_set(error, GATE_E_USAGE,
                              "the %s line of %s is not a token of 1 to 255 printable ASCII characters without space "
                              "and colon; 'git-gate mint' makes one",
                              place, source);
    }
    return token_words_refuse_path(token.data, "a line in the token's file", "--token-file", error);
}

static int set_tokens(struct gate_config *config, struct span first, struct span second, struct gate_error *error) {
    int r = second.size > 0 ? gate_config_set(config, "second-token", second.data, error) : 0;

    r = r ? r : gate_config_set(config, "token", first.data, error);
    if (!r && second.size == 0) {
        config_unset(config, "second-token");
    }
    return r;
}

static int take_tokens(struct gate_config *config, struct content *content, bool first_alone, const char *source,
                       struct gate_error *error) {
    struct span rest = {content->bytes, (size_t)content->size};
    struct span first = take_line(&rest);
    struct span second = {NULL, 0};
    int r = first.size == 0 ? token_words_refuse_empty(source, error) : check_token(first, "first", source, error);

    if (!r && content->is_regular && !first_alone) {
        second = take_line(&rest);
        r = second.size > 0 ? check_token(second, "second", source, error) : 0;
        for (size_t i = 0; i < rest.size && !r; i++) {
            if (rest.data[i] != '\n' || content->size == FILE_MAX_BYTES) {
                r = gate_error_set(
                    error, GATE_E_USAGE,
                    "the third line of %s is not empty; a file has one token, or two on a line each, and "
                    "nothing else",
                    source);
            }
        }
    }
    return r ? r : set_tokens(config, first, second, error);
}

static int refuse_content(const char *path, int cause, const char *option, struct gate_error *error) {
    char name[SOURCE_MAX_BYTES];

    (void)snprintf(name, sizeof(name), "%.*s", argument_name_size(option), option);
    if (cause == EINVAL) {
        return gate_error_set(error, GATE_E_USAGE, "%s names something else than a file now; put a file in its place",
                              name);
    }
    if (cause == EACCES && access(path, R_OK) == 0) { /* access(2) is not denied by Landlock */
        return gate_error_set(error, GATE_E_USAGE,
                              "%s leads to a folder that --confine has kept out of reach since the start; start "
                              "git-gate anew, or put the file where it was",
                              name);
    }
    /* It does not repeat a path that does not exist, which may be the token itself. */
    return token_words_refuse_file(path, cause, name, "git-gate", error);
}

static int set_from(struct gate_config *config, const char *path, const char *option, bool first_alone, bool is_again,
                    bool *is_regularp, struct gate_error *error) {
    _cleanup_(content_deinit) struct content content = {0};
    char source[SOURCE_MAX_BYTES];
    int r = read_content(&content, &config->exposure, path, is_again);

    if (r < 0 && r != -EMSGSIZE) {
        return refuse_content(path, -r, option, error);
    }
    (void)snprintf(source, sizeof(source), "%s%s", option, path);
    *is_regularp = content.is_regular;
    if (r == -EMSGSIZE) {
        return check_token((struct span){NULL, 0}, "first", source, error);
    }
    return take_tokens(config, &content, first_alone, source, error);
}

int config_set_token_from(struct gate_config *config, const char *path, const char *option, struct gate_error *error) {
    bool is_regular;

    return set_from(config, path, option, true, false, &is_regular, error);
}

int config_set_tokens_from(struct gate_config *config, const char *path, const char *option, struct gate_error *error) {
    bool is_regular = false;
    int r = set_from(config, path, option, false, false, &is_regular, error);

    if (!r && is_regular) {
        r = gate_config_set(config, "token-file", path, error);
    } else if (!r) {
        config_unset(config, "token-file");
    }
    if (!r) {
        config->has_read_tokens = true;
        config->token_option = option;
    }
    return r;
}

int config_reload_tokens(struct gate_config *config, struct gate_error *error) {
    bool is_regular;

    return set_from(config, config->settings.token_file, config->token_option, false, true, &is_regular, error);
}
