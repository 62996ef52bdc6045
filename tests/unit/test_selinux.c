/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The label of a socket: the calls of libselinux, their order around socket(2), and the effect of a refusal. Functions
 * below replace libselinux, and socket(2) to record its call. selinux.c is built with its option set.
 */

#include "unit_child.h"

#include <linux/seccomp.h>
#include <sys/prctl.h>

#include "confine/landlock.h"
#include "confine/selinux.h"
#include "selinux/selinux.h"
#include "serve/confinement.h"
#include "serve/gate.h"
#include "serve/listener.h"

/* The system's answers, and the calls so far, each as a letter with the label in brackets. */
static struct {
    int enabled;
    int label_errno;
    int reset_errno;
    int labelled_socket_errno;
    int plain_socket_errno;
    bool is_labelling;
    char calls[1024];
} fake;

int __real_socket(int family, int kind, int protocol);
int __wrap_socket(int family, int kind, int protocol);

static void note(const char *before, const char *text, const char *after) {
    size_t size = strlen(fake.calls);

    (void)snprintf(fake.calls + size, sizeof(fake.calls) - size, "%s%s%s", before, text, after);
}

static int answer(int cause) {
    errno = cause ? cause : errno;
    return cause ? -1 : 0;
}

int is_selinux_enabled(void) {
    return fake.enabled;
}

int setsockcreatecon(const char *context) {
    int cause = context ? fake.label_errno : fake.reset_errno;

    note(context ? "label[" : "reset", context ? context : "", context ? "] " : " ");
    fake.is_labelling = cause ? fake.is_labelling : context != NULL;
    return answer(cause);
}

int __wrap_socket(int family, int kind, int protocol) {
    note("socket ", "", "");
    return answer(fake.is_labelling ? fake.labelled_socket_errno : fake.plain_socket_errno)
               ? -1
               : __real_socket(family, kind, protocol);
}

#define LABEL "label[system_u:object_r:git_gate_socket_t:s0] "

static const struct {
    const char *name;
    const char *type;
    int enabled;
    int label_errno;
    int reset_errno;
    int labelled_socket_errno;
    int plain_socket_errno;
    enum selinux_label label;
    int cause; /* why there is no socket; 0 when there is one */
    const char *calls;
} cases[] = {
    {"a label", "git_gate_socket_t", 1, 0, 0, 0, 0, SELINUX_LABEL_SET, 0, LABEL "socket reset "},
    {"another label", "terok_socket_t", 1, 0, 0, 0, 0, SELINUX_LABEL_SET, 0,
     "label[system_u:object_r:terok_socket_t:s0] socket reset "},
    {"no label wanted", NULL, 1, 0, 0, 0, 0, SELINUX_LABEL_OFF, 0, "socket "},
    {"SELinux is off", "git_gate_socket_t", 0, 0, 0, 0, 0, SELINUX_LABEL_OFF, 0, "socket "},
    {"nobody knows whether it is on", "git_gate_socket_t", -1, 0, 0, 0, 0, SELINUX_LABEL_OFF, 0, "socket "},
    {"the policy has no such type", "git_gate_socket_t", 1, EINVAL, 0, 0, 0, SELINUX_LABEL_UNKNOWN, 0, LABEL "socket "},
    {"the policy refuses to ask for it", "git_gate_socket_t", 1, EACCES, 0, 0, 0, SELINUX_LABEL_REFUSED, 0,
     LABEL "socket "},
    {"the policy refuses the socket with it", "git_gate_socket_t", 1, 0, 0, EACCES, 0, SELINUX_LABEL_REFUSED, 0,
     LABEL "socket reset socket "},
    {"no socket at all", "git_gate_socket_t", 1, 0, 0, EMFILE, EMFILE, SELINUX_LABEL_REFUSED, EMFILE,
     LABEL "socket reset socket "},
    {"no socket, and SELinux is off", "git_gate_socket_t", 0, 0, 0, 0, EMFILE, SELINUX_LABEL_OFF, EMFILE, "socket "},
    {"the reset fails", "git_gate_socket_t", 1, 0, EACCES, 0, 0, SELINUX_LABEL_REFUSED, 0,
     LABEL "socket reset socket "},
};

static void begin(size_t i) {
    memset(&fake, 0, sizeof(fake));
    fake.enabled = cases[i].enabled;
    fake.label_errno = cases[i].label_errno;
    fake.reset_errno = cases[i].reset_errno;
    fake.labelled_socket_errno = cases[i].labelled_socket_errno;
    fake.plain_socket_errno = cases[i].plain_socket_errno;
}

/* The lowest free descriptor: it stays the same if nothing leaks. */
static int lowest_free(void) {
    int fd = dup(STDERR_FILENO);

    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    return fd;
}

static void test_order(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *name = cases[i].name;
        enum selinux_label label = SELINUX_LABEL_SET;
        int free_before = lowest_free();
        int fd;

        begin(i);
        fd = selinux_socket(&label, cases[i].type, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK);
        expect_int(name, fd < 0 ? errno : 0, cases[i].cause);
        expect_int(name, label, cases[i].label);
        expect_text(name, fake.calls, cases[i].calls);
        if (fd >= 0) {
            expect_true(name, fcntl(fd, F_GETFL) & O_NONBLOCK);
            expect_true(name, fcntl(fd, F_GETFD) & FD_CLOEXEC);
            assert_int_equal(close(fd), 0);
        }
        expect_int(name, lowest_free(), free_before);
    }
}

static void test_type_too_long(void **state) {
    char type[1024];
    enum selinux_label label;
    int fd;

    (void)state;
    memset(type, 'a', sizeof(type));
    type[sizeof(type) - 1] = '\0';
    begin(0);
    fd = selinux_socket(&label, type, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    assert_int_equal(label, SELINUX_LABEL_UNKNOWN);
    assert_string_equal(fake.calls, "socket "); /* a cut label would be another one */
}

/* Loading the module helps only if the policy lacks the type. */
static void test_failure_names_what_mends_it(void **state) {
    (void)state;
    assert_non_null(strstr(selinux_failure(SELINUX_LABEL_UNKNOWN), "module git_gate by selinux/install"));
    assert_non_null(strstr(selinux_failure(SELINUX_LABEL_UNKNOWN), "--selinux-type"));
    assert_non_null(strstr(selinux_failure(SELINUX_LABEL_REFUSED), "this domain"));
    assert_null(strstr(selinux_failure(SELINUX_LABEL_REFUSED), "install"));
    assert_null(selinux_failure(SELINUX_LABEL_OFF));
    assert_null(selinux_failure(SELINUX_LABEL_SET));
}

/* Of all sockets of the listener, only the one at a path gets the label. */
static void test_listener(void **state) {
    struct listener_settings settings = {
        .socket_path = "sock", .inherited_fd = -1, .selinux_type = "git_gate_socket_t", .access = {.mode = 0600}};
    struct listener_settings inherited = {.selinux_type = "git_gate_socket_t"};
    struct listener_settings tcp = {
        .tcp_address = "127.0.0.1:0", .inherited_fd = -1, .selinux_type = "git_gate_socket_t"};
    struct listener listener;
    struct listener second;

    (void)state;
    begin(0);
    assert_int_equal(listener_open(&listener, &settings, NULL), 0);
    assert_int_equal(listener.label, SELINUX_LABEL_SET);
    assert_string_equal(fake.calls, LABEL "socket reset ");

    begin(0);
    assert_int_equal(listener_open(&second, &settings, NULL), GATE_E_START); /* a probe finds that it is in use */
    assert_string_equal(fake.calls, "socket ");

    begin(0);
    inherited.inherited_fd = listener.fd;
    assert_int_equal(listener_open(&second, &inherited, NULL), 0);
    assert_int_equal(second.label, SELINUX_LABEL_OFF);
    assert_string_equal(fake.calls, "");
    listener_close(&second);
    listener_close(&listener);

    begin(0);
    assert_int_equal(listener_open(&listener, &tcp, NULL), 0);
    assert_int_equal(listener.label, SELINUX_LABEL_OFF);
    assert_string_equal(fake.calls, "socket ");
    listener_close(&listener);
}

/* If the policy refuses the label, only the label is lost. */
static void test_listener_without_label(void **state) {
    struct listener_settings settings = {
        .socket_path = "sock", .inherited_fd = -1, .selinux_type = "git_gate_socket_t", .access = {.mode = 0600}};
    struct listener listener;

    (void)state;
    begin(0);
    fake.labelled_socket_errno = EACCES;
    assert_int_equal(listener_open(&listener, &settings, NULL), 0);
    assert_int_equal(listener.label, SELINUX_LABEL_REFUSED);
    assert_string_equal(listener.address, "unix:sock");
    assert_true(listener.fd >= 0);
    listener_close(&listener);
}

/* The message for each label, and whether it is an error. */
static const struct {
    const char *name;
    enum confine_mode mode;
    enum selinux_label label;
    int r;
    const char *said; /* NULL for nothing */
    bool is_warned;
} said_cases[] = {
    {"none", CONFINE_AUTO, SELINUX_LABEL_OFF, 0, " selinux=off ", false},
    {"none, required", CONFINE_REQUIRE, SELINUX_LABEL_OFF, 0, " selinux=off ", false},
    {"labelled", CONFINE_AUTO, SELINUX_LABEL_SET, 0, " selinux=my_type_t ", false},
    {"labelled, required", CONFINE_REQUIRE, SELINUX_LABEL_SET, 0, " selinux=my_type_t ", false},
    {"unknown", CONFINE_AUTO, SELINUX_LABEL_UNKNOWN, 0, " selinux=failed ", true},
    {"unknown, required", CONFINE_REQUIRE, SELINUX_LABEL_UNKNOWN, GATE_E_START, NULL, false},
    {"refused", CONFINE_AUTO, SELINUX_LABEL_REFUSED, 0, " selinux=failed ", true},
    {"refused, required", CONFINE_REQUIRE, SELINUX_LABEL_REFUSED, GATE_E_START, NULL, false},
    {"confinement is off", CONFINE_OFF, SELINUX_LABEL_OFF, 0, "not confined", false},
};

static int enter_and_say(const void *argument) {
    size_t i = *(const size_t *)argument;
    char exec_path[] = "/usr";
    char scope[] = "r";
    char *const scopes[] = {scope, NULL};
    char *none[] = {NULL};
    struct server_settings settings = {
        .listener = {.inherited_fd = -1, .selinux_type = "my_type_t"},
        .policy = {.scopes = scopes},
        .environ = {.mirror_root = folder.path},
        .allow_paths = none,
        .confine = said_cases[i].mode,
    };
    struct gate gate = {
        .settings = &settings,
        .git = {.exec_path = exec_path},
        .listener = {.fd = -1, .label = said_cases[i].label},
        .confine = CONFINE_NONE,
    };
    struct gate_error error = {0};
    int fd = open("log", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int r;

    child_expect("log", fd >= 0);
    log_init(&gate.log, fd, LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    r = confinement_enter(&gate, &error);
    if (r) {
        child_expect("error", error.code == r);
        child_expect("error", strstr(error.message, "--confine=require") &&
                                  strstr(error.message, selinux_failure(said_cases[i].label)) &&
                                  strstr(error.message, ", type my_type_t)"));
        child_expect("nothing is confined", open("/etc", O_RDONLY | O_CLOEXEC) >= 0);
    }
    return r;
}

static void check_what_is_said(size_t i) {
    const char *name = said_cases[i].name;
    char text[4096] = "";
    ssize_t size;
    int fd;

    expect_int(name, child_run(enter_and_say, &i), said_cases[i].r);
    fd = open("log", O_RDONLY | O_CLOEXEC);
    size = read(fd, text, sizeof(text) - 1);
    expect_true(name, size >= 0);
    assert_int_equal(close(fd), 0);
    expect_true(name, said_cases[i].said ? strstr(text, said_cases[i].said) != NULL : size == 0);
    if (said_cases[i].is_warned) {
        expect_true(name, strstr(text, selinux_failure(said_cases[i].label)));
        expect_true(name, strstr(text, " type=my_type_t\n"));
    } else {
        expect_true(name, !strstr(text, "label"));
    }
}

/* Requires full confinement, which only some kernels can do. */
static bool needs_all(size_t i) {
    return said_cases[i].mode == CONFINE_REQUIRE && said_cases[i].r == 0;
}

static void test_what_is_said(void **state) {
    (void)state;
    assert_int_equal(mkdir("r.git", 0700), 0);
    for (size_t i = 0; i < ARRAY_SIZE(said_cases); i++) {
        if (!needs_all(i)) {
            check_what_is_said(i);
        }
    }
}

static void test_what_is_said_of_all(void **state) {
    (void)state;
    /* a filter at an invalid address: a kernel with filters reads it */
    if (landlock_abi() == 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL) == 0 || errno != EFAULT) {
        print_message("# --confine=require: this kernel has no Landlock, or no filter of system calls\n");
        skip();
    }
    assert_int_equal(mkdir("r.git", 0700), 0);
    for (size_t i = 0; i < ARRAY_SIZE(said_cases); i++) {
        if (needs_all(i)) {
            check_what_is_said(i);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_type_too_long),
        cmocka_unit_test(test_failure_names_what_mends_it),
        IN_FOLDER(test_listener),
        IN_FOLDER(test_listener_without_label),
        IN_FOLDER(test_what_is_said),
        IN_FOLDER(test_what_is_said_of_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
