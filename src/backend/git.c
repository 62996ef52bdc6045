/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Owns the knowledge where git is. It asks git once, at start, and must not be called while serving: it waits for the
 * answer.
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
#include "base/denial.h"
#include "base/fd.h"

enum {
    COMPLAINT_MAX = 160,     /* bytes of what git says on its standard error, with terminator */
    HOW_MAX = 96,            /* of the words for how it ended */
    PROGRAM_SHOWN_MAX = 128, /* of its path */
    MS_PER_S = 1000,
    GIT_WORD_MAX_BYTES = 32, /* of what git is asked */
};

static char *copy_search_path(void) {
    const char *path = getenv("PATH");

    return strdup(path && *path ? path : "/usr/local/bin:/usr/bin:/bin");
}

/* The first executable file of that name in a PATH; what is too long to be one is passed over. Return: 0, -ENOENT. */
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

/* Reads until the end of file, for GIT_ANSWER_TIMEOUT_MS at the most after each byte. */
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

/* The first line that git has written on its standard error; empty when there is none. */
static void read_complaint(char complaint[COMPLAINT_MAX], int fd) {
    ssize_t size = read(fd, complaint, COMPLAINT_MAX - 1);

    complaint[size > 0 ? size : 0] = '\0';
    complaint[strcspn(complaint, "\r\n")] = '\0';
    ascii_make_printable(complaint);
}

/* Whether no process could be made, or read from, for want of something: then it is not git that has to be mended. */
static bool is_shortage(int cause) {
    return cause == EMFILE || cause == ENFILE || cause == ENOMEM || cause == EAGAIN;
}

static int refuse_shortage(const char *program, const char *word, const char *call, int cause,
                           struct gate_error *error) {
    return gate_error_set(error, GATE_E_START,
                          "no room to run '%.*s %s': %s%s%s; raise the limits of this user, see ulimit -a",
                          PROGRAM_SHOWN_MAX, program, word, call ? call : "", call ? ": " : "", strerror(cause));
}

/* No process was made of it. Only when all steps before have succeeded, is it the program that has to be mended. */
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

/* @r: of what went wrong before it ended. The sentence says what was run, how it ended, and what mends it. */
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
        (void)snprintf(how, sizeof(how), "printed something else than is asked for");
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

/* Runs "git @word" and leaves its one line, which begins with @beginning, in @answer. */
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

static int find_git(char program[PATH_MAX], const struct git *git, struct gate_error *error) {
    return find_in_path(program, PATH_MAX, git->search_path, "git") == 0
               ? 0
               : gate_error_set(error, GATE_E_START, "git is in none of the folders of PATH; install git or set PATH");
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
    r = r ? r : ask(&answer, git->search_path, first, "--exec-path", "/", error);
    if (r) {
        return r;
    }
    git->exec_path = first_line(&answer);
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
    /* the first correction of each release that has one; those before have none */
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

/* HEAD, objects and refs are what git itself takes for the signs of a repository. */
static int check_entries(const char *path, struct gate_error *error) {
    static const char *const names[] = {"HEAD", "objects", "refs"};
    char entry[PATH_MAX + sizeof("/objects")];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(entry, sizeof(entry), "%s/%s", path, names[i]);
        if (access(entry, R_OK) == 0) {
            continue;
        }
        if (errno == EACCES) {
            return denial_refuse("read the repository", entry, "git-gate", error);
        }
        return gate_error_set(error, GATE_E_USAGE,
                              "'%s' is not a bare git repository that can be read; make one with "
                              "'git clone --bare' or check --mirror-root and --scope",
                              path);
    }
    return 0;
}

/*
 * Whether this user may use a file or folder of somebody else, as an ordinary user: under confinement root is one. @wanted:
 * R_OK, W_OK, X_OK. Of root only the modes tell, as access(2) would answer for the capabilities that will be dropped.
 */
static bool may_use(const char *path, int wanted) {
    struct stat status;
    mode_t bits;

    if (geteuid() != 0) {
        return access(path, wanted) == 0;
    }
    if (stat(path, &status) < 0) {
        return false;
    }
    bits = status.st_uid == 0            ? status.st_mode >> 6
           : group_member(status.st_gid) ? status.st_mode >> 3
                                         : status.st_mode;
    return (bits & (unsigned)wanted) == (unsigned)wanted;
}

/* What --trust-owner would help with: not with a file that the owner alone may read. */
static const char *offer_trust(const char *path) {
    char objects[PATH_MAX + sizeof("/objects")];
    char head[PATH_MAX + sizeof("/HEAD")];

    (void)snprintf(objects, sizeof(objects), "%s/objects", path);
    (void)snprintf(head, sizeof(head), "%s/HEAD", path);
    if (!may_use(path, R_OK | X_OK) || !may_use(objects, R_OK | X_OK) || !may_use(head, R_OK)) {
        return "";
    }
    return may_use(path, W_OK) && may_use(objects, W_OK) ? ", or add --trust-owner"
                                                         : ", or add --trust-owner --read-only for fetches alone";
}

/* sudo(8) makes root of a user who owns the repository and has no need to be root. */
static bool is_owner_behind_sudo(uid_t owner) {
    const char *user = getenv("SUDO_UID");
    char text[16];

    (void)snprintf(text, sizeof(text), "%u", (unsigned)owner);
    return geteuid() == 0 && user && strcmp(user, text) == 0;
}

static int refuse_owner(const char *path, uid_t owner, struct gate_error *error) {
    const unsigned user = (unsigned)geteuid();

    return gate_error_set(error, GATE_E_USAGE,
                          "'%s' belongs to uid %u and git serves only what belongs to uid %u: run git-gate as its "
                          "owner, uid %u%s, or give it to uid %u with chown -R%s",
                          path, (unsigned)owner, user, (unsigned)owner,
                          is_owner_behind_sudo(owner) ? ", without sudo" : "", user, offer_trust(path));
}

int git_check_repository(const char *path, bool trust_owner, struct gate_error *error) {
    struct stat status;
    int r = stat(path, &status) < 0 ? errno : S_ISDIR(status.st_mode) ? 0 : ENOTDIR;

    if (r == EACCES) {
        return denial_refuse("read the repository", path, "git-gate", error);
    }
    if (r) {
        return gate_error_set(
            error, GATE_E_USAGE,
            "there is no repository at '%s'; check --mirror-root, and --scope, which is the name without .git", path);
    }
    r = check_entries(path, error);
    return !r && status.st_uid != geteuid() && !trust_owner ? refuse_owner(path, status.st_uid, error) : r;
}

bool git_has_repository(const char *mirror_root, const char *repository) {
    char path[PATH_MAX];
    struct stat status;
    int size = snprintf(path, sizeof(path), "%s/%s.git/HEAD", mirror_root, repository);

    return size > 0 && size < PATH_MAX && (lstat(path, &status) == 0 || errno != ENOENT);
}
