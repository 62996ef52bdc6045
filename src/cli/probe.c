/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Connects to a gate, sends one request and receives one response. Each wait has a deadline, and so have all of them
 * together. So a probe ends in time, whatever the server does. It must not judge the response.
 */

#include "cli/probe.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"

enum {
    REQUEST_MAX_BYTES = 2048,
    PIECE_BYTES = 4096,
    BACKLOG_PAUSE_MS = 10, /* between two attempts to connect to a Unix socket with a full backlog */
};

/* A connection that is being used. */
struct dial {
    int fd;
    int64_t start_ms;
};

/* The time left for a step that began at @step_ms; no more than the time left for all steps. */
static int time_left(const struct dial *dial, int64_t step_ms) {
    int64_t now = clock_now_ms();
    int64_t step_left = step_ms + PROBE_STEP_MS - now;
    int64_t total_left = dial->start_ms + PROBE_TOTAL_MS - now;
    int64_t left = step_left < total_left ? step_left : total_left;

    return left > 0 ? (int)left : 0;
}

/* Return: 1 when one of @events has come, 0 when the time is over, a negative errno. */
static int wait_for(const struct dial *dial, short events, int64_t step_ms) {
    struct pollfd pollfd = {.fd = dial->fd, .events = events};

    for (;;) {
        int left = time_left(dial, step_ms);
        int n = poll(&pollfd, 1, left);

        if (n > 0 || (n == 0 && left == 0)) {
            return n;
        }
        if (n < 0 && errno != EINTR) {
            return -errno;
        }
    }
}

/* Waits until the connection to a TCP socket is made, or has failed. */
static int finish_connect(struct probe *probe, const struct dial *dial) {
    socklen_t size = sizeof(probe->cause);
    int r = wait_for(dial, POLLOUT, dial->start_ms);

    if (r <= 0) {
        return r < 0 ? r : PROBE_E_BACKLOG;
    }
    if (getsockopt(dial->fd, SOL_SOCKET, SO_ERROR, &probe->cause, &size) < 0) {
        return -errno;
    }
    return probe->cause ? PROBE_E_CONNECT : 0;
}

/* For a Unix socket with a full backlog, connect(2) fails with EAGAIN, and poll(2) cannot wait for room. */
static int connect_in_time(struct probe *probe, const struct dial *dial, const struct probe_target *target) {
    while (connect(dial->fd, (const struct sockaddr *)&target->address, target->address_size) < 0) {
        if (errno == EINPROGRESS) {
            return finish_connect(probe, dial);
        }
        if (errno != EAGAIN && errno != EINTR) {
            probe->cause = errno;
            return PROBE_E_CONNECT;
        }
        if (time_left(dial, dial->start_ms) == 0) {
            return PROBE_E_BACKLOG;
        }
        (void)poll(NULL, 0, BACKLOG_PAUSE_MS);
    }
    return 0;
}

static bool has_hung_up(int error) {
    return error == EPIPE || error == ECONNRESET;
}

/* A server may answer and close before it has read the whole request. So a hang-up is no error before the reading. */
static int send_request(const struct dial *dial, const char *request, size_t size) {
    int64_t step_ms = clock_now_ms();

    while (size > 0) {
        ssize_t n = send(dial->fd, request, size, MSG_NOSIGNAL);
        int r = 1;

        if (n < 0 && has_hung_up(errno)) {
            return 0;
        }
        if (n < 0 && errno == EAGAIN) {
            r = wait_for(dial, POLLOUT, step_ms);
        } else if (n < 0 && errno != EINTR) {
            r = -errno;
        }
        if (r <= 0) {
            return r < 0 ? r : PROBE_E_SILENT;
        }
        if (n > 0) {
            request += n;
            size -= (size_t)n;
        }
    }
    return 0;
}

/* Return: the code that tells at which point the time was over. */
static int late(const struct dial *dial, size_t n_bytes) {
    if (n_bytes == 0) {
        return PROBE_E_SILENT;
    }
    return clock_now_ms() - dial->start_ms >= PROBE_TOTAL_MS ? PROBE_E_SLOW : PROBE_E_STALLED;
}

/* Receives the bytes that are there. Return: 0, -EAGAIN if there are none, PROBE_E_*, another negative errno. */
static int receive(struct answer *answer, const struct dial *dial, size_t *n_bytesp) {
    char piece[PIECE_BYTES];
    ssize_t n = recv(dial->fd, piece, sizeof(piece), 0);

    if (n < 0 && !has_hung_up(errno)) {
        return errno == EINTR ? -EAGAIN : -errno;
    }
    if (n <= 0) {
        answer_finish(answer);
        return answer->is_whole ? 0 : *n_bytesp == 0 ? PROBE_E_HUNG_UP : PROBE_E_CUT;
    }
    *n_bytesp += (size_t)n;
    switch (answer_feed(answer, (struct span){piece, (size_t)n})) {
    case ANSWER_E_NONSENSE:
        return PROBE_E_NONSENSE;
    case ANSWER_E_TOO_LARGE:
        return PROBE_E_TOO_LARGE;
    default:
        return 0;
    }
}

static int receive_answer(struct answer *answer, const struct dial *dial) {
    int64_t step_ms = clock_now_ms();
    size_t n_bytes = 0;

    while (!answer->is_whole) {
        int r = wait_for(dial, POLLIN, step_ms);

        if (r <= 0 || time_left(dial, step_ms) == 0) {
            return r < 0 ? r : late(dial, n_bytes);
        }
        r = receive(answer, dial, &n_bytes);
        if (r != 0 && r != -EAGAIN) {
            return r;
        }
        step_ms = r == 0 ? clock_now_ms() : step_ms;
    }
    return 0;
}

/* The connection is not kept, so the gate does not wait for another request. */
static int converse(struct probe *probe, const struct dial *dial, const struct probe_target *target) {
    char request[REQUEST_MAX_BYTES];
    int size = snprintf(request, sizeof(request),
                        "GET /%s.git/info/refs?service=git-upload-pack HTTP/1.1\r\n"
                        "Host: %s\r\n"
                        "Authorization: Basic %s\r\n"
                        "User-Agent: git-gate/" GIT_GATE_VERSION "\r\n"
                        "Accept: */*\r\n"
                        "Git-Protocol: version=2\r\n"
                        "Connection: close\r\n"
                        "\r\n",
                        target->repository, target->host, target->credentials);
    int r = size < 0 || size >= (int)sizeof(request) ? -ENOBUFS : send_request(dial, request, (size_t)size);

    explicit_bzero(request, sizeof(request));
    return r ? r : receive_answer(&probe->answer, dial);
}

int probe_run(struct probe *probe, const struct probe_target *target) {
    _cleanup_fd_ int fd = socket(target->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct dial dial = {.fd = fd, .start_ms = clock_now_ms()};
    int r;

    *probe = (struct probe){0};
    answer_init(&probe->answer);
    if (fd < 0) {
        return -errno;
    }
    r = connect_in_time(probe, &dial, target);
    if (r) {
        return r;
    }
    probe->is_connected = true;
    r = converse(probe, &dial, target);
    probe->duration_ms = (unsigned)(clock_now_ms() - dial.start_ms);
    return r;
}
