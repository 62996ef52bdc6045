/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads the token from a file or standard input, and notes a file that others may read or change. No message repeats a
 * byte of an invalid token: it may be a token with a typing error. No copy of the token stays outside the
 * configuration.
 */

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

enum {
    SOURCE_MAX_BYTES = 256,      /* of an option and a path */
    MODE_BITS = 07777,           /* of a mode, without the file's type */
    OWN_EXPOSING_BITS = 0066,    /* to read or write for group and others */
    OTHERS_EXPOSING_BITS = 0026, /* not to read for the group, which may be how this user reads another's file */
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

void config_warn(const struct gate_config *config, struct log *log) {
    const struct config_exposure *exposure = &config->exposure;
    char mode[8];

    if (exposure->words) {
        (void)snprintf(mode, sizeof(mode), "%04o", exposure->mode);
        log_record(log, LOG_LEVEL_WARNING, exposure->words,
                   LOG_FIELDS(log_string("token_file", exposure->path), log_string("mode", mode),
                              log_number("owner", exposure->owner)));
    }
}

/* Return: the size of the first line, 0 to sizeof(token) - 1, -EMSGSIZE when it is longer, an errno. */
static ssize_t read_token(char token[TOKEN_MAX_BYTES + 1], struct config_exposure *exposure, const char *path) {
    bool is_stdin = strcmp(path, "-") == 0;
    _cleanup_fd_ int fd = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) : open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return -errno;
    }
    if (!is_stdin) {
        note_exposure(exposure, path, fd);
    }
    return secret_read_line(token, TOKEN_MAX_BYTES + 1, fd);
}

/* @source: where the token is, for a message. */
static int take_token(struct gate_config *config, const char *token, size_t size, const char *source,
                      struct gate_error *error) {
    int r;

    if (size == 0) {
        return token_words_refuse_empty(source, error);
    }
    if (!token_is_valid((struct span){token, size})) {
        return gate_error_set(error, GATE_E_USAGE,
                              "the first line of %s is not a token of 1 to 255 printable ASCII characters without "
                              "space and colon; 'git-gate mint' makes one",
                              source);
    }
    r = token_words_refuse_path(token, "what is in the token's file", "--token-file", error);
    return r ? r : gate_config_set(config, "token", token, error);
}

int config_set_token_from(struct gate_config *config, const char *path, const char *option, struct gate_error *error) {
    char source[SOURCE_MAX_BYTES];
    char token[TOKEN_MAX_BYTES + 1]; /* with its newline, and then a terminator */
    ssize_t size = read_token(token, &config->exposure, path);
    int r;

    if (size < 0 && size != -EMSGSIZE) { /* what is no file may be the token itself, which is not repeated */
        (void)snprintf(source, sizeof(source), "%.*s", argument_name_size(option), option);
        return token_words_refuse_file(path, (int)-size, source, "git-gate", error);
    }
    (void)snprintf(source, sizeof(source), "%s%s", option, path);
    token[size < 0 ? 0 : size] = '\0';
    r = take_token(config, token, size < 0 ? sizeof(token) : (size_t)size, source, error);
    explicit_bzero(token, sizeof(token));
    return r;
}
