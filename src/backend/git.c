/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Locates git, once, at start. It must not be called while serving, because it may wait for an answer of git.
 */

#include "backend/git.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/process.h"
#include "base/ascii.h"
#include "base/buffer.h"
#include "base/fd.h"

enum {
    COMPLAINT_MAX = 160,     /* bytes of what git says on its standard error, with terminator */
    HOW_MAX = 96,            /* of the words for how it ended */
    PROGRAM_SHOWN_MAX = 128, /* of its path */
    MS_PER_S = 1000,
    GIT_WORD_MAX_BYTES = 32, /* of the word that git is asked */
};

static char *copy_search_path(void) {
    const char *path = getenv("PATH");

    return strdup(path && *path ? path : "/usr/local/bin:/usr/bin:/bin");
}

/* Finds the first executable file of that name in a PATH. Skips paths that are too long. Return: 0, -ENOENT. */
static int find_in_path(char *found, size_t size, const char *search_path, const char *name) {
    for (const char *at = search_path; at; at = strchr(at, ':') ? strchr(at, ':') + 1 : NULL) {
        size_t n = strcspn(at, ":");
        int length = snprintf(found, size, "%.*s/%s", (int)n, at, name);

        if (n > 0 && length > 0 && (size_t)length < size && access(found, X_OK) == 0) {
            return 0;
        }
    }
    return -ENOENT;
}

/* Return: 0, -ETIMEDOUT, an errno of poll(2). */
static int wait_readable(int fd) {
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    int r = poll(&poller, 1, GIT_ANSWER_TIMEOUT_MS);

    return r > 0 ? 0 : r == 0 ? -ETIMEDOUT : -errno;
}

/* Reads until the end of file. It waits for each further byte for at most GIT_ANSWER_TIMEOUT_MS. */
static int read_answer(struct buffer *answer, int fd) {
    ssize_t size;

    do {
        int r = wait_readable(fd);

        if (r) {
            return r;
        }
        size = buffer_read(answer, fd);
    } while (size > 0 || size == -EAGAIN);
    return (int)size;
}

/* Reads the first line that git has written to its standard error; empty when there is none. */
static void read_complaint(char complaint[COMPLAINT_MAX], int fd) {
    ssize_t size = read(fd, complaint, COMPLAINT_MAX - 1);

    complaint[size > 0 ? size : 0] = '\0';
    complaint[strcspn(complaint, "\r\n")] = '\0';
    ascii_make_printable(complaint);
}

/* Whether the system was short of descriptors, memory or processes. Then git is not to blame. */
static bool is_shortage(int cause) {
    return cause == EMFILE || cause == ENFILE || cause == ENOMEM || cause == EAGAIN;
}

static int refuse_shortage(const char *program, const char *word, const char *call, int cause,
                           struct gate_error *error) {
    return gate_error_set(error, GATE_E_START,
                          "no room to run '%.*s %s': %s%s%s; raise the limits of this user, see ulimit -a",
                          PROGRAM_SHOWN_MAX, program, word, call ? call : "", call ? ": " : "", strerror(cause));
}

/* Says why the program was not started. The program is to blame only if execve(2) failed, which is the last step. */
static int refuse_birth(const char *program, const char *word, const char *call, int cause, struct gate_error *error) {
    if (is_shortage(cause)) {
        return refuse_shortage(program, word, call, cause, error);
    }
    return gate_error_set(error, GATE_E_START, "'%.*s %s' cannot be run: %s: %s%s", PROGRAM_SHOWN_MAX, program, word,
                          call, strerror(cause),
                          strcmp(call, "execve") == 0
                              ? "; mend that git, put another first in PATH, or check GIT_EXEC_PATH"
                              : error_advice(cause));
}

/* @r: the error before it ended, 0 for none. The sentence names the command, how it ended, and the remedy. */
static int refuse_answer(const char *program, const char *word, int r, int status, const char *complaint,
                         struct gate_error *error) {
    char how[HOW_MAX];

    if (is_shortage(-r)) {
        return refuse_shortage(program, word, NULL, -r, error);
    }
    if (r == -ETIMEDOUT) {
        (void)snprintf(how, sizeof(how), "did not answer within %d s", GIT_ANSWER_TIMEOUT_MS / MS_PER_S);
    } else if (r == -ENOBUFS) {
        (void)snprintf(how, sizeof(how), "printed too much");
    } else if (r) {
        (void)snprintf(how, sizeof(how), "cannot be read: %s", strerror(-r));
    } else if (WIFSIGNALED(status)) {
        (void)snprintf(how, sizeof(how), "was ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    } else if (WEXITSTATUS(status) != 0) {
        (void)snprintf(how, sizeof(how), "ended with exit status %d", WEXITSTATUS(status));
    } else {
        (void)snprintf(how, sizeof(how), "printed an unexpected answer");
    }
    return gate_error_set(error, GATE_E_START,
                          "'%.*s %s' %s%s%s; mend that git, put another first in PATH, or check GIT_EXEC_PATH",
                          PROGRAM_SHOWN_MAX, program, word, how, *complaint ? ", and said: " : "", complaint);
}

static bool begins_with(const struct buffer *answer, const char *beginning) {
    const size_t size = strlen(beginning);
    struct span content = buffer_content(answer);

    return content.size > size && memcmp(content.data, beginning, size) == 0;
}

/* Runs "git @word" and reads its one line into @answer. The line must begin with @beginning. */
static int ask(struct buffer *answer, const char *search_path, const char *program, const char *word,
               const char *beginning, struct gate_error *error) {
    char path_variable[PATH_MAX + sizeof("PATH=")];
    char exec_path_variable[PATH_MAX + sizeof("GIT_EXEC_PATH=")];
    const char *exec_path = getenv("GIT_EXEC_PATH");
    char git[] = "git";
    char option[GIT_WORD_MAX_BYTES];
    char *const argv[] = {git, option, NULL};
    char *envp[] = {path_variable, NULL, NULL};
    char complaint[COMPLAINT_MAX] = "";
    struct process process;
    int status = 0;
    int r;

    (void)snprintf(option, sizeof(option), "%s", word);
    (void)snprintf(path_variable, sizeof(path_variable), "PATH=%s", search_path);
    if (exec_path && *exec_path) {
        (void)snprintf(exec_path_variable, sizeof(exec_path_variable), "GIT_EXEC_PATH=%s", exec_path);
        envp[1] = exec_path_variable;
    }
    r = process_spawn(&process, program, argv, envp, PROCESS_INPUT_NONE, &PROCESS_UNLIMITED);
    if (r) {
        return refuse_birth(program, word, process.failed_call, -r, error);
    }
    r = read_answer(answer, process.output);
    r = r ? r : wait_readable(process.pidfd);
    if (r) {
        process_signal(&process, SIGKILL);
    }
    read_complaint(complaint, process.errors);
    r = process_reap(&process, &status) < 0 && r == 0 ? -ECHILD : r;
    process_deinit(&process);
    return r == 0 && status == 0 && begins_with(answer, beginning)
               ? 0
               : refuse_answer(program, word, r, status, complaint, error);
}

static char *first_line(const struct buffer *answer) {
    struct span content = buffer_content(answer);
    const char *end = memchr(content.data, '\n', content.size);

    return strndup(content.data, end ? (size_t)(end - content.data) : content.size);
}

/*
 * Whether both files are the git of one installation. Debian ships git as two copies with the same modification time,
 * because dpkg sets the times of all files of one build. On a system that gives all files the same time, only the size
 * tells.
 */
static bool is_same_git(const char *path, const char *other_path) {
    struct stat one;
    struct stat other;

    if (stat(path, &one) < 0 || stat(other_path, &other) < 0 || one.st_dev != other.st_dev) {
        return false;
    }
    return one.st_ino == other.st_ino || (one.st_size == other.st_size && one.st_mtim.tv_sec == other.st_mtim.tv_sec &&
                                          one.st_mtim.tv_nsec == other.st_mtim.tv_nsec);
}

/*
 * Finds the folder of git's programs without asking git, which would take half of the start. For PREFIX/bin/git it is
 * PREFIX/lib/git-core or PREFIX/libexec/git-core, if the same git is there, too. Return: NULL when git has to be asked.
 */
static char *exec_path_beside(const char *program) {
    static const char *const folders[] = {"lib/git-core", "libexec/git-core"};
    static const char ending[] = "/bin/git";
    const char *variable = getenv("GIT_EXEC_PATH");
    char prefix[PATH_MAX];
    char twin[PATH_MAX];
    size_t size;

    if ((variable && *variable) || !realpath(program, prefix)) {
        return NULL;
    }
    size = strlen(prefix);
    if (size < sizeof(ending) || strcmp(&prefix[size - strlen(ending)], ending) != 0) {
        return NULL;
    }
    prefix[size - strlen(ending)] = '\0';
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        int length = snprintf(twin, sizeof(twin), "%s/%s/git", prefix, folders[i]);

        if (length < PATH_MAX && is_same_git(program, twin)) {
            return strndup(twin, (size_t)length - strlen("/git"));
        }
    }
    return NULL;
}

static int find_git(char program[PATH_MAX], const struct git *git, struct gate_error *error) {
    return find_in_path(program, PATH_MAX, git->search_path, "git") == 0
               ? 0
               : gate_error_set(error, GATE_E_START, "git is in none of the folders of PATH; install git or set PATH");
}

/* Finds out at start what this host refuses to all processes, also when no process was needed to find git. */
static int rehearse(const char *program, struct gate_error *error) {
    const char *call;
    int r = process_rehearse(&call);

    return r ? refuse_birth(program, "upload-pack", call, -r, error) : 0;
}

static int find(struct git *git, const char *program, struct gate_error *error) {
    _cleanup_(buffer_deinit) struct buffer answer;
    char first[PATH_MAX];
    int r;

    buffer_init(&answer, PATH_MAX);
    git->search_path = copy_search_path();
    if (!git->search_path) {
        return gate_error_set(error, GATE_E_INTERNAL, "out of memory");
    }
    r = find_git(first, git, error);
    if (r) {
        return r;
    }
    git->exec_path = exec_path_beside(first);
    if (git->exec_path) {
        r = rehearse(first, error);
    } else {
        r = ask(&answer, git->search_path, first, "--exec-path", "/", error);
        git->exec_path = r ? NULL : first_line(&answer);
    }
    if (r) {
        return r;
    }
    if (!git->exec_path || asprintf(&git->program, "%s/%s", git->exec_path, program) < 0) {
        git->program = NULL;
        return gate_error_set(error, GATE_E_INTERNAL, "out of memory");
    }
    if (access(git->program, X_OK) != 0) {
        return gate_error_set(error, GATE_E_START,
                              "'%s' cannot be executed; install all of git, or set GIT_EXEC_PATH to where it is",
                              git->program);
    }
    return 0;
}

int git_find(struct git *git, const char *program, struct gate_error *error) {
    int r;

    *git = (struct git){0};
    r = find(git, program, error);
    if (r) {
        git_deinit(git);
    }
    return r;
}

bool git_is_local_version(const char *answer) {
    /* the first corrected version of each release; releases before 2.39 have none */
    static const unsigned corrected[][2] = {{39, 4}, {40, 2}, {41, 1}, {42, 2}, {43, 4}, {44, 1}};
    static const char beginning[] = "git version ";
    unsigned long version[3] = {0}; /* saturates */
    unsigned long major;
    unsigned long minor;

    if (strncmp(answer, beginning, strlen(beginning)) != 0) {
        return false;
    }
    answer += strlen(beginning);
    for (size_t i = 0; i < 3 && *answer >= '0' && *answer <= '9'; i++) {
        char *end;

        version[i] = strtoul(answer, &end, 10);
        answer = *end == '.' ? end + 1 : end;
    }
    major = version[0];
    minor = version[1];
    for (size_t i = 0; major == 2 && i < sizeof(corrected) / sizeof(corrected[0]); i++) {
        if (minor == corrected[i][0]) {
            return version[2] >= corrected[i][1];
        }
    }
    return major > 2 || (major == 2 && minor >= 45);
}

int git_ask_version(struct git *git, struct gate_error *error) {
    _cleanup_(buffer_deinit) struct buffer answer;
    char program[PATH_MAX];
    char *line;
    int r;

    buffer_init(&answer, PATH_MAX);
    r = find_git(program, git, error);
    r = r ? r : ask(&answer, git->search_path, program, "version", "git version ", error);
    if (r) {
        return r;
    }
    line = first_line(&answer);
    if (!line) {
        return gate_error_set(error, GATE_E_INTERNAL, "out of memory");
    }
    git->stays_local = git_is_local_version(line);
    free(line);
    return 0;
}

void git_deinit(struct git *git) {
    free(git->search_path);
    free(git->exec_path);
    free(git->program);
    *git = (struct git){0};
}
