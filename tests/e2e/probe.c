/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Runs all probes and prints a line for each: its name, its result, and the errno. "denied" means a sandbox's errno, or a
 * minus sign and the signal that ended the probe. "absent" means the errno of a kernel without the feature. All others
 * are "done", so that an unexpected errno shows.
 *
 *     probe NAME=VALUE...    the probes, in the repository as the working directory
 *     probe needs            the needs of any program; exits with 0 if they are met
 *     probe                  nothing
 */

#include "probe.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static char **arguments;

const char *given(const char *name) {
    size_t length = strlen(name);

    for (char **argument = arguments; *argument; argument++) {
        if (strncmp(*argument, name, length) == 0 && (*argument)[length] == '=') {
            return *argument + length + 1;
        }
    }
    return "";
}

int given_number(const char *name) {
    return atoi(given(name));
}

const char *in(const char *folder, const char *name) {
    static char paths[2][PATH_MAX];
    static unsigned turn;
    char *path = paths[turn++ % 2];

    (void)snprintf(path, PATH_MAX, "%s/%s", given(folder), name);
    return path;
}

static const char *verdict(int error) {
    switch (error) {
    case EPERM:
    case EACCES:
    case EXDEV: /* Landlock's error for a file that may not be moved there */
        return "denied";
    case ENOSYS:
    case EAFNOSUPPORT:
    case EPROTONOSUPPORT:
    case ESOCKTNOSUPPORT:
    case EOPNOTSUPP:
        return "absent";
    default:
        return error < 0 ? "denied" : "done";
    }
}

/* Runs the probe in a process of its own, which it may change as it likes. */
static void run(const struct probe *probe) {
    int status = 0;
    int error;
    pid_t pid;

    (void)fflush(stdout);
    pid = fork();
    if (pid == 0) {
        _exit(probe->run());
    }
    if (pid < 0 || waitpid(pid, &status, 0) < 0) {
        perror("probe");
        exit(EXIT_FAILURE);
    }
    error = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
    printf("%s %s %d\n", probe->name, verdict(error), error);
}

static void *answer(void *argument) {
    *(int *)argument = 42;
    return NULL;
}

static int check_needs(void) {
    pthread_t thread;
    int number = 0;
    char byte = 0;
    int ends[2];
    int random = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

    if (random < 0 || read(random, &byte, 1) != 1 || null < 0 || write(null, &byte, 1) != 1) {
        return 1;
    }
    if (pthread_create(&thread, NULL, answer, &number) != 0 || pthread_join(thread, NULL) != 0 || number != 42) {
        return 2;
    }
    if (pipe(ends) < 0) {
        return 3;
    }
    if (fork() == 0) {
        _exit(write(ends[1], "x", 1) == 1 ? 0 : 1);
    }
    return wait(&number) > 0 && number == 0 && read(ends[0], &byte, 1) == 1 && byte == 'x' ? 0 : 4;
}

int main(int argc, char *argv[]) {
    static const struct probe *const lists[] = {read_probes, change_probes, socket_probes, process_probes,
                                                kernel_probes};

    if (argc == 1) {
        return 0;
    }
    if (strcmp(argv[1], "needs") == 0) {
        return check_needs();
    }
    arguments = argv + 1;
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        for (const struct probe *probe = lists[i]; probe->name; probe++) {
            run(probe);
        }
    }
    return 0;
}
