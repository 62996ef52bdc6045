/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads a rules file. It reads the bytes once and hands them to git, so nobody can change the file between two
 * readings. git's parser decides about keys and values, and follows no include. The gate's own parser only finds the
 * line of a key, for messages.
 */

#include "backend/rules_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/config_text.h"
#include "backend/process.h"
#include "base/ascii.h"
#include "base/buffer.h"
#include "base/fd.h"
#include "base/memory_file.h"
#include "rules/rules.h"
#include "rules/variables.h"

enum {
    TIMEOUT_MS = 10 * 1000, /* for git, after each byte */
    PATH_SHOWN_MAX = 128,
    COMPLAINT_MAX = 120,
    LISTING_MAX_BYTES = 2 * RULES_TEXT_MAX_BYTES,
};

static int refuse_file(const char *path, const char *why, struct gate_error *error) {
    return gate_error_set(error, GATE_E_USAGE, "--rules=%.*s %s", PATH_SHOWN_MAX, path, why);
}

static int read_file(struct buffer *text, const char *path, struct gate_error *error) {
    _cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t size = 1;

    if (fd < 0) {
        return gate_error_set(error, GATE_E_USAGE, "--rules=%.*s cannot be read: %s", PATH_SHOWN_MAX, path,
                              strerror(errno));
    }
    while (size > 0) {
        size = buffer_read(text, fd);
    }
    return size == -ENOBUFS ? refuse_file(path, "has more than 64 KiB", error)
           : size < 0 ? gate_error_set(error, GATE_E_USAGE, "--rules=%.*s cannot be read: %s", PATH_SHOWN_MAX, path,
                                       strerror((int)-size))
                      : 0;
}

/* ---- git ---- */

static int wait_readable(int fd) {
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    int r = poll(&poller, 1, TIMEOUT_MS);

    return r > 0 ? 0 : r == 0 ? -ETIMEDOUT : -errno;
}

static int read_listing(struct buffer *listing, const struct process *process) {
    ssize_t size;

    do {
        int r = wait_readable(process->output);

        if (r) {
            return r;
        }
        size = buffer_read(listing, process->output);
    } while (size > 0 || size == -EAGAIN);
    return size < 0 ? (int)size : wait_readable(process->pidfd);
}

/*
 * Repeats git's message for a file that it cannot parse, as "bad config line 3 in standard input", without "fatal: ".
 */
static int refuse_syntax(const char *path, int errors, struct gate_error *error) {
    static const char fatal[] = "fatal: ";
    char complaint[COMPLAINT_MAX];
    ssize_t size = read(errors, complaint, sizeof(complaint) - 1);
    const char *words = complaint;

    complaint[size > 0 ? size : 0] = '\0';
    complaint[strcspn(complaint, "\r\n")] = '\0';
    ascii_make_printable(complaint);
    words += strncmp(words, fatal, strlen(fatal)) == 0 ? strlen(fatal) : 0;
    return gate_error_set(error, GATE_E_USAGE, "--rules=%.*s is not in the syntax of git-config: %s", PATH_SHOWN_MAX,
                          path, *words ? words : "git does not say why");
}

static int run_git(struct buffer *listing, const char *path, const char *exec_path, int input,
                   const struct process_limits *limits, struct gate_error *error) {
    static char *const argv[] = {(char *)"git",
                                 (char *)"config",
                                 (char *)"--no-includes",
                                 (char *)"--file",
                                 (char *)"-",
                                 (char *)"--list",
                                 (char *)"-z",
                                 NULL};
    static char *const envp[] = {(char *)"HOME=/nonexistent", (char *)"GIT_CONFIG_NOSYSTEM=1",
                                 (char *)"GIT_CONFIG_GLOBAL=/dev/null", (char *)"LC_ALL=C", NULL};
    char program[PATH_MAX];
    struct process process;
    int status = 0;
    int r;

    (void)snprintf(program, sizeof(program), "%s/git", exec_path);
    r = process_spawn(&process, program, argv, envp, input, limits ? limits : &PROCESS_UNLIMITED);
    if (r) {
        return gate_error_set(error, GATE_E_START, "'%.200s config' cannot be run for --rules: %s: %s", program,
                              process.failed_call, strerror(-r));
    }
    r = read_listing(listing, &process);
    if (r) {
        process_signal(&process, SIGKILL);
    }
    r = process_reap(&process, &status) < 0 && r == 0 ? -ECHILD : r;
    r = r ? gate_error_set(error, GATE_E_START, "'%.200s config' does not answer for --rules: %s", program,
                           strerror(-r))
        : WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0
                                                        : refuse_syntax(path, process.errors, error);
    process_deinit(&process);
    return r;
}

static int ask_git(struct buffer *listing, const char *path, const char *exec_path, struct span text,
                   const struct process_limits *limits, struct gate_error *error) {
    _cleanup_(fd_closep) int input = memory_file_open();
    int r = input < 0 ? input : memory_file_append(input, text);

    r = r ? r : memory_file_finish(input);
    return r < 0 ? gate_error_set(error, GATE_E_INTERNAL, "no memory for --rules: %s", strerror(-r))
                 : run_git(listing, path, exec_path, input, limits, error);
}

/* ---- its answer ---- */

struct reading {
    const char *path;
    struct span text;
    struct rules rules;
    size_t n_variables;
    FILE *out;
};

static int refuse_variable(const struct reading *reading, const char *key, const struct gate_error *cause,
                           struct gate_error *error) {
    const size_t line = config_text_line(reading->text, reading->n_variables, key);

    if (cause->code != GATE_E_USAGE) {
        return gate_error_set(error, GATE_E_INTERNAL, "%s", cause->message);
    }
    return line
               ? gate_error_set(error, GATE_E_USAGE, "--rules=%.*s, line %zu: %s", PATH_SHOWN_MAX, reading->path, line,
                                cause->message)
               : gate_error_set(error, GATE_E_USAGE, "--rules=%.*s: %s", PATH_SHOWN_MAX, reading->path, cause->message);
}

/* @variable: "KEY\nVALUE", or "KEY" for one without a value */
static int take_variable(struct reading *reading, char *variable, struct gate_error *error) {
    char *value = strchr(variable, '\n');
    struct gate_error cause;

    if (value) {
        *value++ = '\0';
    }
    if (rules_add(&reading->rules, variable, value, &cause)) {
        return refuse_variable(reading, variable, &cause, error);
    }
    (void)fprintf(reading->out, "%s\n%s\n", variable, value ? value : "true");
    reading->n_variables++;
    return 0;
}

static int take_listing(struct reading *reading, const struct buffer *listing, struct gate_error *error) {
    struct span content = buffer_content(listing);
    char *copy = malloc(content.size + 1);
    int r = copy ? 0 : gate_error_set(error, GATE_E_INTERNAL, "out of memory");

    if (copy) {
        memcpy(copy, content.size ? content.data : "", content.size);
        copy[content.size] = '\0';
    }
    for (char *at = copy; !r && at < copy + content.size;) {
        char *next = at + strlen(at) + 1; /* before the variable is cut */

        r = take_variable(reading, at, error);
        at = next;
    }
    free(copy);
    return r;
}

static int check_sections(const struct reading *reading, struct gate_error *error) {
    const size_t line = config_text_empty_section(reading->text);

    return line ? gate_error_set(error, GATE_E_USAGE,
                                 "--rules=%.*s, line %zu: a section without a key says nothing; write a key, as create "
                                 "= yes",
                                 PATH_SHOWN_MAX, reading->path, line)
                : 0;
}

static int make_text(char **textp, struct reading *reading, const struct buffer *listing, struct gate_error *error) {
    _cleanup_free_ char *text = NULL;
    size_t size = 0;
    int r;

    reading->out = open_memstream(&text, &size);
    if (!reading->out) {
        return gate_error_set(error, GATE_E_INTERNAL, "out of memory");
    }
    (void)fputs(RULES_VERSION_LINE, reading->out);
    r = take_listing(reading, listing, error);
    r = r ? r : check_sections(reading, error);
    if (fclose(reading->out) != 0 && !r) {
        r = gate_error_set(error, GATE_E_INTERNAL, "out of memory");
    }
    if (!r && size > RULES_TEXT_MAX_BYTES) {
        r = refuse_file(reading->path, "has more than 64 KiB of keys and values", error);
    }
    *textp = r ? NULL : take_pointer(&text);
    return r;
}

int rules_file_read(char **textp, const char *path, const char *exec_path, const struct process_limits *limits,
                    struct gate_error *error) {
    _cleanup_(buffer_deinit) struct buffer file;
    _cleanup_(buffer_deinit) struct buffer listing;
    struct reading reading = {.path = path, .rules = RULES_NONE};
    int r;

    buffer_init(&file, RULES_TEXT_MAX_BYTES);
    buffer_init(&listing, LISTING_MAX_BYTES);
    r = read_file(&file, path, error);
    reading.text = buffer_content(&file);
    r = r ? r : ask_git(&listing, path, exec_path, reading.text, limits, error);
    r = r ? r : make_text(textp, &reading, &listing, error);
    rules_deinit(&reading.rules);
    return r;
}
