/* SPDX-License-Identifier: Apache-2.0 */

/* Runs the command git-gate bridge: it connects a loopback port to a gate's socket, for programs that need http://. */

#include "client/bridge_command.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/un.h>

#include "base/argument.h"
#include "base/fd.h"
#include "base/loopback.h"
#include "client/bridge.h"
#include "client/dial.h"
#include "client/patience.h"
#include "client/restraint.h"
#include "client/vsock.h"

static const char names[] = "--socket=PATH or GIT_GATE_SOCKET";

enum {
    OTHER_DESCRIPTORS = 16,
};

struct bridge_options {
    const char *listen;
    const char *socket;
    bool wants_help;
};

static void print_help(const char *program) {
    printf("usage: %s --listen=HOST:PORT [--socket=PATH]\n"
           "\n"
           "Listens on a loopback port and passes every connection on to the socket of a gate,\n"
           "until SIGTERM. git itself needs no bridge: git clone gate:///NAME.git, see\n"
           "git-remote-gate(1).\n"
           "\n"
           "  --listen=HOST:PORT  where to listen, on the loopback; port 0 picks a free port\n"
           "  --socket=PATH       the gate's Unix socket, or vsock:CID:PORT [GIT_GATE_SOCKET, or\n"
           "                      %s]\n"
           "\n"
           "The variable GIT_GATE_WAIT says for how many seconds a client waits for a gate that does\n"
           "not listen yet [%d].\n",
           program, dial_default_socket, PATIENCE_S);
}

static int parse(struct bridge_options *options, const char *program, char *argv[], struct gate_error *error) {
    static const char *const names_of_options[] = {"listen", "socket", "help", NULL};
    static const char *const once[] = {"--listen", "--socket", NULL};
    int r = argument_check_once(argv, once, "bridge", error);

    if (r) {
        return r;
    }
    for (int i = 1; argv[i]; i++) {
        const char *argument = argv[i];
        char *value = NULL;

        if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0) {
            options->wants_help = true;
            return 0;
        }
        if (argument_take("--listen", argv, &i, &value)) {
            options->listen = value;
        } else if (argument_take("--socket", argv, &i, &value)) {
            options->socket = value;
        } else if (argument[0] == '-') {
            return argument_refuse(argument, names_of_options, "--", program, error);
        } else {
            return gate_error_set(error, GATE_E_USAGE,
                                  "a bridge takes --listen=HOST:PORT and --socket=PATH, and not '%.*s'",
                                  argument_name_size(argument), argument);
        }
        if (!value || !*value) {
            return gate_error_set(error, GATE_E_USAGE, "%.*s needs a value", argument_name_size(argument), argument);
        }
    }
    if (!options->listen) {
        return gate_error_set(error, GATE_E_USAGE, "where to listen? Give --listen=127.0.0.1:PORT; port 0 picks one");
    }
    return 0;
}

static int explain_restraint(const char *text, int cause, struct gate_error *error) {
    char who[RESTRAINT_WHO_MAX];
    struct restraint restraint;
    const char *remedy;

    restraint_find(&restraint, RESTRAINT_FOLDER);
    remedy = restraint_who(&restraint, cause, who);
    return gate_error_set(error, GATE_E_START, "cannot listen on --listen=%s: %s; %s refuses it; %s", text,
                          strerror(cause), who, remedy);
}

static int listen_on(struct bridge *bridge, const char *text, struct gate_error *error) {
    struct sockaddr_storage address;
    socklen_t size;
    int r;

    if (!loopback_parse(text, &address, &size)) {
        return gate_error_set(
            error, GATE_E_USAGE,
            "--listen=%s is not HOST:PORT on the loopback; use 127.0.0.1:PORT or [::1]:PORT, with a PORT of 0 to "
            "65535",
            text);
    }
    r = bridge_listen(bridge, &address, size);
    if (r == -EPERM) {
        return explain_restraint(text, -r, error);
    }
    return r ? gate_error_set(error, GATE_E_START,
                              "cannot listen on --listen=%s: %s; choose another port, 0 picks a free one", text,
                              strerror(-r))
             : 0;
}

/*
 * Signals arrive on a descriptor: a busy bridge never waits, and so would never unblock them. Return: the descriptor,
 * or a negative errno.
 */
static int open_signals(void) {
    sigset_t stops;
    int fd;

    (void)sigemptyset(&stops);
    (void)sigaddset(&stops, SIGTERM);
    (void)sigaddset(&stops, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &stops, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    fd = signalfd(-1, &stops, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

/* Each client needs two descriptors. */
static void raise_limit(void) {
    const rlim_t needed = 2 * BRIDGE_MAX_CLIENTS + OTHER_DESCRIPTORS;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < needed) {
        limit.rlim_cur = limit.rlim_max < needed ? limit.rlim_max : needed;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* with fewer, further clients wait */
    }
}

/* Prints why there is no gate, once for each period without one, and not for each client. */
static void complain(const char *program, struct bridge *bridge, int *said_causep) {
    struct gate_error error;

    if (bridge->cause != 0 && bridge->cause != *said_causep) {
        (void)dial_explain(bridge->socket_path, bridge->cause, names, &error);
        (void)fprintf(stderr, "%s: %s\n", program, error.message);
    }
    *said_causep = bridge->cause;
}

/* Prints that clients wait, once for each period in which they do. */
static void tell(const char *program, const struct bridge *bridge, bool *has_toldp) {
    int64_t waited_ms = bridge_waited_ms(bridge);

    *has_toldp =
        waited_ms > 0 && (*has_toldp || patience_tell(program, bridge->socket_path, waited_ms, bridge->patience_ms));
}

static int serve(const char *program, struct bridge *bridge, struct gate_error *error) {
    bool has_told = false;
    int said_cause = 0;

    while (!bridge->has_come) {
        int r = bridge_step(bridge, -1, NULL);

        if (r && r != -EINTR) {
            return gate_error_set(error, GATE_E_INTERNAL, "cannot wait for clients: %s", strerror(-r));
        }
        complain(program, bridge, &said_cause);
        tell(program, bridge, &has_told);
    }
    return 0;
}

static int run(const char *program, struct bridge *bridge, const struct bridge_options *options,
               struct gate_error *error) {
    char address[BRIDGE_ADDRESS_MAX];
    _cleanup_fd_ int signals = open_signals();
    int r;

    if (signals < 0) {
        return gate_error_set(error, GATE_E_INTERNAL, "cannot wait for signals: %s", strerror(-signals));
    }
    raise_limit();
    r = listen_on(bridge, options->listen, error);
    if (r) {
        return r;
    }
    bridge->watched = signals;
    bridge->watched_events = POLLIN;
    bridge_address(bridge, address);
    printf("listening %s\n", address);
    (void)fflush(stdout); /* if nobody reads it, the bridge serves all the same */
    return serve(program, bridge, error);
}

int bridge_command(const char *program, char *argv[], struct gate_error *error) {
    struct bridge_options options = {.socket = getenv("GIT_GATE_SOCKET")};
    static struct bridge bridge; /* a dozen kilobytes */
    int64_t patience_ms = 0;
    int r = parse(&options, program, argv, error);

    if (r) {
        return r;
    }
    if (options.wants_help) {
        print_help(program);
        return 0;
    }
    if (!options.socket || !*options.socket) {
        options.socket = dial_default_socket;
    }
    if (loopback_is_address(options.socket) && !vsock_is_address(options.socket)) {
        return gate_error_set(
            error, GATE_E_USAGE,
            "'%s' is an address, and not the path of a gate's socket, which %s names; for the bridge's own "
            "address there is --listen=HOST:PORT",
            options.socket, names);
    }
    options.socket = dial_path(options.socket);
    if (strlen(options.socket) >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
        return dial_explain(options.socket, ENAMETOOLONG, names, error);
    }
    r = patience_find(&patience_ms, error);
    if (r) {
        return r;
    }
    bridge_init(&bridge, options.socket, patience_ms);
    r = run(program, &bridge, &options, error);
    bridge_deinit(&bridge);
    return r;
}
