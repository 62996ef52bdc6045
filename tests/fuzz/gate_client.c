/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Makes requests out of bytes, and moves them and the answers over a socket. gate_answers.c knows the allowed answers.
 */

#include "gate_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <zlib.h>

#include "fuzz.h"
#include "gate_answers.h"

enum {
    GZIP_WINDOW = 15 + 16,   /* the largest, with a head of gzip's: deflateInit2() */
    TEXT_MAX_BYTES = 100000, /* of a body, compressed or with chunks */
    PACKET_BYTES = 300,
    SMALL_CHUNK_BYTES = 300,
    LARGE_CHUNK_BYTES = 30000,
};

enum kind {
    KIND_UPLOAD_REFS,
    KIND_RECEIVE_REFS,
    KIND_UPLOAD_PACK,
    KIND_RECEIVE_PACK,
    KIND_HEAD_FILE,
    KIND_CAPABILITIES, /* which may come from memory */
    KIND_WRONG_METHOD,
    KIND_NO_ROUTE,
    KIND_DUMB,
    KIND_HEAD_METHOD,
    KIND_OTHER_REPOSITORY,
    KIND_COUNT,
};

enum flag {
    FLAG_OLD = 1,
    FLAG_CHUNKED = 2,
    FLAG_CLOSE = 4,
    FLAG_WRONG_TOKEN = 8,
    FLAG_NO_TOKEN = 16,
    FLAG_EXPECT = 32,
    FLAG_GZIP = 64,
    FLAG_WRONG_TYPE = 128,
};

static const struct {
    const char *method;
    const char *target;
    const char *type;
} kinds[] = {
    [KIND_UPLOAD_REFS] = {"GET", "/repo.git/info/refs?service=git-upload-pack", NULL},
    [KIND_RECEIVE_REFS] = {"GET", "/repo.git/info/refs?service=git-receive-pack", NULL},
    [KIND_UPLOAD_PACK] = {"POST", "/repo.git/git-upload-pack", "application/x-git-upload-pack-request"},
    [KIND_RECEIVE_PACK] = {"POST", "/repo.git/git-receive-pack", "application/x-git-receive-pack-request"},
    [KIND_HEAD_FILE] = {"GET", "/repo.git/HEAD", NULL},
    [KIND_CAPABILITIES] = {"GET", "/repo.git/info/refs?service=git-upload-pack", NULL},
    [KIND_WRONG_METHOD] = {"POST", "/repo.git/HEAD", "text/plain"},
    [KIND_NO_ROUTE] = {"GET", "/repo.git/config", NULL},
    [KIND_DUMB] = {"GET", "/repo.git/info/refs", NULL},
    [KIND_HEAD_METHOD] = {"HEAD", "/repo.git/HEAD", NULL},
    [KIND_OTHER_REPOSITORY] = {"GET", "/other.git/HEAD", NULL},
};

/* ---- the text of a request ---- */

static void add(struct client *client, const char *data, size_t size) {
    if (client->n_out + size > CLIENT_MAX_OUT_BYTES) {
        size = CLIENT_MAX_OUT_BYTES - client->n_out;
        client->is_tainted = true; /* the rest of it is never sent */
    }
    client->out = realloc(client->out, client->n_out + size + 1);
    require(client->out);
    memcpy(client->out + client->n_out, data, size);
    client->n_out += size;
}

static void add_text(struct client *client, const char *text) {
    add(client, text, strlen(text));
}

/*
 * Packets of letters that compress badly, and the end that a fetch's body must have. Each packet is a command of a
 * push, too.
 */
static size_t make_body(char *text, uint8_t byte) {
    static const size_t sizes[] = {0, 1, 100, 4096, 20000, 33000, 70000, 90000};
    static const char ids[] = "0000000000000000000000000000000000000000 1111111111111111111111111111111111111111 ";
    size_t n_left = sizes[byte % 8];
    uint32_t state = byte;
    size_t size = 0;

    if (n_left == 0) {
        return 0;
    }
    while (n_left > 0) {
        size_t n = n_left < PACKET_BYTES ? n_left : PACKET_BYTES;

        size += (size_t)sprintf(text + size, "%04zx", n + 4);
        for (size_t i = 0; i < n; i++) {
            text[size++] = i < strlen(ids) ? ids[i] : (char)('a' + fuzz_pick(&state, 16));
        }
        n_left -= n;
    }
    memcpy(text + size, "0000", 4);
    return size + 4;
}

static size_t compress_body(char *text, size_t size) {
    char *copy = fuzz_copy((struct span){text, size});
    z_stream stream = {.next_in = (Bytef *)copy, .avail_in = (uInt)size};

    stream.next_out = (Bytef *)text;
    stream.avail_out = TEXT_MAX_BYTES;
    require(deflateInit2(&stream, 1, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    require(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    size = stream.total_out;
    (void)deflateEnd(&stream);
    free(copy);
    return size;
}

static void add_chunks(struct client *client, const char *text, size_t size, size_t chunk_size) {
    while (size > 0) {
        size_t n = size < chunk_size ? size : chunk_size;
        char head[32];

        (void)snprintf(head, sizeof(head), "%zx\r\n", n);
        add_text(client, head);
        add(client, text, n);
        add_text(client, "\r\n");
        text += n;
        size -= n;
    }
    add_text(client, "0\r\n\r\n");
}

static void add_body(struct client *client, uint8_t flags, uint8_t byte) {
    char *text = fuzz_allocate(TEXT_MAX_BYTES);
    size_t size = make_body(text, byte);
    char field[64];

    if (flags & FLAG_GZIP) {
        size = compress_body(text, size);
        add_text(client, "Content-Encoding: gzip\r\n");
    }
    if (flags & FLAG_EXPECT) {
        add_text(client, "Expect: 100-continue\r\n");
    }
    if (flags & FLAG_CHUNKED) {
        add_text(client, "Transfer-Encoding: chunked\r\n\r\n");
        add_chunks(client, text, size, byte & 8 ? SMALL_CHUNK_BYTES : LARGE_CHUNK_BYTES);
    } else {
        (void)snprintf(field, sizeof(field), "Content-Length: %zu\r\n\r\n", size);
        add_text(client, field);
        add(client, text, size);
    }
    free(text);
}

static void add_fields(struct client *client, enum kind kind, uint8_t flags, const uint8_t deed[DEED_BYTES]) {
    char field[64];

    add_text(client, "Host: h\r\n");
    if (!(flags & FLAG_NO_TOKEN)) {
        add_text(client, "Authorization: Basic ");
        add_text(client,
                 flags & FLAG_WRONG_TOKEN ? "Yi10b2tlbi1vZi10aGUtZnV6emVyOg==\r\n" : CLIENT_TOKEN_BASE64 "Og==\r\n");
    }
    if (flags & FLAG_CLOSE) {
        add_text(client, "Connection: close\r\n");
    }
    (void)snprintf(field, sizeof(field), "Git-Protocol: version=2:do=%02x%02x%02x\r\n", deed[0], deed[1], deed[2]);
    add_text(client, kind == KIND_CAPABILITIES ? "Git-Protocol: version=2\r\n" : field);
    if (kinds[kind].type) {
        add_text(client, "Content-Type: ");
        add_text(client, flags & FLAG_WRONG_TYPE ? "text/html" : kinds[kind].type);
        add_text(client, "\r\n");
    }
}

void client_add_request(struct client *client, const uint8_t bytes[CLIENT_REQUEST_BYTES], bool starts_services) {
    const enum kind kind = bytes[0] % KIND_COUNT;
    const uint8_t flags = bytes[1];
    struct client_request *request = &client->requests[client->n_requests];

    if (client->fd < 0 || client->has_shut || client->n_requests == CLIENT_MAX_REQUESTS) {
        return;
    }
    *request = (struct client_request){
        .has_deed = kind != KIND_CAPABILITIES,
        .is_head = kind == KIND_HEAD_METHOD,
        .is_post = kinds[kind].type != NULL,
        .is_old = flags & FLAG_OLD,
        .expects_continue = kinds[kind].type && flags & FLAG_EXPECT,
        .deed = deed_of(bytes + 3),
    };
    if (starts_services && kind == KIND_HEAD_FILE) {
        request->deed = (struct deed){0}; /* the child gets no Git-Protocol, and its answer has no HEAD */
    } else if (starts_services) {
        request->deed.head = DEED_HEAD_GOOD;
    }
    request->may_be_served = kind <= KIND_CAPABILITIES && !(flags & (FLAG_WRONG_TOKEN | FLAG_NO_TOKEN)) &&
                             !(request->is_post && flags & FLAG_WRONG_TYPE) &&
                             !(request->is_post && flags & FLAG_OLD && flags & FLAG_CHUNKED);
    client->n_requests++;
    add_text(client, kinds[kind].method);
    add_text(client, " ");
    add_text(client, kinds[kind].target);
    add_text(client, request->is_old ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
    add_fields(client, kind, flags, bytes + 3);
    if (request->is_post) {
        add_body(client, flags, bytes[2]);
    } else {
        add_text(client, "\r\n");
    }
}

void client_add_raw(struct client *client, const uint8_t *data, size_t size) {
    if (client->fd >= 0) {
        client->is_tainted = true;
        add(client, (const char *)data, size);
    }
}

void client_spoil(struct client *client, size_t at, uint8_t mask) {
    size_t n_left = client->n_out - client->n_sent;

    if (n_left > 0 && mask) {
        client->out[client->n_sent + at % n_left] ^= (char)mask;
        client->is_tainted = true;
    }
}

/* ---- the socket ---- */

static int connect_unix(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    require(fd >= 0);
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static int connect_tcp(const char *port) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t)strtoul(port, NULL, 10))};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    require(fd >= 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

void client_connect(struct client *client, const char *address) {
    bool is_tcp = strncmp(address, "http:", 5) == 0;

    *client = CLIENT_NONE;
    client->is_tcp = is_tcp;
    client->fd = is_tcp ? connect_tcp(strrchr(address, ':') + 1) : connect_unix(strchr(address, ':') + 1);
    require(client->fd < 0 || fcntl(client->fd, F_SETFL, O_NONBLOCK) == 0);
}

bool client_send(struct client *client, size_t size) {
    size_t n_left = client->n_out - client->n_sent;
    ssize_t n;

    if (client->fd < 0 || client->has_shut || n_left == 0) {
        return false;
    }
    n = send(client->fd, client->out + client->n_sent, size < n_left ? size : n_left, MSG_NOSIGNAL);
    require(n >= 0 || errno == EAGAIN || errno == EPIPE || errno == ECONNRESET);
    client->has_failed |= n < 0 && errno != EAGAIN;
    client->n_sent += n > 0 ? (size_t)n : 0;
    return n > 0;
}

bool client_read(struct client *client, size_t size) {
    size_t room = CLIENT_MAX_IN_BYTES - client->n_in;
    ssize_t n;

    size = size < room ? size : room;
    if (client->fd < 0 || client->end != CLIENT_GOES_ON || size == 0) {
        return false;
    }
    client->in = realloc(client->in, client->n_in + size);
    require(client->in);
    n = recv(client->fd, client->in + client->n_in, size, 0);
    if (n < 0 && errno == EAGAIN) {
        return false;
    }
    require(n >= 0 || errno == ECONNRESET);
    /* The kernel reports a reset once, to send(2) if that comes first. */
    client->end = n > 0 ? CLIENT_GOES_ON : n < 0 || client->has_failed ? CLIENT_RESET : CLIENT_ENDED;
    client->n_in += n > 0 ? (size_t)n : 0;
    return true;
}

void client_shut(struct client *client) {
    if (client->fd >= 0 && !client->has_shut) {
        client->has_shut = true;
        (void)shutdown(client->fd, SHUT_WR); /* it fails where the gate has reset the connection */
    }
}

void client_close(struct client *client, bool reset) {
    const struct linger linger = {.l_onoff = 1};

    if (client->fd < 0) {
        return;
    }
    gate_answers_check(client);
    if (reset) {
        (void)setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    }
    (void)close(client->fd);
    free(client->out);
    free(client->in);
    *client = CLIENT_NONE;
}
