/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * git-gate as a library: an HTTP gate in front of one git repository, inside of another program, on a thread of its own.
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
 * What the options mean, what is served and how it is confined, git-gate(1) says; libgitgate(3) has a whole program.
 *
 * The library never exits, prints, changes the working directory, the environment, signal handlers or limits, and never
 * confines a thread of the caller's: what confinement takes away, it takes from the thread that serves and from the
 * processes that this one starts. Any number of servers may be in one process.
 *
 * Threads: one configuration is for one thread at a time. A server may be used from any thread, by any number at once,
 * until it is freed; gate_server_start() and gate_server_stop() wait, so they are not for a thread that must not, nor
 * for one that pthread_cancel(3) may end meanwhile. The environment is read in gate_server_start() alone, so nobody may
 * call setenv(3) while one is under way.
 *
 * Processes: git runs in children of the caller's process. The caller must not ignore SIGCHLD, nor wait for children
 * that it has not started, as waitpid(2) does with -1: a request whose process somebody else has waited for fails. Its
 * descriptors 0 to 2 must be open, as on /dev/null. A program that root runs must change its user, setuid(2), before it
 * starts a server, and not while one runs: libc changes that of all threads, and ends the program when one of them,
 * which has no privileges any more, may not. The parent of "die-with-parent" is that of the caller's process; one in
 * another PID namespace, as that of the first process of a container, cannot be watched, and the start fails.
 *
 * Descriptors: a server has a table of its own, which its thread begins with and which no child of the program gets. It
 * counts alone against the limit on open files. Of the program's descriptors the server keeps open, until it has stopped,
 * standard error, "log-fd" and "listen-fd", as they are in gate_server_start(): what gets such a number later is not seen.
 *
 * fork(2): at any time, with execve(2) or without, for a child holds nothing of a server: it has neither the thread nor
 * the descriptors, and keeps no port, client or process of git alive. Servers that ran at
 * the fork are its parent's: it can neither start, stop nor free them, and such calls do nothing.
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

/** enum gate_error_code - what went wrong, as the exit status of the program git-gate tells it */
enum gate_error_code {
    GATE_E_INTERNAL = 1, /* a fault of the gate or of the system under it, as memory that is short */
    GATE_E_USAGE = 2,    /* an option, or a file that it names, is wrong */
    GATE_E_START = 4,    /* the configuration is fine, but serving cannot begin */
};

/**
 * struct gate_error - a code and one sentence, in the caller's memory
 * @code: one of enum gate_error_code
 * @message: says what happened, to what, and which option mends it; in English, one line, without a full stop. It never
 *           holds the token.
 *
 * It is filled by calls that fail, and left alone by those that succeed.
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
 * gate_config_new() - a configuration with every default in place
 * @configp: receives it on success, for gate_config_free(); left alone on failure
 *
 * Return: 0 or -ENOMEM.
 */
int gate_config_new(struct gate_config **configp);

/**
 * gate_config_set() - set one option
 * @config: to set it in
 * @name: a long option of "git-gate serve", git-gate(1), without dashes, as "mirror-root" or "max-backends". Besides:
 *        "token", the token itself; "listen-fd", the number of a listening socket, Unix or on the loopback, that the
 *        caller keeps open until the server is freed, and that becomes non-blocking; "log-fd", the number of a
 *        descriptor to write the log to, which the caller keeps open likewise. Without "log-fd" there is no log.
 * @value: 1 to 4096 bytes, copied; "yes" or "no" for an option that takes no value on the command line
 * @error: filled on failure; may be NULL
 *
 * A repeatable option is added to, any other one replaced. What shows only in the whole, as a missing token, is found by
 * gate_server_new().
 *
 * Return: 0, GATE_E_USAGE, GATE_E_INTERNAL. On failure the configuration is as it was.
 */
int gate_config_set(struct gate_config *config, const char *name, const char *value, struct gate_error *error);

/**
 * gate_config_free() - free a configuration; the token's memory is cleared
 * @config: may be NULL
 *
 * Return: NULL.
 */
struct gate_config *gate_config_free(struct gate_config *config);

/**
 * gate_server_new() - check a configuration, and make a server of it that does not run
 * @serverp: receives it on success, for gate_server_free(); left alone on failure
 * @config: copied, and still the caller's. Relative paths are those of the working directory at this moment.
 * @error: filled on failure; may be NULL
 *
 * The files that "token-file" and the paths name are looked at here. No descriptor stays open.
 *
 * Return: 0, GATE_E_USAGE, GATE_E_INTERNAL.
 */
int gate_server_new(struct gate_server **serverp, const struct gate_config *config, struct gate_error *error);

/**
 * gate_server_start() - listen, and serve on a thread of the server's own
 * @server: one that does not run
 * @error: filled on failure; may be NULL
 *
 * Returns once connections are accepted. When it fails, no thread, process, descriptor or socket is left of it. A server
 * that has stopped can be started again.
 *
 * 0 says that it has started, and not that it still runs: gate_server_stop(), on another thread, or with
 * "die-with-parent" the end of the parent, may have stopped it already. gate_server_address() tells.
 *
 * Return: 0; GATE_E_USAGE when it has been started already, or when a path is not what it was; GATE_E_START;
 * GATE_E_INTERNAL.
 */
int gate_server_start(struct gate_server *server, struct gate_error *error);

/**
 * gate_server_address() - where clients connect to, as "http://127.0.0.1:PORT" or "unix:PATH"
 * @server: of any state
 *
 * Return: a text that is the server's and stays until it is started again or freed; NULL when it does not serve.
 */
const char *gate_server_address(const struct gate_server *server);

/**
 * gate_server_stop() - stop serving as git-gate does on SIGTERM, and wait for the end
 * @server: of any state
 *
 * Nobody is accepted any more, running requests may finish for "drain-timeout", what is left is ended, a Unix socket is
 * removed. A further call, from another thread, while one waits, ends at once what is left, and waits as well. One that
 * comes while the server starts, stops it as soon as it has. On a server that does not run, nothing happens.
 *
 * Return: 0; GATE_E_INTERNAL when serving had ended by a fault before.
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
 * Return: 0, -EINVAL when @prefix makes no token, -ENOBUFS when @size is too small, or a negative errno of getrandom(2).
 */
int gate_mint_token(char *token, size_t size, const char *prefix);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
