/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Makes the temporary folder of git-gate demo, and runs git and one gate there. All of it ends with demo_site_end(),
 * which is called after a signal, too. If this process is killed, the kernel ends its children, and only the folder is
 * left. The user's configuration must be neither read nor changed.
 */

#include "cli/demo_site.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "cli/demo_environ.h"

enum {
    LINE_MAX_BYTES = 8192, /* above a record of the gate's log */
    WORDS_MAX = 16,
    SILENCE_MS = 60 * 1000, /* of a program that is at work */
    STOP_MS = 10 * 1000,    /* of a gate, more than its drain time-out */
    REMOVE_FDS = 16,
};

/* ---- begin and end ---- */

static int block_signals(void) {
    sigset_t signals;

    (void)signal(SIGPIPE, SIG_IGN); /* the folder must be removed even if nobody reads standard output */
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGHUP);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
    return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Return: the absolute path of @name and, before it, @option, on the heap; NULL when out of memory */
static char *path_in(const struct demo_site *site, const char *option, const char *name) {
    char *path = NULL;

    return asprintf(&path, "%s%s/%s", option, site->folder, name) < 0 ? NULL : path;
}

static int make_folder(struct demo_site *site, struct gate_error *error) {
    const char *parent = getenv("TMPDIR");
    _cleanup_free_ char *path = realpath(parent && *parent ? parent : "/tmp", NULL);
    char *folder = NULL;

    if (!path || asprintf(&folder, "%s/git-gate-demo.XXXXXX", path) < 0 || !mkdtemp(folder)) {
        int cause = errno;

        free(folder);
        return gate_error_set(error, GATE_E_START, "cannot make a temporary folder: %s; TMPDIR may name another place",
                              strerror(cause));
    }
    site->folder = folder;
    return 0;
}

int demo_site_begin(struct demo_site *site, struct gate_error *error) {
    int r;

    *site = (struct demo_site){.gate = PROCESS_NONE};
    buffer_init(&site->log, LINE_MAX_BYTES);
    site->signal_fd = block_signals();
    site->environment = demo_environ_new();
    if (site->signal_fd < 0 || !site->environment) {
        return gate_error_set(error, GATE_E_INTERNAL, "cannot begin: %s", strerror(errno));
    }
    r = git_find(&site->git, "git", error);
    if (!r && asprintf(&site->git_program, "%s/git", site->git.exec_path) < 0) {
        site->git_program = NULL;
        r = gate_error_set(error, GATE_E_INTERNAL, "out of memory");
    }
    return r ? r : make_folder(site, error);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place) {
    (void)status;
    (void)type;
    (void)place;
    return remove(path) < 0 ? errno : 0;
}

/* Ends the gate by SIGTERM, or by SIGKILL if that does not help. Its children end with it. */
static void stop_gate(struct process *gate) {
    struct pollfd end = {.fd = gate->pidfd, .events = POLLIN};
    int status;

    if (gate->pid == 0) {
        return;
    }
    process_signal(gate, SIGTERM);
    if (poll(&end, 1, STOP_MS) != 1) {
        process_signal(gate, SIGKILL);
        (void)poll(&end, 1, -1);
    }
    (void)process_reap(gate, &status);
    process_deinit(gate);
}

int demo_site_end(struct demo_site *site, struct gate_error *error) {
    int r = 0;

    stop_gate(&site->gate);
    if (site->folder) {
        r = nftw(site->folder, remove_one, REMOVE_FDS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    }
    if (r) {
        r = gate_error_set(error, GATE_E_INTERNAL, "cannot remove '%.200s': %s", site->folder,
                           strerror(r < 0 ? errno : r));
    }
    buffer_deinit(&site->log);
    git_deinit(&site->git);
    free(site->git_program);
    free((void *)site->environment);
    free(site->folder);
    site->signal_fd = fd_close(site->signal_fd);
    return r;
}

/* ---- lines ---- */

/* Takes the first line out of @text, without its line end. A cut line counts if the buffer is full or @is_last. */
static bool take_line(struct buffer *text, bool is_last, char line[LINE_MAX_BYTES + 1]) {
    const struct span content = buffer_content(text);
    const char *end = memchr(content.data, '\n', content.size);
    const size_t size = end ? (size_t)(end - content.data) : content.size;

    if (!end && !(content.size > 0 && (is_last || buffer_room(text) == 0))) {
        return false;
    }
    memcpy(line, content.data, size);
    line[size] = '\0';
    buffer_consume(text, size + (end ? 1 : 0));
    return true;
}

/* git appends spaces to the lines of a remote side. */
static void print_line(const char *line) {
    size_t size = strlen(line);

    while (size > 0 && line[size - 1] == ' ') {
        size--;
    }
    printf("    %.*s\n", (int)size, line);
    (void)fflush(stdout);
}

static void print_lines(struct buffer *text, bool is_last) {
    char line[LINE_MAX_BYTES + 1];

    while (take_line(text, is_last, line)) {
        print_line(line);
    }
}

/* Waits until @fd or @other_fd has bytes or has ended, or for a signal. A descriptor of -1 is ignored. */
static int await(const struct demo_site *site, int fd, int other_fd, int timeout_ms, struct gate_error *error) {
    struct pollfd polled[] = {
        {.fd = site->signal_fd, .events = POLLIN},
        {.fd = fd, .events = POLLIN},
        {.fd = other_fd, .events = POLLIN},
    };
    int n;

    do {
        n = poll(polled, sizeof(polled) / sizeof(polled[0]), timeout_ms);
    } while (n < 0 && errno == EINTR); /* after SIGSTOP */
    if (n < 0) {
        return gate_error_set(error, GATE_E_INTERNAL, "cannot wait: %s", strerror(errno));
    }
    if (n == 0) {
        return gate_error_set(error, GATE_E_INTERNAL, "nothing has happened for %d s", timeout_ms / 1000);
    }
    return polled[0].revents ? DEMO_SIGNALLED : 0;
}

/* Reads the bytes that are there, and closes the descriptor at its end. Return: whether more may come. */
static bool read_more(struct buffer *text, int *fdp) {
    ssize_t size = *fdp < 0 ? 0 : buffer_read(text, *fdp);

    if (size <= 0 && size != -EAGAIN && size != -ENOBUFS) {
        *fdp = fd_close(*fdp);
    }
    return *fdp >= 0;
}

/* ---- git ---- */

/* Prints all output of @process, until it has closed both pipes and has ended. */
static int print_output(struct demo_site *site, struct process *process, struct gate_error *error) {
    _cleanup_(buffer_deinit) struct buffer output;
    _cleanup_(buffer_deinit) struct buffer errors;
    int r = 0;

    buffer_init(&output, LINE_MAX_BYTES);
    buffer_init(&errors, LINE_MAX_BYTES);
    while (r == 0 && (process->output >= 0 || process->errors >= 0)) {
        r = await(site, process->output, process->errors, SILENCE_MS, error);
        print_lines(&errors, !read_more(&errors, &process->errors));
        print_lines(&output, !read_more(&output, &process->output));
    }
    return r ? r : await(site, process->pidfd, -1, SILENCE_MS, error);
}

static int spawn_git(const struct demo_site *site, struct process *process, const char *folder,
                     const char *const words[], int input, struct gate_error *error) {
    _cleanup_free_ char *path = path_in(site, "", folder);
    char *argv[WORDS_MAX] = {(char *)"git", (char *)"-C", path}; /* execve(2) changes none of them */
    int r = path ? 0 : -ENOMEM;

    for (size_t i = 0; words[i] && i + 4 < WORDS_MAX; i++) {
        argv[i + 3] = (char *)words[i];
    }
    r = r ? r : process_spawn(process, site->git_program, argv, site->environment, input, &PROCESS_UNLIMITED);
    return r ? gate_error_set(error, GATE_E_START, "git cannot be run: %s", strerror(-r)) : 0;
}

int demo_site_git(struct demo_site *site, const char *folder, const char *const words[], const char *input, bool takes,
                  struct gate_error *error) {
    _cleanup_fd_ int input_fd = -1;
    _cleanup_free_ char *path = input ? path_in(site, "", input) : NULL;
    struct process process = PROCESS_NONE;
    int status = 0;
    int r = 0;

    if (input) {
        input_fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        if (input_fd < 0) {
            return gate_error_set(error, GATE_E_INTERNAL, "cannot read '%s'", input);
        }
    }
    r = spawn_git(site, &process, folder, words, input ? input_fd : PROCESS_INPUT_NONE, error);
    if (r) {
        return r;
    }
    r = print_output(site, &process, error);
    if (r) {
        process_signal(&process, SIGTERM);
        process_await_end(&process, STOP_MS);
    }
    (void)process_reap(&process, &status);
    process_deinit(&process);
    if (!r && (status == 0) != takes) {
        r = gate_error_set(error, GATE_E_INTERNAL, "'git %s' has %s, against all expectation", words[0],
                           takes ? "failed" : "not been refused");
    }
    return r;
}

int demo_site_write(const struct demo_site *site, const char *name, const char *text, struct gate_error *error) {
    _cleanup_free_ char *path = path_in(site, "", name);
    _cleanup_fd_ int fd = -1;
    const size_t size = strlen(text);

    if (!path) {
        return gate_error_set(error, GATE_E_INTERNAL, "out of memory");
    }
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0 || write(fd, text, size) != (ssize_t)size) {
        return gate_error_set(error, GATE_E_INTERNAL, "cannot write '%s': %s", name, strerror(errno));
    }
    return 0;
}

/* ---- the gate ---- */

/* A gate that ends by itself has said why in its last record. */
static int refuse_ended_gate(struct demo_site *site, struct gate_error *error) {
    print_lines(&site->log, true);
    return gate_error_set(error, GATE_E_START, "the gate has ended; its log is above");
}

static const char clone_words[] = "git clone ";

static int read_answer(struct demo_site *site, char answer[DEMO_ANSWER_MAX], struct gate_error *error) {
    _cleanup_(buffer_deinit) struct buffer output;
    char line[LINE_MAX_BYTES + 1];

    buffer_init(&output, LINE_MAX_BYTES);
    for (;;) {
        bool is_open;
        int r = await(site, site->gate.output, site->gate.errors, SILENCE_MS, error);

        if (r) {
            return r;
        }
        (void)read_more(&site->log, &site->gate.errors);
        is_open = read_more(&output, &site->gate.output);
        while (take_line(&output, !is_open, line)) {
            print_line(line);
            if (strncmp(line, clone_words, strlen(clone_words)) == 0) {
                (void)snprintf(answer, DEMO_ANSWER_MAX, "%.*s", DEMO_ANSWER_MAX - 1, line);
                return 0;
            }
        }
        if (!is_open) {
            return refuse_ended_gate(site, error);
        }
    }
}

int demo_site_serve(struct demo_site *site, const char *rules, const char *repository, char answer[DEMO_ANSWER_MAX],
                    struct gate_error *error) {
    static char name[] = "git-gate";
    static char verb[] = "serve";
    static char format[] = "--log-format=text";
    static char parent[] = "--die-with-parent";
    _cleanup_free_ char *rules_option = path_in(site, "--rules=", rules);
    _cleanup_free_ char *path = path_in(site, "", repository);
    int r = rules_option && path ? 0 : -ENOMEM;
    char *argv[] = {name, verb, format, parent, rules_option, path, NULL};

    r = r ? r
          : process_spawn(&site->gate, "/proc/self/exe", argv, site->environment, PROCESS_INPUT_NONE,
                          &PROCESS_UNLIMITED);
    if (r) {
        return gate_error_set(error, GATE_E_START, "the gate cannot be started: %s", strerror(-r));
    }
    return read_answer(site, answer, error);
}

int demo_site_print_push(struct demo_site *site, struct gate_error *error) {
    char line[LINE_MAX_BYTES + 1];
    bool is_open = true;

    while (is_open) {
        int r = 0;

        while (take_line(&site->log, false, line)) {
            if (strstr(line, " push id=")) {
                print_line(line);
                return 0;
            }
        }
        r = await(site, site->gate.errors, -1, SILENCE_MS, error);
        if (r) {
            return r;
        }
        is_open = read_more(&site->log, &site->gate.errors);
    }
    return refuse_ended_gate(site, error);
}

int demo_site_follow(struct demo_site *site, struct gate_error *error) {
    bool is_open = true;

    while (is_open) {
        struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
        int r;

        print_lines(&site->log, false);
        r = await(site, STDIN_FILENO, site->gate.errors, -1, error);
        if (r || poll(&input, 1, 0) != 0) {
            return r;
        }
        is_open = read_more(&site->log, &site->gate.errors);
    }
    return refuse_ended_gate(site, error);
}
