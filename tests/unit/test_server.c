/* SPDX-License-Identifier: Apache-2.0 */

/* A whole server: the obstacles to its start, and the stages of its stop. */

#include "unit_gate.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "serve/deadline.h"
#include "serve/server.h"
#include "unit_clock.h"

static struct server server;
static struct gate_error failure;

/* The start looks for the real git. After that a script stands in its place. */
static int begin(void) {
    struct log log;
    int r;

    log_init(&log, site.log_fd, LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT);
    r = server_start(&server, &site.settings, &log, &site.loop, &failure);
    if (!r) {
        free(server.gate.git.program);
        server.gate.git.program = strdup(site.backend);
    }
    return r;
}

static void end(void) {
    server_deinit(&server);
    assert_true(access("sock", F_OK) != 0);
    assert_true(LIST_EMPTY(&server.gate.exchanges));
}

static void advance(uint64_t ms) {
    clock_advance_ms(ms);
    (void)loop_round(&site.loop, 0);
    site_settle();
}

static int ask(const char *text) {
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "sock"};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    site_settle();
    return fd;
}

static void test_start(void **state) {
    (void)state;
    assert_int_equal(begin(), 0);
    assert_int_equal(server.gate.stage, GATE_SERVING);
    assert_string_equal(server.gate.listener.address, "unix:sock");
    expect_logged("log", " notice serving address=unix:sock ");
    end();
}

static void test_no_start(void **state) {
    static char good[] = "r";
    static char other[] = "other";
    static char *const others[] = {good, other, NULL}; /* each of them has to be there */
    char *const *scopes = site.settings.policy.scopes;

    (void)state;
    site.settings.policy.scopes = others;
    assert_int_equal(begin(), GATE_E_USAGE);
    assert_non_null(strstr(failure.message, "other.git"));
    site.settings.policy.scopes = scopes;
    site.settings.listener.socket_path = "r.git/HEAD";
    assert_int_equal(begin(), GATE_E_START);
    assert_true(access("r.git/HEAD", F_OK) == 0);
    site.settings.listener.socket_path = "sock";
    site.settings.die_with_parent = true; /* and it is in another PID namespace */
    assert_int_equal(begin(), GATE_E_START);
    assert_non_null(strstr(failure.message, "--die-with-parent"));
    assert_true(access("sock", F_OK) != 0);
}

static void test_stop_at_rest(void **state) {
    int fd;

    (void)state;
    assert_int_equal(begin(), 0);
    fd = ask("");
    server_stop(&server);
    assert_int_equal(server.gate.stage, GATE_DRAINING); /* the client may have a request on its way */
    clock_advance_ms(DEADLINE_DRAIN_GRACE_MS);
    SITE_AWAIT("stopped", server.gate.stage == GATE_STOPPED);
    assert_int_equal(loop_run(&site.loop), 0); /* which returns at once */
    assert_true(access("sock", F_OK) != 0);
    assert_int_equal(close(fd), 0);
    end();
}

/* A process that ignores all signals takes the stop through all of its stages. */
static void test_stages(void **state) {
    char script[PATH_MAX + 100];
    int fd;

    (void)state;
    (void)snprintf(script, sizeof(script), "trap '' TERM; : >%s/begun; exec sleep 1000", folder.path);
    site_backend(script);
    assert_int_equal(begin(), 0);
    fd = ask(GET_REFS GOOD_TOKEN "\r\n");
    SITE_AWAIT("begun", access("begun", F_OK) == 0);
    assert_int_equal(server.gate.turns.n_running, 1);
    server_stop(&server);
    assert_int_equal(server.gate.stage, GATE_DRAINING);
    advance(4000 - 1);
    assert_int_equal(server.gate.stage, GATE_DRAINING);
    assert_int_equal(server.crowd.n_connections, 1);
    advance(1);
    assert_int_equal(server.gate.stage, GATE_ENDING);
    assert_int_equal(server.crowd.n_connections, 0);
    server_stop(&server); /* changes nothing */
    assert_int_equal(server.gate.stage, GATE_ENDING);
    advance(SERVER_HANGUP_TIMEOUT_MS);
    assert_int_equal(server.gate.stage, GATE_TELLING);
    clock_advance_ms(SERVER_TERMINATE_TIMEOUT_MS);
    (void)loop_round(&site.loop, 0);
    assert_int_equal(server.gate.stage, GATE_KILLING);
    SITE_AWAIT("killed", server.gate.stage == GATE_STOPPED);
    assert_int_equal(server.gate.turns.n_running, 0);
    assert_int_equal(close(fd), 0);
    end();
}

/* The running request may finish, and then the server ends. */
static void test_drain(void **state) {
    char response[1000] = "";
    int fd;

    (void)state;
    site_backend("read -r line; printf 'Content-Type: text/plain\\r\\n\\r\\n'");
    assert_int_equal(begin(), 0);
    fd = ask(POST_PUSH GOOD_TOKEN "Content-Length: 4\r\n\r\n00");
    server_stop(&server);
    assert_int_equal(server.gate.stage, GATE_DRAINING);
    assert_int_equal(write(fd, "00", 2), 2);
    SITE_AWAIT("stopped", server.gate.stage == GATE_STOPPED);
    assert_true(recv(fd, response, sizeof(response) - 1, 0) > 0);
    assert_non_null(strstr(response, "200 OK"));
    assert_non_null(strstr(response, "\r\nConnection: close\r\n"));
    assert_int_equal(close(fd), 0);
    end();
}

static void test_second_stop(void **state) {
    int fd;

    (void)state;
    site_backend("exec sleep 1000");
    assert_int_equal(begin(), 0);
    fd = ask(GET_REFS GOOD_TOKEN "\r\n");
    server_stop(&server);
    server_stop(&server);
    assert_int_equal(server.gate.stage, GATE_ENDING);
    expect_logged("log", "the gate stopped before the request was done; see --drain-timeout");
    SITE_AWAIT("stopped", server.gate.stage == GATE_STOPPED);
    assert_int_equal(close(fd), 0);
    end();
}

/* The parent's end starts a stop, and does not hurry a running one. */
static void test_parent_ended(void **state) {
    int fd;

    (void)state;
    assert_int_equal(begin(), 0);
    fd = ask(POST_PUSH GOOD_TOKEN "Content-Length: 4\r\n\r\n00");
    server_parent_ended(&server);
    assert_int_equal(server.gate.stage, GATE_DRAINING);
    server_parent_ended(&server);
    assert_int_equal(server.gate.stage, GATE_DRAINING);
    assert_int_equal(close(fd), 0);
    SITE_AWAIT("stopped", server.gate.stage == GATE_STOPPED);
    end();
}

/* The server reaps orphans, and leaves the process of an exchange to that exchange. */
static void test_orphans(void **state) {
    char script[PATH_MAX + 100];
    siginfo_t info;
    pid_t orphan;
    int fd;

    (void)state;
    (void)snprintf(script, sizeof(script), "while [ ! -e %s/go ]; do sleep 0.01; done", folder.path);
    site_backend(script);
    assert_int_equal(begin(), 0);
    fd = ask(GET_REFS GOOD_TOKEN "\r\n");
    assert_int_equal(server.gate.turns.n_running, 1);
    folder_write("go", SPAN(""));
    assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
    server_reap_orphans(&server);
    assert_true(server.orphans_wait);
    orphan = fork();
    if (orphan == 0) {
        _exit(0);
    }
    assert_int_equal(waitid(P_PID, (id_t)orphan, &info, WEXITED | WNOWAIT), 0);
    SITE_AWAIT("gone", server.gate.turns.n_running == 0);
    assert_true(waitpid(orphan, NULL, WNOHANG) < 0 && errno == ECHILD);
    assert_int_equal(close(fd), 0);
    end();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        AT_SITE(test_start), AT_SITE(test_no_start),    AT_SITE(test_stop_at_rest), AT_SITE(test_stages),
        AT_SITE(test_drain), AT_SITE(test_second_stop), AT_SITE(test_parent_ended), AT_SITE(test_orphans),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
