/* SPDX-License-Identifier: Apache-2.0 */

/* Privileges that a process gives up by a plain call are gone, even after execve(2). The rest stays. */

#include "unit_child.h"

#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "confine/limits.h"

#define NO_CAPABILITIES                                                                                                \
    "CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapBnd:\t0000000000000000\n"     \
    "CapAmb:\t0000000000000000\n"

/* The lines of /proc/@who/status about capabilities. */
static void read_capabilities(const char *who, char *out, size_t room) {
    char path[64];
    char text[8192];
    const char *begin;
    const char *end;
    ssize_t size;
    int fd;

    (void)snprintf(path, sizeof(path), "/proc/%s/status", who);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    size = read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    child_expect(who, size > 0);
    text[size] = '\0';
    begin = strstr(text, "CapInh:");
    end = strstr(text, "NoNewPrivs:");
    child_expect(who, begin && end && begin < end);
    (void)snprintf(out, room, "%.*s", (int)(end - begin), begin);
}

static int keep_privileges(const void *argument) {
    (void)argument;
    child_expect("before", prctl(PR_GET_NO_NEW_PRIVS, 0L, 0L, 0L, 0L) == 0);
    child_expect("call", limits_keep_privileges() == 0);
    child_expect("after", prctl(PR_GET_NO_NEW_PRIVS, 0L, 0L, 0L, 0L) == 1);
    child_expect("again", limits_keep_privileges() == 0);
    return 0;
}

static void test_keep_privileges(void **state) {
    (void)state;
    if (prctl(PR_GET_NO_NEW_PRIVS, 0L, 0L, 0L, 0L) == 1) {
        skip(); /* the user of this test has it already */
    }
    assert_int_equal(child_run(keep_privileges, NULL), 0);
}

static int drop_capabilities(const void *argument) {
    char before[512];
    char after[512];
    const char *permitted;
    bool had = true;
    const char *call;

    (void)argument;
    read_capabilities("thread-self", before, sizeof(before));
    permitted = strstr(before, "CapPrm:");
    child_expect("call", limits_keep_privileges() == 0 && limits_drop_capabilities(&had, &call) == 0);
    child_expect("had", had == (strncmp(permitted, "CapPrm:\t0000000000000000", 24) != 0));
    read_capabilities("thread-self", after, sizeof(after));
    /* A user without privileges can neither empty the bounding set nor use it. */
    child_expect("after", strcmp(after, NO_CAPABILITIES) == 0 || !had);
    child_expect("after", strstr(after, "CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"));
    child_expect("again", limits_drop_capabilities(&had, &call) == 0 && !had);
    return 0;
}

static void test_drop_capabilities(void **state) {
    (void)state;
    assert_int_equal(child_run(drop_capabilities, NULL), 0);
}

static int drop_and_execute(const void *argument) {
    const int *output = argument;
    bool had;
    const char *call;

    child_expect("dup2", dup2(output[1], STDOUT_FILENO) == STDOUT_FILENO);
    child_expect("call", limits_keep_privileges() == 0 && limits_drop_capabilities(&had, &call) == 0);
    (void)execl("/bin/sed", "sed", "-n", "/^Cap/p", "/proc/self/status", (char *)NULL);
    return CHILD_FAILED;
}

/* execve(2) gives user 0 the whole bounding set, so the set must be empty. */
static void test_no_capabilities_behind_execve(void **state) {
    char out[1024];
    ssize_t size;
    int output[2];

    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    assert_int_equal(pipe2(output, O_CLOEXEC), 0);
    assert_int_equal(child_run(drop_and_execute, output), 0);
    assert_int_equal(close(output[1]), 0);
    size = read(output[0], out, sizeof(out) - 1);
    assert_true(size > 0);
    out[size] = '\0';
    assert_string_equal(out, NO_CAPABILITIES);
    assert_int_equal(close(output[0]), 0);
}

/* ---- a thread, and the threads beside it ---- */

static void *drop_in_thread(void *argument) {
    bool had;
    const char *call;

    (void)argument;
    child_expect("call", limits_keep_privileges() == 0 && limits_drop_capabilities(&had, &call) == 0);
    child_expect("no_new_privs", prctl(PR_GET_NO_NEW_PRIVS, 0L, 0L, 0L, 0L) == 1);
    return NULL;
}

static int drop_beside(const void *argument) {
    char before[512];
    char after[512];
    int had_before = prctl(PR_GET_NO_NEW_PRIVS, 0L, 0L, 0L, 0L);
    pthread_t thread;

    (void)argument;
    read_capabilities("thread-self", before, sizeof(before));
    child_expect("thread", pthread_create(&thread, NULL, drop_in_thread, NULL) == 0);
    child_expect("thread", pthread_join(thread, NULL) == 0);
    read_capabilities("thread-self", after, sizeof(after));
    child_expect("capabilities of another thread", strcmp(before, after) == 0);
    child_expect("no_new_privs of another thread", prctl(PR_GET_NO_NEW_PRIVS, 0L, 0L, 0L, 0L) == had_before);
    return 0;
}

static void test_other_threads_stay_free(void **state) {
    (void)state;
    assert_int_equal(child_run(drop_beside, NULL), 0);
}

/* ---- of the whole process ---- */

static int hide(const void *argument) {
    struct rlimit core = {1, 1};
    const char *call;

    (void)argument;
    (void)prctl(PR_SET_DUMPABLE, 1L, 0L, 0L, 0L);
    child_expect("before", prctl(PR_GET_DUMPABLE, 0L, 0L, 0L, 0L) == 1);
    child_expect("call", limits_hide_process(&call) == 0);
    child_expect("dumpable", prctl(PR_GET_DUMPABLE, 0L, 0L, 0L, 0L) == 0);
    child_expect("core", getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 && core.rlim_max == 0);
    return 0;
}

static void test_hide_process(void **state) {
    (void)state;
    assert_int_equal(child_run(hide, NULL), 0);
}

static int close_from(const void *argument) {
    const int *first = argument;
    int last = 200;

    for (int fd = *first - 1; fd <= last; fd++) {
        child_expect("dup2", dup2(STDERR_FILENO, fd) == fd);
    }
    child_expect("call", limits_close_inherited(*first) == 0);
    child_expect("below", fcntl(*first - 1, F_GETFD) >= 0);
    for (int fd = *first; fd <= last; fd++) {
        child_expect("from there on", fcntl(fd, F_GETFD) < 0 && errno == EBADF);
    }
    child_expect("again", limits_close_inherited(*first) == 0);
    child_expect("below", fcntl(*first - 1, F_GETFD) >= 0);
    return 0;
}

static void test_close_inherited(void **state) {
    (void)state;
    for (int first = STDERR_FILENO + 1; first < 20; first++) {
        assert_int_equal(child_run(close_from, &first), 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keep_privileges),
        cmocka_unit_test(test_drop_capabilities),
        cmocka_unit_test(test_no_capabilities_behind_execve),
        cmocka_unit_test(test_other_threads_stay_free),
        cmocka_unit_test(test_hide_process),
        cmocka_unit_test(test_close_inherited),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
