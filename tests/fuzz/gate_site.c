/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Sets up the gate and takes it apart. After that, this process has as many descriptors as before, no child, and a log
 * of whole records without the token.
 */

#include "gate_site.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"
#include "gate_client.h"
#include "gate_log.h"
#include "library/config.h"

#include "../unit/unit_clock.h" /* the clock of the loop: as in the unit tests, it moves only by site_advance() */

enum {
    LEFTOVER_MS = 5000, /* for killed processes to be gone */
    SMALL_BUFFER_BYTES = 4096,
};

static char folder[64];
static pid_t owner;

/* ---- the clock ---- */

void site_advance(uint64_t us) {
    clock_us += us;
}

uint64_t site_real_ms(void) {
    struct timespec now;

    (void)__real_clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- the folder ---- */

static const char *path_of(const char *name) {
    static char path[PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static const char *const links[] = {"git", "git-http-backend"};
static const char *const folders[] = {"repo.git/objects", "repo.git/refs", "repo.git"};

/*
 * Runs at exit. After abort(3) it does not run, and script/fuzz removes the folder. Children forked by libFuzzer or the
 * gate must not remove it.
 */
static void clean_up(void) {
    if (getpid() != owner) {
        return;
    }
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
        (void)unlink(path_of(links[i]));
    }
    (void)unlink(path_of("repo.git/HEAD"));
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        (void)rmdir(path_of(folders[i]));
    }
    (void)rmdir(folder);
}

static void make_repository(void) {
    FILE *head;

    for (size_t i = sizeof(folders) / sizeof(folders[0]); i > 0; i--) {
        require(mkdir(path_of(folders[i - 1]), 0700) == 0);
    }
    head = fopen(path_of("repo.git/HEAD"), "we");
    require(head && fputs("ref: refs/heads/main\n", head) >= 0 && fclose(head) == 0);
}

/* The child lies beside this program. */
static void make_links(void) {
    char child[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", child, sizeof(child) - 1);
    char *end;

    require(size > 0);
    child[size] = '\0';
    end = strrchr(child, '/');
    (void)snprintf(end, sizeof(child) - (size_t)(end - child), "/fuzz-gate-child");
    require(access(child, X_OK) == 0);
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
        require(symlink(child, path_of(links[i])) == 0);
    }
}

void site_prepare(void) {
    const struct rlimit no_core = {0, 0};
    const char *parent = getenv("TMPDIR");

    require(snprintf(folder, sizeof(folder), "%s/fuzz-gate-XXXXXX", parent ? parent : "/tmp") < (int)sizeof(folder));
    require(mkdtemp(folder));
    owner = getpid();
    require(atexit(clean_up) == 0);
    make_repository();
    make_links();
    require(setenv("PATH", folder, 1) == 0 && unsetenv("GIT_EXEC_PATH") == 0);
    require(signal(SIGPIPE, SIG_IGN) != SIG_ERR && signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    require(setrlimit(RLIMIT_CORE, &no_core) == 0);
    require(prctl(PR_SET_CHILD_SUBREAPER, 1UL) == 0); /* this process finds what a child leaves behind */
}

/* ---- what is left ---- */

static size_t count_open(void) {
    DIR *listing = opendir("/proc/self/fd");
    size_t n = 0;

    require(listing);
    while (readdir(listing)) {
        n++;
    }
    (void)closedir(listing);
    return n;
}

/* The ids of the children; none if the kernel does not tell. */
static void list_children(char children[SITE_CHILDREN_BYTES]) {
    char path[64];
    FILE *file;

    (void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
    file = fopen(path, "re");
    if (!file || !fgets(children, SITE_CHILDREN_BYTES, file)) {
        children[0] = '\0';
    }
    if (file) {
        (void)fclose(file);
    }
}

/* The kernel's line about each, with its name, state and group: proc(5). */
static void show_children(const char *children) {
    char *end;

    for (long pid = strtol(children, &end, 10); end != children; pid = strtol(children, &end, 10)) {
        char path[64];
        char status[512] = "";
        FILE *file;

        children = end;
        (void)snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
        file = fopen(path, "re");
        if (file && fgets(status, sizeof(status), file)) {
            (void)fprintf(stderr, "left: %s", status);
        }
        if (file) {
            (void)fclose(file);
        }
    }
}

/*
 * The gate reaps its own processes. This process has adopted those that these had started. A sanitizer's symbolizer is
 * a child, too, and may start between two inputs.
 */
static void await_no_child(const struct site *site) {
    const uint64_t deadline_ms = site_real_ms() + LEFTOVER_MS;
    char left[SITE_CHILDREN_BYTES];
    pid_t pid;

    while ((pid = waitpid(-1, NULL, WNOHANG)) >= 0) {
        list_children(left);
        if (pid == 0 && left[0] && strcmp(left, site->children) == 0) {
            return;
        }
        if (site_real_ms() >= deadline_ms) {
            show_children(left);
            abort();
        }
        (void)poll(NULL, 0, pid == 0);
    }
    require(errno == ECHILD);
}

static void check_log(const struct site *site) {
    static const char *const secrets[] = {GATE_TOKEN, CLIENT_TOKEN_BASE64, NULL};
    off_t size = lseek(site->log_fd, 0, SEEK_END);
    char *log = fuzz_allocate((size_t)size);
    size_t n_requests;

    require(pread(site->log_fd, log, (size_t)size, 0) == size);
    n_requests = gate_log_check((struct span){log, (size_t)size}, site->is_json, secrets);
    require(site->logs_all ? n_requests == site->server.gate.n_requests : n_requests <= site->server.gate.n_requests);
    free(log);
}

/* ---- begin and end ---- */

static void set(struct site *site, const char *name, const char *value) {
    struct gate_error error = {0};

    if (gate_config_set(site->config, name, value, &error) != 0) {
        (void)fprintf(stderr, "%s\n", error.message);
        abort();
    }
}

static void set_number(struct site *site, const char *name, unsigned number) {
    char text[16];

    (void)snprintf(text, sizeof(text), "%u", number);
    set(site, name, text);
}

static void configure(struct site *site, const uint8_t bytes[SITE_BYTES]) {
    static const unsigned drain_s[] = {0, 1, 4, 30};

    site->is_json = bytes[0] & 2;
    site->logs_all = !(bytes[0] & 4);
    require(gate_config_new(&site->config) == 0);
    set(site, "mirror-root", folder);
    set(site, "scope", "repo");
    set(site, "keep-old", "no"); /* the git here starts no hooks; fuzz_foresight has the part that reads pushes */
    set(site, "token", GATE_TOKEN);
    set(site, "confine", "off");
    set(site, bytes[0] & 1 ? "listen" : "socket", bytes[0] & 1 ? "127.0.0.1:0" : path_of("socket"));
    set(site, "log-format", site->is_json ? "json" : "text");
    set(site, "log-level", site->logs_all ? "debug" : "info");
    set(site, "backend", bytes[0] & 64 ? "http-backend" : "services");
    set(site, "advertisement-cache", bytes[0] & 8 ? "no" : "yes");
    set(site, "max-push-bytes", bytes[0] & 16 ? "10000" : "0");
    set(site, "max-negotiation-bytes", bytes[0] & 32 ? "50000" : "1M");
    set_number(site, "max-connections", 1 + bytes[1] % 8);
    set_number(site, "max-backends", 1 + bytes[1] / 8 % 4);
    set_number(site, "drain-timeout", drain_s[bytes[1] / 64]);
    set_number(site, "header-timeout", 2);
    set_number(site, "idle-timeout", 3);
    set_number(site, "queue-timeout", 3);
    set_number(site, "stall-timeout", 4);
    set_number(site, "backend-timeout", 6);
    set_number(site, "request-timeout", 20); /* the time of the hooks of a push whose client left */
}

/* Signals are blocked, as a program does that starts a server: libFuzzer's alarm would interrupt the wait for git. */
static void start_server(struct site *site, const struct log *log) {
    struct gate_error error = {0};
    sigset_t all;
    sigset_t before;
    int r;

    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &before);
    r = server_start(&site->server, &site->config->settings, log, &site->loop, &error);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    if (r) {
        (void)fprintf(stderr, "%s\n", error.message);
        abort();
    }
}

void site_start(struct site *site, const uint8_t bytes[SITE_BYTES]) {
    const int small = SMALL_BUFFER_BYTES;
    struct gate_error error = {0};
    struct log log;

    *site = (struct site){.loop = LOOP_NONE, .n_open = count_open()};
    list_children(site->children);
    configure(site, bytes);
    site->log_fd = memfd_create("log", MFD_CLOEXEC);
    require(site->log_fd >= 0);
    require(config_resolve(site->config, &error) == 0);
    require(loop_init(&site->loop) == 0);
    log_init(&log, site->log_fd, site->config->settings.log_level, site->config->settings.log_format);
    log.secrets = site->config->settings.policy.tokens;
    log.n_secrets = TOKEN_COUNT_MAX;
    start_server(site, &log);
    (void)snprintf(site->address, sizeof(site->address), "%s", site->server.gate.listener.address);
    if (bytes[2] & 1) { /* accepted connections inherit it over TCP */
        (void)setsockopt(site->server.gate.listener.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    }
}

bool site_round(struct site *site, int max_ms) {
    int r = site_has_stopped(site) ? 0 : loop_round(&site->loop, max_ms);

    require(r >= 0);
    return r > 0;
}

void site_end(struct site *site) {
    server_deinit(&site->server);
    loop_deinit(&site->loop);
    require(access(path_of("socket"), F_OK) != 0);
    await_no_child(site);
    check_log(site);
    (void)close(site->log_fd);
    site->config = gate_config_free(site->config);
}

void site_check_open(const struct site *site) {
    require(count_open() == site->n_open);
}
