/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Stands in for git, its services and git-http-backend, and obeys the request: see gate_child.h. It is small and
 * static, as the fuzz target starts several for each input. Its own leftover processes end soon.
 */

#include "gate_child.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum {
    LIFELINE_FILENO = STDERR_FILENO + 1,
    BLOCK_BYTES = 64 * 1024,
    LATE_S = 20, /* longer than the fuzz target waits for its children */
    SERVICE_DIES = 128,
    MUCH_BYTES = 40 * 1024, /* more than the gate logs of one request */
};

static char block[BLOCK_BYTES];
static bool is_service; /* it makes no head: the gate does */

static void put(int fd, const char *data, size_t size) {
    while (size > 0) {
        ssize_t n = write(fd, data, size);

        if (n < 0) {
            _exit(EXIT_FAILURE);
        }
        data += n;
        size -= (size_t)n;
    }
}

static void put_text(int fd, const char *text) {
    put(fd, text, strlen(text));
}

static void pause_shortly(void) {
    (void)nanosleep(&(struct timespec){.tv_nsec = 500 * 1000}, NULL);
}

/* Only the gate has the other end of the lifeline. */
static void await_end_of_gate(void) {
    struct pollfd lifeline = {.fd = LIFELINE_FILENO};

    while (poll(&lifeline, 1, -1) <= 0 || !(lifeline.revents & (POLLHUP | POLLERR | POLLNVAL))) {
    }
}

/* An escaped child ends by itself. The gate must end the other one by SIGKILL; that one goes late, to be found. */
static void leave_behind(bool has_escaped) {
    if (!has_escaped) {
        (void)signal(SIGTERM, SIG_IGN); /* before the child exists, as the signal could come too early for it */
    }
    if (fork() != 0) {
        return;
    }
    if (has_escaped) {
        (void)setsid();
    }
    await_end_of_gate();
    if (!has_escaped) {
        (void)sleep(LATE_S);
    }
    _exit(EXIT_SUCCESS);
}

static void hang(void) {
    for (;;) {
        (void)pause();
    }
}

static void read_input(bool only_a_bit) {
    while (read(STDIN_FILENO, block, sizeof(block)) > 0 && !only_a_bit) {
    }
}

static void say(const struct deed *deed) {
    const char *line = deed->has_token ? "the token is " GATE_TOKEN " of the fuzzer\n" : "something is wrong\n";
    size_t n_left = deed->errors == DEED_SILENT ? 0 : deed->errors == DEED_SAYS_A_LINE ? 1 : MUCH_BYTES;

    while (n_left > 0) {
        if (deed->is_junk) {
            put(STDERR_FILENO, "\0\x1b[31m\xff\r=\"\\", 11);
        }
        put_text(STDERR_FILENO, line);
        n_left -= deed->errors == DEED_SAYS_WITHOUT_END ? 0 : n_left < strlen(line) ? n_left : strlen(line);
    }
}

static void put_head(enum deed_head head) {
    static const char *const texts[] = {
        [DEED_HEAD_GOOD] = "Content-Type: application/x-git\r\n\r\n",
        [DEED_HEAD_NONE] = "",
        [DEED_HEAD_404] = "Status: 404 Not Found\r\n\r\n",
        [DEED_HEAD_NONSENSE] = "no head at all\r\n\r\n",
        [DEED_HEAD_403] = "Status: 403 Forbidden\r\nContent-Type: text/plain\r\n\r\n",
        [DEED_HEAD_CUT] = "Content-Type: application/x-git\r\nExpires: ",
        [DEED_HEAD_STATUS_200] = "Status: 200 OK\nContent-Type: application/x-git\n\n",
        [DEED_HEAD_ODD] =
            "Content-Type: application/x-git\r\nContent-Length: 3\r\nConnection: close\r\nSet-Cookie: a=b\r\n\r\n",
    };

    put_text(STDOUT_FILENO, is_service ? "" : texts[head]);
}

static void put_body(const struct deed *deed) {
    size_t at = 0;

    while (at < deed->n_given) {
        size_t size = deed->n_given - at < sizeof(block) ? deed->n_given - at : sizeof(block);

        if (deed->is_slow && at == 0 && size > 1) {
            size /= 2;
        }
        for (size_t i = 0; i < size; i++) {
            block[i] = deed_byte(deed, at + i);
        }
        put(STDOUT_FILENO, block, size);
        at += size;
        if (deed->is_slow) {
            pause_shortly();
        }
    }
    for (size_t i = 0; i < sizeof(block); i++) {
        block[i] = deed_byte(deed, deed->n_given + i);
    }
    while (deed->is_endless) {
        put(STDOUT_FILENO, block, sizeof(block));
    }
}

static void end(const struct deed *deed) {
    switch (deed->end) {
    case DEED_EXITS_0_LEAVING_ONE:
        leave_behind(false);
        _exit(EXIT_SUCCESS);
    case DEED_EXITS_0:
        _exit(EXIT_SUCCESS);
    case DEED_EXITS_1:
        _exit(is_service ? SERVICE_DIES : EXIT_FAILURE);
    case DEED_KILLS_ITSELF:
        (void)raise(SIGKILL);
        break;
    case DEED_FAULTS:
        (void)raise(SIGSEGV);
        break;
    case DEED_HANGS_DEAF:
        (void)signal(SIGTERM, SIG_IGN);
        break;
    case DEED_HANGS_SHUT:
        (void)close(STDOUT_FILENO);
        break;
    case DEED_HANGS:
        break;
    }
    hang();
}

static void act(const struct deed *deed) {
    if (deed->leaves_escaped) {
        leave_behind(true);
    }
    if (deed->end == DEED_HANGS_DEAF) {
        (void)signal(SIGTERM, SIG_IGN);
    }
    if (deed->input == DEED_READS_FIRST || deed->input == DEED_READS_A_BIT) {
        read_input(deed->input == DEED_READS_A_BIT);
    } else if (deed->input == DEED_CLOSES_INPUT) {
        (void)close(STDIN_FILENO);
    }
    say(deed);
    put_head(deed->head);
    put_body(deed);
    if (deed->input == DEED_READS_LAST) {
        read_input(false);
    }
    end(deed);
}

int main(int argc, char *argv[]) {
    const char *protocol = getenv("GIT_PROTOCOL");
    const char *spec = protocol ? strstr(protocol, "do=") : NULL;
    unsigned long number = spec ? strtoul(spec + 3, NULL, 16) : 0;
    const uint8_t bytes[DEED_BYTES] = {(uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number};
    const struct deed deed = deed_of(bytes);

    is_service = argc > 2 && (strcmp(argv[1], "upload-pack") == 0 || strcmp(argv[1], "receive-pack") == 0);
    if (argc == 2 && strcmp(argv[1], "--exec-path") == 0) {
        put_text(STDOUT_FILENO, getenv("PATH"));
        put_text(STDOUT_FILENO, "\n");
    } else if (spec) {
        act(&deed);
    } else {
        read_input(false);
        put_head(DEED_HEAD_GOOD);
        put_text(STDOUT_FILENO, deed_capabilities);
    }
    return 0;
}
