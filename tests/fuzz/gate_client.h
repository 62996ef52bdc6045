/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The clients of the fuzz target for the whole gate: what they send, in what pieces, what they read, and what must hold of
 * it. All descriptors are non-blocking.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gate_child.h"

/* Of GATE_TOKEN with nothing behind it, which every text in base64 of GATE_TOKEN and more begins with. */
#define CLIENT_TOKEN_BASE64 "YS10b2tlbi1vZi10aGUtZnV6emVy"

enum {
    CLIENT_MAX_REQUESTS = 4,
    CLIENT_MAX_OUT_BYTES = 400 * 1000, /* that it may send in all; a request more is not made */
    CLIENT_MAX_IN_BYTES = 1000 * 1000, /* that it reads; then it does not go on reading */
    CLIENT_REQUEST_BYTES = 3 + DEED_BYTES,
};

/**
 * struct client_request - what is known of a request that was made as a whole
 * @may_be_served: nothing in it is a reason to refuse it
 * @has_deed: the child acts on @deed; otherwise it says deed_capabilities
 * @is_old: of HTTP/1.0
 */
struct client_request {
    bool may_be_served;
    bool has_deed;
    bool is_head;
    bool is_post;
    bool is_old;
    bool expects_continue;
    struct deed deed;
};

/** enum client_end - how the gate has ended the connection */
enum client_end {
    CLIENT_GOES_ON,
    CLIENT_ENDED,
    CLIENT_RESET,
};

/**
 * struct client - one connection
 * @fd: -1 for none
 * @is_tainted: something was sent of which nobody knows what it is, so less is known of the answers
 * @has_failed: to send something, as the connection was gone
 * @out: what is to be sent; the first @n_sent of @n_out bytes have been
 */
struct client {
    int fd;
    bool is_tcp;
    bool is_tainted;
    bool has_shut;
    bool has_failed;
    enum client_end end;
    struct client_request requests[CLIENT_MAX_REQUESTS];
    size_t n_requests;
    char *out;
    size_t n_out;
    size_t n_sent;
    char *in;
    size_t n_in;
};

#define CLIENT_NONE ((struct client){.fd = -1})

/** client_connect() - @address: as the gate tells it. It stays CLIENT_NONE when nobody listens. */
void client_connect(struct client *client, const char *address);

/**
 * client_add_request() - one more to be sent, as the bytes say: kind, flags, body, and the deed
 * @starts_services: the gate makes the heads of a service's answers itself
 */
void client_add_request(struct client *client, const uint8_t bytes[CLIENT_REQUEST_BYTES], bool starts_services);

/** client_add_raw() - bytes to be sent as they are */
void client_add_raw(struct client *client, const uint8_t *data, size_t size);

/** client_spoil() - change a byte of what has not been sent yet */
void client_spoil(struct client *client, size_t at, uint8_t mask);

/** client_send() - up to @size bytes. Return: whether any were. */
bool client_send(struct client *client, size_t size);

/** client_read() - up to @size bytes. Return: whether any came, or the end. */
bool client_read(struct client *client, size_t size);

/** client_shut() - no more is sent */
void client_shut(struct client *client);

/** client_close() - @reset: by a reset, over TCP. What has come is checked. */
void client_close(struct client *client, bool reset);

/** client_expect_whole() - the only request was answered, as a whole and with 200 */
void client_expect_whole(const struct client *client);
