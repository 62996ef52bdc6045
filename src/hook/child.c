/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Runs git. Its input is complete before it starts, in a file in memory, so no two processes can wait for each other.
 * git's complaints must not reach the pusher, because they may name files of the host.
 */

#include "hook/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

enum {
    OUTPUT_BUFFER_BYTES = 64 * 1024,
    ARGUMENTS_MAX = 1100,                  /* of one git, with its name and the end */
    MEMORY_MAX_BYTES = 1024 * 1024 * 1024, /* of one git: some millions of paths in one commit */
};

/* Runs in the child. Return: whether all descriptors are in their places. */
static bool connect_child(int input, int output) {
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    return null >= 0 && dup2(input >= 0 ? input : null, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0 &&
           dup2(null, STDERR_FILENO) >= 0;
}

/*
 * git keeps all changed paths of a commit in memory. Ten trees, each of which holds the next one a hundred times, have
 * more paths than fit into any memory.
 */
static bool bound_memory(void) {
    struct rlimit limit;

    if (getrlimit(RLIMIT_DATA, &limit) < 0) {
        return false;
    }
    limit.rlim_cur = limit.rlim_cur < MEMORY_MAX_BYTES ? limit.rlim_cur : MEMORY_MAX_BYTES;
    return setrlimit(RLIMIT_DATA, &limit) == 0;
}

/* In a hook's environment, new objects go to the quarantine, and the repository's own store is an alternate of it. */
static void choose_objects(enum child_objects objects) {
    if (objects != CHILD_ALL_OBJECTS) {
        (void)unsetenv("GIT_ALTERNATE_OBJECT_DIRECTORIES");
    }
    if (objects == CHILD_OLD_OBJECTS) {
        (void)unsetenv("GIT_OBJECT_DIRECTORY");
        (void)unsetenv("GIT_QUARANTINE_PATH");
    }
}

/*
 * The repository may be hostile, and no gate is around git when it runs for git-gate rules. So it fetches no missing
 * object, and asks no file monitor when it reads an index.
 */
static void become_git(const struct child_git *git, const char *const argv[]) {
    char *arguments[ARGUMENTS_MAX] = {(char *)"git", (char *)"-c", (char *)"core.fsmonitor=false"};
    size_t n = 3;

    for (; *argv && n < ARGUMENTS_MAX - 1; argv++) {
        arguments[n++] = (char *)*argv;
    }
    arguments[n] = NULL;
    (void)setenv("GIT_NO_REPLACE_OBJECTS", "1", 1);
    (void)setenv("GIT_GRAFT_FILE", "/dev/null", 1);
    (void)setenv("GIT_OPTIONAL_LOCKS", "0", 1);
    (void)setenv("GIT_FLUSH", "0", 1); /* no write and no change of processes for each commit */
    (void)setenv("GIT_NO_LAZY_FETCH", "1", 1);
    (void)setenv("GIT_ALLOW_PROTOCOL", "none", 1); /* for git before 2.45 */
    (void)setenv("LC_ALL", "C", 1);
    choose_objects(git->objects);
    if (git->repository) {
        (void)unsetenv("GIT_DIR");
    }
    /* the limit comes last: setenv(3) takes memory, and a program under a sanitizer already has more than the limit */
    if (!*argv && (!git->repository || chdir(git->repository) == 0) && bound_memory()) {
        (void)execv(git->program, arguments);
    }
}

int child_start(struct child *child, const struct child_git *git, int input, const char *const argv[]) {
    int ends[2];

    *child = CHILD_NONE;
    if (pipe2(ends, O_CLOEXEC) < 0) {
        return -errno;
    }
    child->pid = fork();
    if (child->pid == 0) {
        if (connect_child(input, ends[1])) {
            become_git(git, argv);
        }
        _exit(127);
    }
    (void)fd_close(ends[1]);
    child->output = ends[0];
    if (child->pid < 0) {
        int cause = errno;

        child->output = fd_close(child->output);
        child->pid = 0;
        return -cause;
    }
    return 0;
}

int child_end(struct child *child) {
    int status = 0;
    pid_t pid;

    child->output = fd_close(child->output);
    do {
        pid = waitpid(child->pid, &status, 0);
    } while (pid < 0 && errno == EINTR);
    child->pid = 0;
    return pid < 0 ? -errno : WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

void child_kill(struct child *child) {
    if (child->pid > 0) {
        (void)kill(child->pid, SIGKILL);
        (void)child_end(child);
    }
}

static int take_lines(int fd, int (*take)(char *line, void *userdata), void *userdata) {
    FILE *output = fd < 0 ? NULL : fdopen(fd, "r");
    char buffer[OUTPUT_BUFFER_BYTES];
    char *line = NULL;
    size_t room = 0;
    int r = output && setvbuf(output, buffer, _IOFBF, sizeof(buffer)) == 0 ? 0 : -ENOMEM;

    while (!r && getline(&line, &room, output) > 0) {
        line[strcspn(line, "\n")] = '\0';
        r = take(line, userdata);
    }
    r = r || !ferror(output) ? r : -EIO;
    free(line);
    if (output) {
        (void)fclose(output);
    } else {
        (void)fd_close(fd);
    }
    return r;
}

int child_each_line(const struct child_git *git, int input, const char *const argv[],
                    int (*take)(char *line, void *userdata), void *userdata) {
    struct child child = CHILD_NONE;
    int r = child_start(&child, git, input, argv);

    r = r ? r : take_lines(fd_take(&child.output), take, userdata);
    r = r ? r : child_end(&child);
    child_kill(&child);
    return r;
}

FILE *child_input_open(void) {
    _cleanup_(fd_closep) int fd = memfd_create("git-gate", MFD_CLOEXEC);
    FILE *input = fd >= 0 ? fdopen(fd, "w") : NULL;

    if (input) {
        (void)fd_take(&fd);
    }
    return input;
}

int child_input_fd(FILE *input) {
    if (fflush(input) != 0 || ferror(input)) {
        return errno ? -errno : -EIO;
    }
    return lseek(fileno(input), 0, SEEK_SET) < 0 ? -errno : fileno(input);
}
