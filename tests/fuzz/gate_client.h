/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The clients of the fuzz target for the whole gate: their requests, the pieces in which they send, and checks of what
 * they read. All descriptors are non-blocking.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gate_child.h"

/* GATE_TOKEN in base64. All longer texts that begin with GATE_TOKEN begin like this in base64. */
#define CLIENT_TOKEN_BASE64 "YS10b2tlbi1vZi10aGUtZnV6emVy"

enum {
    CLIENT_MAX_REQUESTS = 4,
    CLIENT_MAX_OUT_BYTES = 400 * 1000, /* that it may send; it makes no request beyond them */
    CLIENT_MAX_IN_BYTES = 1000 * 1000, /* that it reads before it stops reading */
    CLIENT_REQUEST_BYTES = 3 + DEED_BYTES,
};

/**
 * struct client_request - the facts about a request that was made as a whole
 * @may_be_served: it has no reason for a refusal
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
 * @is_tainted: arbitrary bytes were sent, so less is known of the answers
 * @has_failed: a send has failed, as the connection was gone
 * @out: the bytes to send, of which @n_sent of @n_out are gone
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

/** client_connect() - connect to @address, as the gate names it; the client stays CLIENT_NONE if nobody listens */
void client_connect(struct client *client, const char *address);

/**
 * client_add_request() - queue one more request, made from the bytes: kind, flags, body, and the deed
 * @starts_services: the gate makes the heads of a service's answers itself
 */
void client_add_request(struct client *client, const uint8_t bytes[CLIENT_REQUEST_BYTES], bool starts_services);

/** client_add_raw() - queue bytes unchanged */
void client_add_raw(struct client *client, const uint8_t *data, size_t size);

/** client_spoil() - change a byte that has not been sent yet */
void client_spoil(struct client *client, size_t at, uint8_t mask);

/** client_send() - send up to @size bytes. Return: whether any were sent */
bool client_send(struct client *client, size_t size);

/** client_read() - read up to @size bytes. Return: whether any came, or the end */
bool client_read(struct client *client, size_t size);

/** client_shut() - end the sending side */
void client_shut(struct client *client);

/** client_close() - close, over TCP with a reset if @reset; check everything that has come */
void client_close(struct client *client, bool reset);

/** client_expect_whole() - check that the only request got a whole answer with 200 */
void client_expect_whole(const struct client *client);
