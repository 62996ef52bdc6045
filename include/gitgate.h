/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * git-gate as a library: an HTTP gate in front of one git repository, on a thread of its own in another program.
 *
 *     struct gate_config *config = NULL;
 *     struct gate_server *server = NULL;
 *     struct gate_error error;
 *
 *     gate_config_new(&config);
 *     gate_config_set(config, "mirror-root", "/srv/mirrors", &error);
 *     gate_config_set(config, "scope", "proj", &error);
 *     gate_config_set(config, "socket", "/run/task7/socket/gate.sock", &error);
 *     gate_config_set(config, "token", token, &error);
 *     gate_server_new(&server, config, &error);
 *     config = gate_config_free(config);
 *     gate_server_start(server, &error);                   it serves from here on
 *     ...
 *     gate_server_stop(server);
 *     server = gate_server_free(server);
 *
 * git-gate(1) says what the options mean, what is served and how it is confined; libgitgate(3) has a whole program.
 *
 * The library never exits, prints, changes the working directory, the environment, signal handlers or limits. It never
 * confines a thread of the caller: confinement applies only to the serving thread and the processes that this thread
 * starts. One process may have any number of servers.
 *
 * Threads: only one thread at a time may use a configuration. Any number of threads may use a server at once, until it
 * is freed. gate_server_start() and gate_server_stop() wait: do not call them on a thread that must not block, or that
 * pthread_cancel(3) may end meanwhile. Only gate_server_start() reads the environment: do not call setenv(3) during it.
 *
 * Processes: git runs in children of the caller's process. The caller must not ignore SIGCHLD. It must not wait for
 * children that it did not start, as waitpid(2) does with -1: a request fails if the caller waits for its process.
 * Descriptors 0 to 2 must be open, if only on /dev/null. A program that root runs must change its user with setuid(2)
 * before it starts a server, and not while one runs. The reason: libc changes the user of all threads. The serving
 * thread has given up its privileges and cannot change its user, so libc ends the program. "die-with-parent" watches
 * the parent of the caller's process. The start fails if that parent is in another PID namespace, as the parent of a
 * container's first process is.
 *
 * Descriptors: a server has a table of its own. Its thread makes the table, and no child of the program gets it. The
 * limit on open files applies to this table by itself. The server keeps these descriptors of the program open until it
 * has stopped: standard error, "log-fd", "moves-fd" and "listen-fd", as they are in gate_server_start(). It does not
 * notice if such a number is given to another file later.
 *
 * fork(2): allowed at any time, with or without execve(2). The child has neither the thread nor the descriptors of a
 * server, so it keeps no port, client or process of git alive. Servers that ran at the fork belong to the parent. In
 * the child, calls to start such a server fail; calls to stop or free it do nothing.
 */

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

enum {
    GATE_ERROR_MESSAGE_MAX = 512, /* bytes of the sentence, with its terminator; a longer one is cut */
    GATE_TOKEN_MAX = 256,         /* bytes of the longest token, with its terminator */
};

/** enum gate_error_code - the kind of failure, with the numbers of git-gate's exit status */
enum gate_error_code {
    GATE_E_INTERNAL = 1, /* a fault of the gate or of the system under it, such as a lack of memory */
    GATE_E_USAGE = 2,    /* an option, or a file that it names, is wrong */
    GATE_E_START = 4,    /* the configuration is fine, but serving cannot begin */
};

/**
 * struct gate_error - a code and one sentence, in the caller's memory
 * @code: one of enum gate_error_code
 * @message: one line of English without a full stop: the fault, the object concerned and the option to change. It never
 *           contains the token.
 *
 * A call fills it on failure and leaves it alone on success.
 */
struct gate_error {
    int code;
    char message[GATE_ERROR_MESSAGE_MAX];
};

/** struct gate_config - options and their values; opaque */
struct gate_config;

/** struct gate_server - a gate; opaque */
struct gate_server;

/**
 * gate_config_new() - make a configuration with every default in place
 * @configp: receives it on success, for gate_config_free(); left alone on failure
 *
 * Return: 0 or -ENOMEM.
 */
int gate_config_new(struct gate_config **configp);

/**
 * gate_config_set() - set one option
 * @config: to set it in
 * @name: a long option of "git-gate serve", git-gate(1), without dashes, as "mirror-root" or "max-backends"; or one of:
 *        "token", the token itself;
 *        "second-token", another valid token, for the time in which one replaces the other;
 *        "listen-fd", the number of a listening socket, a Unix socket or one on the loopback; it becomes non-blocking;
 *        "log-fd", the number of a descriptor to write the log to; without it there is no log;
 *        "moves-fd", the number of a descriptor that gets the records of pushes, as JSON, one object a line.
 *        The caller keeps these three descriptors open until the server is freed.
 * @value: 1 to 4096 bytes, copied; "yes" or "no" for an option that takes no value on the command line
 * @error: filled on failure; may be NULL
 *
 * A repeatable option, such as "scope", gains one more value. For any other option, the value replaces an earlier one,
 * so that a program may set defaults first; the command line refuses a second value. gate_server_new() finds the faults
 * of the configuration as a whole, such as a missing token.
 *
 * Return: 0, GATE_E_USAGE, GATE_E_INTERNAL. On failure the configuration is as it was.
 */
int gate_config_set(struct gate_config *config, const char *name, const char *value, struct gate_error *error);

/**
 * gate_config_free() - free a configuration and clear the token's memory
 * @config: may be NULL
 *
 * Return: NULL.
 */
struct gate_config *gate_config_free(struct gate_config *config);

/**
 * gate_server_new() - check a configuration, and make a server that does not run yet
 * @serverp: receives it on success, for gate_server_free(); left alone on failure
 * @config: copied; the caller still owns it. Relative paths start at the working directory of this moment.
 * @error: filled on failure; may be NULL
 *
 * The call checks the files that "token-file" and the paths name. It leaves no descriptor open.
 *
 * Return: 0, GATE_E_USAGE, GATE_E_INTERNAL.
 */
int gate_server_new(struct gate_server **serverp, const struct gate_config *config, struct gate_error *error);

/**
 * gate_server_start() - listen, and serve on a thread of the server's own
 * @server: one that does not run
 * @error: filled on failure; may be NULL
 *
 * It returns once connections are accepted. A failed start leaves no thread, process, descriptor or socket behind. A
 * stopped server can be started again.
 *
 * 0 says that the server has started, not that it still runs. gate_server_stop() on another thread may have stopped it
 * already, or, with "die-with-parent", the end of the parent. gate_server_address() tells whether it serves.
 *
 * Return: 0; GATE_E_USAGE when it has been started already, or when a path has changed; GATE_E_START; GATE_E_INTERNAL.
 */
int gate_server_start(struct gate_server *server, struct gate_error *error);

/**
 * gate_server_address() - the address for clients, as "http://127.0.0.1:PORT" or "unix:PATH"
 * @server: of any state
 *
 * Return: a text that the server owns, valid until it is started again or freed; NULL when it does not serve.
 */
const char *gate_server_address(const struct gate_server *server);

/**
 * gate_server_stop() - stop serving as git-gate does on SIGTERM, and wait for the end
 * @server: of any state
 *
 * The server accepts no further clients, lets running requests finish for at most "drain-timeout", ends the rest, and
 * removes its Unix socket. While one call waits, a second call from another thread ends the remaining requests at once,
 * and waits, too. A call during a start stops the server as soon as it has started. The call does nothing to a server
 * that does not run.
 *
 * Return: 0; GATE_E_INTERNAL when a fault had ended serving before.
 */
int gate_server_stop(struct gate_server *server);

/**
 * gate_server_free() - stop a server if it runs, and free it
 * @server: may be NULL; no other call for it may be under way
 *
 * Return: NULL.
 */
struct gate_server *gate_server_free(struct gate_server *server);

/**
 * gate_mint_token() - make a fresh token: @prefix and 32 hexadecimal digits of getrandom(2)
 * @token: receives it, with its terminator
 * @size: of @token; GATE_TOKEN_MAX is enough for every prefix that is allowed
 * @prefix: printable ASCII without space and ":", may be empty; NULL for "gate-"
 *
 * Return: 0, -EINVAL for a @prefix that is not allowed, -ENOBUFS when @size is too small, or a negative errno of
 * getrandom(2).
 */
int gate_mint_token(char *token, size_t size, const char *prefix);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
