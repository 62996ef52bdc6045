/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Implements the calls of gitgate.h, which start and stop the thread of a server. The server itself (server_thread.c)
 * lives on that thread. So confinement of the thread confines the server alone, and ends with it. The thread has a
 * descriptor table of its own. An eventfd in its loop tells it to stop. A mutex guards everything else that the thread
 * and its callers share.
 */

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "access/token.h"
#include "base/fd.h"
#include "library/config.h"
#include "library/descriptors.h"
#include "library/host.h"
#include "library/server_thread.h"

/*
 * enum thread_state - the state of the thread
 *
 * THREAD_NONE      no thread. -> STARTING by gate_server_start()
 * THREAD_STARTING  the server starts. -> SERVING; ENDED when the start fails
 * THREAD_SERVING   the loop runs. -> ENDED when told to stop, or by a fault
 * THREAD_ENDED     the thread ends. -> NONE when somebody has joined it
 */
enum thread_state {
    THREAD_NONE,
    THREAD_STARTING,
    THREAD_SERVING,
    THREAD_ENDED,
};

/* The result of a start, on the stack of the caller that waits for it. */
struct start_outcome {
    bool is_over;
    int result;
    struct gate_error error;
};

/*
 * @mark: a page that the kernel zeroes in the child of a fork (MADV_WIPEONFORK): see is_own()
 * @config: the checked configuration, constant
 * @run: the number of the last start, by which a caller that waits for one run tells it from the next
 * @stop_fd: an eventfd(2) that exists while there is a thread, which has it under the same number
 * @is_joined: a caller waits in pthread_join(3); others wait for the state
 * @fault: the loop's error, a negative errno
 * @outcome: of the start that is under way; NULL otherwise
 */
struct gate_server {
    volatile bool *mark;
    struct gate_config *config;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    enum thread_state state;
    uint64_t run;
    pthread_t thread;
    int stop_fd;
    bool is_joined;
    int fault;
    struct start_outcome *outcome;
    char address[LISTENER_ADDRESS_MAX];
};

/* ---- on the thread ---- */

/* Reports the result of the start. The memory of @outcome must not be used afterwards. */
static void finish_start(struct gate_server *gate, int result, const struct gate_error *error, const char *address) {
    (void)pthread_mutex_lock(&gate->mutex);
    gate->outcome->result = result;
    gate->outcome->error = *error;
    gate->outcome->is_over = true;
    gate->outcome = NULL;
    gate->state = result ? THREAD_ENDED : THREAD_SERVING;
    (void)snprintf(gate->address, sizeof(gate->address), "%s", result ? "" : address);
    (void)pthread_cond_broadcast(&gate->changed);
    (void)pthread_mutex_unlock(&gate->mutex);
}

/* Runs a server from start to end. Return: a negative errno of the loop; otherwise 0, even if it did not start. */
static int run(struct gate_server *gate) {
    _cleanup_(server_thread_deinit) struct server_thread thread = SERVER_THREAD_NONE;
    struct gate_error error = {0};
    int r = server_thread_start(&thread, gate->config, gate->stop_fd, &error);

    finish_start(gate, r, &error, thread.server.gate.listener.address);
    return r ? 0 : server_thread_run(&thread);
}

static void *serve(void *argument) {
    struct gate_server *gate = argument;
    const struct server_settings *settings = &gate->config->settings;
    const int kept[] = {gate->stop_fd, settings->log_fd, settings->moves_fd, settings->listener.inherited_fd};
    struct gate_error error = {0};
    int r = descriptors_separate(kept, sizeof(kept) / sizeof(kept[0]));

    if (r < 0) {
        r = gate_error_set(&error, GATE_E_INTERNAL,
                           "cannot make a table of descriptors apart from this program's: close_range: %s%s",
                           strerror(-r), error_advice(-r));
        finish_start(gate, r, &error, "");
        return NULL;
    }
    r = run(gate);
    descriptors_close_all();
    (void)pthread_mutex_lock(&gate->mutex);
    gate->fault = r;
    gate->state = THREAD_ENDED;
    (void)pthread_cond_broadcast(&gate->changed);
    (void)pthread_mutex_unlock(&gate->mutex);
    return NULL;
}

/* ---- on the caller's threads ---- */

static void free_memory(struct gate_server *gate) {
    if (gate) {
        gate_config_free(gate->config);
        if (gate->mark) {
            (void)munmap((void *)gate->mark, sizeof(*gate->mark));
        }
        free(gate);
    }
}

/* Makes the socket's path absolute: the program may change its directory before the socket is removed. */
static int make_socket_absolute(struct gate_config *config, struct gate_error *error) {
    const char *socket = config->settings.listener.socket_path;
    char path[PATH_MAX + CONFIG_VALUE_MAX_BYTES + sizeof("/")];

    if (!socket || socket[0] == '/') {
        return 0;
    }
    if (!getcwd(path, PATH_MAX)) {
        return gate_error_set(error, GATE_E_USAGE, "--socket=%s is relative, and there is no working directory: %s",
                              socket, strerror(errno));
    }
    (void)snprintf(path + strlen(path), sizeof(path) - strlen(path), "/%s", socket);
    return gate_config_set(config, "socket", path, error);
}

static int make_mark(struct gate_server *gate) {
    void *page = mmap(NULL, sizeof(*gate->mark), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (page == MAP_FAILED) {
        return -errno;
    }
    (void)madvise(page, sizeof(*gate->mark), MADV_WIPEONFORK); /* since Linux 4.14 */
    gate->mark = page;
    *gate->mark = true;
    return 0;
}

/*
 * Whether the server belongs to this process. A forked child has neither the thread of its parent's server nor a
 * reliable mutex, but it has the eventfd, and could stop that server. A server without a thread becomes the child's
 * own. Process ids do not help, since both may be 1.
 */
static bool is_own(const struct gate_server *gate) {
    if (!*gate->mark && gate->state == THREAD_NONE) {
        *gate->mark = true;
    }
    return *gate->mark;
}

int gate_server_new(struct gate_server **serverp, const struct gate_config *config, struct gate_error *error) {
    struct gate_server *gate = calloc(1, sizeof(*gate));
    int r;

    if (!gate || make_mark(gate) < 0 || config_copy(&gate->config, config) < 0) {
        free_memory(gate);
        return gate_error_set(error, GATE_E_INTERNAL, "out of memory");
    }
    gate->stop_fd = -1;
    (void)pthread_mutex_init(&gate->mutex, NULL); /* neither fails without attributes: pthread_mutex_init(3) */
    (void)pthread_cond_init(&gate->changed, NULL);
    r = make_socket_absolute(gate->config, error);
    r = r ? r : config_resolve(gate->config, error);
    if (r) {
        gate_server_free(gate);
        return r;
    }
    *serverp = gate;
    return 0;
}

/*
 * The thread blocks all signals: the program's handlers must not run where system calls are filtered. Return: 0 or a
 * negative errno.
 */
static int make_thread(struct gate_server *gate) {
    sigset_t all;
    sigset_t before;
    int r;

    gate->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (gate->stop_fd < 0) {
        return -errno;
    }
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    r = pthread_create(&gate->thread, NULL, serve, gate);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r) {
        gate->stop_fd = fd_close(gate->stop_fd);
    }
    return -r;
}

/*
 * Waits until the thread of a run has ended, which may take as long as its drain. Called with the mutex held, which it
 * releases meanwhile.
 */
static void join(struct gate_server *gate, uint64_t run) {
    while (gate->run == run && gate->is_joined) {
        (void)pthread_cond_wait(&gate->changed, &gate->mutex);
    }
    if (gate->run != run || gate->state == THREAD_NONE) {
        return; /* another caller has joined it, and the next run may have started */
    }
    gate->is_joined = true;
    (void)pthread_mutex_unlock(&gate->mutex);
    (void)pthread_join(gate->thread, NULL);
    (void)pthread_mutex_lock(&gate->mutex);
    gate->stop_fd = fd_close(gate->stop_fd);
    gate->state = THREAD_NONE;
    gate->is_joined = false;
    (void)pthread_cond_broadcast(&gate->changed);
}

/* Called with the mutex held; it is released while waiting. */
static int start_locked(struct gate_server *gate, struct start_outcome *outcome, struct gate_error *error) {
    uint64_t run = gate->run + 1;
    int r = gate->state == THREAD_NONE ? host_check(error)
                                       : gate_error_set(error, GATE_E_USAGE, "the server runs already; stop it first");

    if (r) {
        return r;
    }
    gate->run = run;
    gate->fault = 0;
    gate->outcome = outcome;
    gate->state = THREAD_STARTING;
    r = make_thread(gate);
    if (r) {
        gate->state = THREAD_NONE;
        gate->outcome = NULL;
        (void)pthread_cond_broadcast(&gate->changed);
        return gate_error_set(error, GATE_E_INTERNAL, "no thread to serve on: %s", strerror(-r));
    }
    while (!outcome->is_over) {
        (void)pthread_cond_wait(&gate->changed, &gate->mutex);
    }
    if (outcome->result) {
        if (error) {
            *error = outcome->error;
        }
        join(gate, run);
    }
    return outcome->result;
}

int gate_server_start(struct gate_server *server, struct gate_error *error) {
    struct start_outcome outcome = {0};
    int r;

    if (!is_own(server)) {
        return gate_error_set(error, GATE_E_USAGE,
                              "the server belongs to another process, and this one is a fork of it; make a new one");
    }
    (void)pthread_mutex_lock(&server->mutex);
    r = start_locked(server, &outcome, error);
    (void)pthread_mutex_unlock(&server->mutex);
    return r;
}

const char *gate_server_address(const struct gate_server *server) {
    struct gate_server *gate = (struct gate_server *)server; /* locking it is no change that a caller sees */
    const char *address;

    if (!is_own(gate)) {
        return NULL;
    }
    (void)pthread_mutex_lock(&gate->mutex);
    address = gate->state == THREAD_SERVING ? gate->address : NULL;
    (void)pthread_mutex_unlock(&gate->mutex);
    return address;
}

int gate_server_stop(struct gate_server *server) {
    const uint64_t one = 1;
    int fault = 0;

    if (!is_own(server)) {
        return 0;
    }
    (void)pthread_mutex_lock(&server->mutex);
    if (server->state != THREAD_NONE) {
        uint64_t run = server->run;

        (void)!write(server->stop_fd, &one, sizeof(one)); /* it has room for 2^64 - 2 stops: eventfd(2) */
        join(server, run);
        fault = server->run == run ? server->fault : 0;
    }
    (void)pthread_mutex_unlock(&server->mutex);
    return fault ? GATE_E_INTERNAL : 0;
}

struct gate_server *gate_server_free(struct gate_server *server) {
    if (server && is_own(server)) { /* a fork keeps its copy: malloc's locks may be in any state there */
        (void)gate_server_stop(server);
        (void)pthread_cond_destroy(&server->changed);
        (void)pthread_mutex_destroy(&server->mutex);
        free_memory(server);
    }
    return NULL;
}

int gate_mint_token(char *token, size_t size, const char *prefix) {
    return token_mint(token, size, prefix ? prefix : token_default_prefix);
}
