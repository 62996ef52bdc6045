/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Words the errors about misplaced tokens, for every program that reads a token. No message may show a token, even one
 * that was given in place of something else.
 */

#include "base/token_words.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/denial.h"

static bool is_path(const char *text) {
    const char *last = strrchr(text, '/');
    char folder[PATH_MAX];
    struct stat status;

    if (text[0] != '/' || last == text || (size_t)(last - text) >= sizeof(folder)) {
        return false;
    }
    (void)snprintf(folder, sizeof(folder), "%.*s", (int)(last - text), text);
    return stat(folder, &status) == 0 && S_ISDIR(status.st_mode);
}

int token_words_refuse_path(const char *text, const char *source, const char *option, struct gate_error *error) {
    return is_path(text) ? gate_error_set(error, GATE_E_USAGE,
                                          "%s is the path of a file, and not a token; name the file that holds the "
                                          "token by %s",
                                          source, option)
                         : 0;
}

int token_words_refuse_file(const char *path, int cause, const char *source, const char *program,
                            struct gate_error *error) {
    struct denial denial;
    struct stat status;
    bool is_there = stat(path, &status) == 0;

    if (cause == EISDIR) {
        return gate_error_set(error, GATE_E_USAGE,
                              "%s names a folder, which cannot be read as a file; name the file in it that holds the "
                              "token",
                              source);
    }
    if (cause == EACCES && (path[0] == '/' || is_there)) {
        denial_find(&denial, path, program);
        return gate_error_set(error, GATE_E_USAGE,
                              "%s names a file that cannot be read: permission denied: %s; %s, or let this user read "
                              "it",
                              source, denial.facts, denial.remedy);
    }
    return gate_error_set(
        error, GATE_E_USAGE, "%s names a file that cannot be read: %s; the token is on its first line%s", source,
        strerror(cause), is_there || path[0] == '/' ? "" : "; a token itself goes into GIT_GATE_TOKEN");
}

int token_words_refuse_empty(const char *source, struct gate_error *error) {
    return gate_error_set(
        error, GATE_E_USAGE,
        "the first line of %s is empty; put the token of the gate there; for a new gate, 'git-gate mint' prints one",
        source);
}
