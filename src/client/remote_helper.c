/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Runs git-remote-gate. Git's HTTP helper does all the work, through a loopback port that leads to the gate's socket.
 * The port exists only while the helper runs. The helper gets standard input and output, so git talks to it alone. The
 * token must be nowhere but in memory here and in the helper's environment.
 */

#include "client/remote_helper.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "client/bridge.h"
#include "client/dial.h"
#include "client/patience.h"
#include "client/refusal.h"
#include "client/remote_environ.h"
#include "client/remote_input.h"
#include "client/remote_port.h"
#include "client/remote_settings.h"
#include "client/remote_url.h"

static const char program[] = "git-remote-gate";
static const char names[] = "GIT_GATE_SOCKET, gate.socket or ?socket=PATH";

/*
 * @refusal: how the gate first refused something
 * @was_silent: the gate was silent for the whole time-out, and git's HTTP helper was told to end
 * @was_cut: a connection ended without an answer
 */
struct remote_helper {
    struct remote_url url;
    struct remote_settings settings;
    struct bridge bridge;
    pid_t child;
    enum refusal refusal;
    bool was_silent;
    bool was_cut;
};

/* ---- words ---- */

static int fail(const struct gate_error *error) {
    (void)fprintf(stderr, "%s: %s\n", program, error->message);
    return REMOTE_HELPER_FAILED;
}

static int explain_refusal(const struct remote_helper *helper, struct gate_error *error) {
    const char *socket = helper->settings.socket;
    const char *source = helper->settings.token_source;

    switch (helper->refusal) {
    case REFUSAL_STRANGER:
        return gate_error_set(error, GATE_E_INTERNAL,
                              "'%s' is not the socket of a git-gate: the answer from there is not a gate's; %s names "
                              "another",
                              socket, names);
    case REFUSAL_ANONYMOUS:
        return gate_error_set(error, GATE_E_INTERNAL,
                              "'%s' got no token: git older than 2.31 does not pass it on; install a newer one, or use "
                              "http:// and git-gate-bridge, which serve it",
                              socket);
    case REFUSAL_TOKEN:
        return gate_error_set(error, GATE_E_INTERNAL,
                              "the token in %s is not that of the gate at '%s': get it from whoever started the gate",
                              source, socket);
    case REFUSAL_SCOPE:
        return gate_error_set(error, GATE_E_INTERNAL,
                              "the token in %s is for another repository than %s.git: check the name in the URL, or "
                              "set the token for it",
                              source, helper->url.repository);
    case REFUSAL_NO_REPOSITORY:
        return gate_error_set(error, GATE_E_INTERNAL,
                              "the gate at '%s' has no repository %s.git: check the name in the URL, and --mirror-root "
                              "of 'git-gate serve'",
                              socket, helper->url.repository);
    case REFUSAL_TOO_LARGE:
        return gate_error_set(
            error, GATE_E_INTERNAL,
            "the gate at '%s' takes no request of this size: push or fetch fewer refs at once, or have "
            "it started with another --max-push-bytes or, for a fetch, --max-negotiation-bytes",
            socket);
    case REFUSAL_FORBIDDEN:
        return gate_error_set(error, GATE_E_INTERNAL,
                              "the gate at '%s' refuses this with status 403 and no reason that this program knows: "
                              "check the token in %s, whether it is for %s.git, and whether the gate is read-only",
                              socket, source, helper->url.repository);
    case REFUSAL_NONE:
        break;
    }
    return 0;
}

/* Adds the reason that git's helper could not know. Return: 0 when there is nothing to add. */
static int explain(const struct remote_helper *helper, struct gate_error *error) {
    const char *socket = helper->settings.socket;
    _cleanup_fd_ int fd = -1;
    int r;

    if (helper->was_silent) {
        return gate_error_set(error, GATE_E_INTERNAL,
                              "the gate at '%s' does not go on for %lld s; is it stopped, or busy? GIT_GATE_TIMEOUT "
                              "says how long to wait",
                              socket, (long long)helper->settings.timeout_ms / 1000);
    }
    if (helper->refusal != REFUSAL_NONE) {
        return explain_refusal(helper, error);
    }
    r = dial_open(&fd, socket);
    if (r == -ENOENT || r == -ECONNREFUSED) {
        return gate_error_set(error, GATE_E_INTERNAL,
                              "the gate at '%s' has stopped in the middle: start it again, and then this command",
                              socket);
    }
    if (helper->bridge.cause != 0) {
        return dial_explain(socket, helper->bridge.cause, names, error);
    }
    return helper->was_cut ? gate_error_set(error, GATE_E_INTERNAL,
                                            "the gate at '%s' ended the connection without an answer: it has no room, "
                                            "or failed, as its log says; try again",
                                            socket)
                           : 0;
}

/* ---- the connections ---- */

static void on_end(const struct relay *relay, void *userdata) {
    struct remote_helper *helper = userdata;
    enum refusal refusal = refusal_parse(relay_words(relay));

    if (helper->refusal == REFUSAL_NONE && (refusal != REFUSAL_STRANGER || relay->n_turns <= 1)) {
        helper->refusal = refusal; /* after the first answer, the words may be from the middle of another */
    }
    /* The relay may read the gate's end of file before poll(2) reports the hang-up. The helper may exit in between. */
    helper->was_cut |=
        relay->gate >= 0 && relay->n_words == 0 && (relay->gate_is_gone || relay->down.state != RELAY_OPEN);
}

/* Whether a gate that was asked something has neither sent nor taken a byte for the whole time-out. */
static bool is_silent(const struct remote_helper *helper) {
    int64_t now_ms = clock_now_ms();

    for (size_t i = 0; i < helper->bridge.n_relays; i++) {
        const struct relay *relay = helper->bridge.relays[i];

        if (relay->has_asked && now_ms - relay->since_ms >= helper->settings.timeout_ms) {
            return true;
        }
    }
    return false;
}

/* ---- git's HTTP helper ---- */

/*
 * The URL is passed in place of the remote's name, too. A remote's own settings, such as its proxy, would outrank those
 * for an address, and must not reach a gate.
 */
static void become_http_helper(const struct remote_helper *helper, pid_t parent, const sigset_t *signals) {
    char address[BRIDGE_ADDRESS_MAX];
    char url[BRIDGE_ADDRESS_MAX + ROUTE_REPOSITORY_MAX_BYTES + sizeof("/.git")];
    struct gate_error error;

    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) {
        _exit(REMOTE_HELPER_FAILED); /* the parent has died already */
    }
    bridge_address(&helper->bridge, address);
    (void)snprintf(url, sizeof(url), "%s/%s.git", address, helper->url.repository);
    if (remote_environ_set(address, helper->settings.token) < 0) {
        (void)gate_error_set(&error, GATE_E_INTERNAL,
                             "cannot pass the token to git's HTTP helper: check GIT_CONFIG_COUNT in the environment");
        _exit(fail(&error));
    }
    (void)sigprocmask(SIG_SETMASK, signals, NULL);
    (void)execlp("git-remote-http", "git-remote-http", url, url, (char *)NULL);
    (void)gate_error_set(&error, GATE_E_INTERNAL,
                         "git's HTTP helper git-remote-http cannot be run: %s; install git with it, and start this "
                         "program by git",
                         strerror(errno));
    _exit(fail(&error));
}

static void on_child(int signal) {
    (void)signal; /* it only ends a wait */
}

static int start_child(struct remote_helper *helper, sigset_t *waiting, struct gate_error *error) {
    struct sigaction action = {.sa_handler = on_child};
    pid_t self = getpid();
    sigset_t child;

    (void)sigemptyset(&child);
    (void)sigaddset(&child, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &child, waiting);
    (void)sigaction(SIGCHLD, &action, NULL);
    helper->child = fork();
    if (helper->child == 0) {
        become_http_helper(helper, self, waiting);
    }
    (void)sigdelset(waiting, SIGCHLD);
    return helper->child > 0 ? 0
                             : gate_error_set(error, GATE_E_INTERNAL, "cannot start a process: %s", strerror(errno));
}

/* Return: whether it has ended. */
static bool has_ended(const struct remote_helper *helper, int *statusp) {
    return waitpid(helper->child, statusp, WNOHANG) != 0;
}

/* Ends the child by SIGTERM, or by SIGKILL if it does not end in time. */
static void end_child(struct remote_helper *helper, const sigset_t *waiting, int *statusp) {
    int64_t deadline_ms = clock_now_ms() + REMOTE_HELPER_LAST_WORDS_MS;

    (void)kill(helper->child, SIGTERM);
    while (!has_ended(helper, statusp)) {
        int64_t left_ms = deadline_ms - clock_now_ms();

        if (left_ms <= 0) {
            (void)kill(helper->child, SIGKILL);
            (void)waitpid(helper->child, statusp, 0);
            return;
        }
        (void)bridge_step(&helper->bridge, (int)left_ms, waiting);
    }
}

/*
 * Passes bytes on until the child has ended. Each step reads first and then looks for silence, since bytes may have
 * come while this process was stopped, for example by Ctrl-Z. Return: the child's status, as of waitpid(2).
 */
static int await_child(struct remote_helper *helper, const sigset_t *waiting) {
    int64_t hung_up_ms = 0;
    int status = 0;

    while (!has_ended(helper, &status)) {
        int r = bridge_step(&helper->bridge, REMOTE_HELPER_LOOK_MS, waiting);

        if (helper->bridge.has_come && hung_up_ms == 0) {
            hung_up_ms = clock_now_ms();
        }
        helper->was_silent = is_silent(helper);
        if (helper->was_silent || (r && r != -EINTR) ||
            (hung_up_ms != 0 && clock_now_ms() - hung_up_ms >= REMOTE_HELPER_HANGUP_MS)) {
            end_child(helper, waiting, &status);
            break;
        }
    }
    return status;
}

/*
 * Reads git's next command, if there may be one: git is killed by SIGPIPE if it writes and nobody reads. When the HTTP
 * helper exits with REMOTE_HELPER_FAILED, git is waiting for an answer and writes nothing. When the helper ended by a
 * signal or with another status, without being told to end, git may be about to write.
 */
static void drain_git(const struct remote_helper *helper, int status) {
    bool is_waiting = WIFEXITED(status) && WEXITSTATUS(status) == REMOTE_HELPER_FAILED;

    remote_input_drain(is_waiting || helper->was_silent || helper->bridge.has_come ? 0 : REMOTE_INPUT_NEXT_MS);
}

/* ---- begin and end ---- */

/*
 * The first connection only tests whether there is a gate, and is closed at once. It is not kept for git's HTTP helper:
 * a full gate would end it before the helper speaks.
 */
static int open_bridge(struct remote_helper *helper, struct gate_error *error) {
    struct bridge *bridge = &helper->bridge;
    int probe = -1;
    int r = patience_dial(&probe, bridge->socket_path, helper->settings.wait_ms, program, bridge->watched);

    if (r) {
        return dial_explain(bridge->socket_path, -r, names, error);
    }
    (void)fd_close(probe);
    return remote_port_open(bridge, error);
}

static int prepare(struct remote_helper *helper, char *argv[], struct gate_error *error) {
    const char *url = argv[1] && argv[2] ? argv[2] : argv[1] ? argv[1] : "";
    int r = remote_url_parse(&helper->url, url);

    if (r) {
        return gate_error_set(
            error, GATE_E_USAGE,
            "this is not the URL of a gate: %s (a gate's is gate:///NAME.git or gate:///NAME, with or "
            "without ?socket=PATH)",
            helper->url.fault);
    }
    r = remote_settings_find(&helper->settings, &helper->url, error);
    if (!r) {
        bridge_init(&helper->bridge, helper->settings.socket, 0);
        helper->bridge.is_private = true;
        helper->bridge.watched = STDOUT_FILENO; /* not stdin, which git closes while a pack is still on its way */
        helper->bridge.on_end = on_end;
        helper->bridge.userdata = helper;
        r = open_bridge(helper, error);
    }
    return r;
}

int remote_helper(char *argv[]) {
    static struct remote_helper helper; /* a dozen kilobytes */
    struct gate_error error = {0};
    sigset_t waiting;
    int status;
    int r;

    (void)prctl(PR_SET_PDEATHSIG, SIGTERM); /* the parent is "git remote-gate", which git runs for this process alone */
    (void)signal(SIGCHLD, SIG_DFL);         /* it may be inherited as ignored, and waiting would fail: wait(2) */
    r = prepare(&helper, argv, &error);
    if (!r) {
        remote_input_await(REMOTE_INPUT_FIRST_MS); /* the child or drain_git() reads it */
        r = start_child(&helper, &waiting, &error);
    }
    remote_settings_deinit(&helper.settings);
    if (r) {
        (void)fail(&error);
        remote_input_drain(REMOTE_INPUT_FIRST_MS);
        return REMOTE_HELPER_FAILED;
    }
    status = await_child(&helper, &waiting);
    bridge_deinit(&helper.bridge);
    if ((status != 0 || helper.refusal != REFUSAL_NONE) && explain(&helper, &error)) {
        (void)fail(&error); /* for a refused fetch, the HTTP helper may exit with 0, and git fails by itself */
    }
    if (status != 0) {
        drain_git(&helper, status);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : REMOTE_HELPER_FAILED;
}
