/* SPDX-License-Identifier: Apache-2.0 */

/* Asks git for settings of its configuration. It must not read the files itself: only git knows which ones count. */

#include "client/remote_config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/fd.h"

enum {
    NOTHING_IS_SET = 1, /* the exit status of git-config(1) */
    CANNOT_RUN = 127,   /* as a shell's */
};

static int take_value(char *value, size_t size, struct span text) {
    if (text.size >= size) {
        return -EMSGSIZE;
    }
    memcpy(value, text.data, text.size);
    value[text.size] = '\0';
    return 0;
}

int remote_config_parse(struct remote_config *config, struct span printed) {
    const char *end;
    int r = 0;

    *config = (struct remote_config){0};
    while (!r && printed.size > 0 && (end = memchr(printed.data, '\0', printed.size))) {
        struct span entry = {printed.data, (size_t)(end - printed.data)};
        const char *newline = memchr(entry.data, '\n', entry.size);
        struct span name = {entry.data, newline ? (size_t)(newline - entry.data) : entry.size};
        struct span value = {newline ? newline + 1 : end, newline ? (size_t)(end - newline - 1) : 0};

        if (span_equals(name, "gate.socket")) {
            r = take_value(config->socket, sizeof(config->socket), value);
        } else if (span_equals(name, "gate.tokenfile")) { /* git prints names in lower case */
            r = take_value(config->token_file, sizeof(config->token_file), value);
        }
        printed = (struct span){end + 1, printed.size - entry.size - 1};
    }
    return r;
}

/* Starts git. @outputp: its output. Return: the child's id, or a negative errno. */
static pid_t ask(int *outputp) {
    int ends[2];
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) < 0) {
        return -errno;
    }
    pid = fork();
    if (pid == 0) {
        (void)dup2(ends[1], STDOUT_FILENO);
        (void)execlp("git", "git", "config", "--null", "--type=path", "--get-regexp", "^gate\\.(socket|tokenfile)$",
                     (char *)NULL);
        _exit(CANNOT_RUN);
    }
    (void)close(ends[1]);
    if (pid < 0) {
        (void)close(ends[0]);
        return -EAGAIN;
    }
    *outputp = ends[0];
    return pid;
}

static int read_all(struct buffer *printed, int output) {
    struct pollfd pollfd = {.fd = output, .events = POLLIN};
    ssize_t n = 1;

    while (n > 0) {
        int r = poll(&pollfd, 1, REMOTE_CONFIG_TIMEOUT_MS);

        if (r <= 0) {
            return r < 0 ? -errno : -ETIMEDOUT;
        }
        n = buffer_read(printed, output);
    }
    return n == -ENOBUFS ? -EMSGSIZE : (int)n;
}

static int judge(int status) {
    return WIFEXITED(status) && WEXITSTATUS(status) <= NOTHING_IS_SET ? 0 : -ENOEXEC;
}

int remote_config_read(struct remote_config *config) {
    _cleanup_(buffer_deinit) struct buffer printed;
    _cleanup_fd_ int output = -1;
    pid_t pid = ask(&output);
    int status = 0;
    int r;

    buffer_init(&printed, REMOTE_CONFIG_MAX_BYTES);
    if (pid < 0) {
        return (int)pid;
    }
    r = read_all(&printed, output);
    if (r) {
        (void)kill(pid, SIGKILL);
    }
    if (waitpid(pid, &status, 0) < 0) {
        return -errno;
    }
    r = r ? r : judge(status);
    return r ? r : remote_config_parse(config, buffer_content(&printed));
}
