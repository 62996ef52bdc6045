/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The whole gate under clients that misbehave. An input says how the gate is set up and how it ends, and lists the
 * actions of clients, of the clock, and of the gate's owner. The requests say what a child in git's place does:
 * gate_child.h.
 *
 * Answers are whole or can be told from whole ones. A gate at rest serves the next client. A stopped gate leaves no
 * process, descriptor or socket, and its log is in order.
 */

#include "fuzz.h"

#include "gate_client.h"
#include "gate_site.h"
#include "library/config.h"

enum {
    CLIENTS = 8,
    MAX_ACTIONS = 48,
    MAX_RAW_BYTES = 63,
    MAX_SETTLE_ROUNDS = 12,
    QUIET_MS = 1,        /* real time; then the gate's clock goes on */
    QUIET_STEP_MS = 500, /* longer than any pause in accepting */
    QUIET_ROUNDS = 3,
    BUSY_STEP_MS = 5, /* for each round, as a flood never lets the gate rest */
    END_MS = 30000,   /* real time for everything to end, even on a busy machine */
};

enum action {
    ACT_CONNECT,
    ACT_REQUEST,
    ACT_SEND,
    ACT_SEND_ALL,
    ACT_RAW,
    ACT_SPOIL,
    ACT_SHUT,
    ACT_RESET,
    ACT_CLOSE,
    ACT_READ,
    ACT_STEP,
    ACT_WAIT,
    ACT_ADVANCE,
    ACT_STOP,
    ACT_ASK, /* connect, request and send as one */
    ACT_SETTLE,
    ACT_COUNT,
};

enum ending {
    ENDING_IN_PEACE,
    ENDING_DRAINED,
    ENDING_STOPPED_TWICE,
    ENDING_ABANDONED,
    ENDING_COUNT,
};

struct script {
    struct span rest;
    struct site site;
    struct client clients[CLIENTS];
};

static uint8_t next(struct script *script) {
    uint8_t byte = script->rest.size > 0 ? (uint8_t)script->rest.data[0] : 0;

    script->rest = fuzz_behind(script->rest, script->rest.size > 0);
    return byte;
}

static size_t next_size(struct script *script) {
    static const size_t sizes[] = {1,    2,     3,     7,     20,    100,    500,    1000,
                                   4096, 10000, 16384, 30000, 65536, 100000, 300000, SIZE_MAX};

    return sizes[next(script) % 16];
}

/* ---- actions ---- */

static void read_all(struct script *script) {
    for (size_t i = 0; i < CLIENTS; i++) {
        while (client_read(&script->clients[i], 65536)) {
        }
    }
}

static void connect_client(struct script *script, struct client *client) {
    if (client->fd < 0) {
        client_connect(client, script->site.address);
    }
}

static bool starts_services(const struct script *script) {
    return script->site.config->settings.environ.backend == ENVIRON_SERVICES;
}

static void add_request(struct script *script, struct client *client) {
    uint8_t bytes[CLIENT_REQUEST_BYTES];

    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = next(script);
    }
    client_add_request(client, bytes, starts_services(script));
}

static void add_raw(struct script *script, struct client *client) {
    size_t size = next(script) % (MAX_RAW_BYTES + 1);
    struct span raw = fuzz_prefix(script->rest, size);

    client_add_raw(client, (const uint8_t *)raw.data, raw.size);
    script->rest = fuzz_behind(script->rest, raw.size);
}

static void spoil(struct script *script, struct client *client) {
    size_t at = next(script);

    at = at << 8 | next(script);
    client_spoil(client, at, next(script));
}

static void step(struct script *script, unsigned n_rounds, int max_ms) {
    for (unsigned i = 0; i < n_rounds; i++) {
        (void)site_round(&script->site, max_ms);
    }
}

/* After SIGKILL the clock waits for the kernel. Otherwise the gate would give up waiting for a dying process. */
static void advance(struct script *script, uint64_t ms) {
    if (script->site.server.gate.stage != GATE_KILLING) {
        site_advance(ms * US_PER_MS);
    }
}

static uint64_t next_ms(struct script *script) {
    static const uint64_t ms[] = {1, 10, 60, 110, 510, 1000, 2100, 3100, 4100, 5100, 6100, 10000, 31000, 90000};

    return ms[next(script) % (sizeof(ms) / sizeof(ms[0]))];
}

/* Sends and reads everything possible, until nothing more happens. */
static void settle(struct script *script) {
    bool moves = true;

    for (unsigned i = 0; i < MAX_SETTLE_ROUNDS && moves; i++) {
        moves = site_round(&script->site, QUIET_MS);
        for (size_t j = 0; j < CLIENTS; j++) {
            moves = client_send(&script->clients[j], SIZE_MAX) || moves;
        }
        read_all(script);
    }
}

static void ask(struct script *script, struct client *client) {
    connect_client(script, client);
    add_request(script, client);
    (void)client_send(client, SIZE_MAX);
    step(script, 2, 0);
}

static void act(struct script *script) {
    uint8_t byte = next(script);
    struct client *client = &script->clients[byte / ACT_COUNT % CLIENTS];

    switch ((enum action)(byte % ACT_COUNT)) {
    case ACT_CONNECT:
        connect_client(script, client);
        break;
    case ACT_REQUEST:
        add_request(script, client);
        break;
    case ACT_SEND:
        (void)client_send(client, next_size(script));
        break;
    case ACT_SEND_ALL:
        (void)client_send(client, SIZE_MAX);
        break;
    case ACT_RAW:
        add_raw(script, client);
        break;
    case ACT_SPOIL:
        spoil(script, client);
        break;
    case ACT_SHUT:
        client_shut(client);
        break;
    case ACT_RESET:
    case ACT_CLOSE:
        client_close(client, byte % ACT_COUNT == ACT_RESET);
        break;
    case ACT_READ:
        (void)client_read(client, next_size(script));
        break;
    case ACT_STEP:
        step(script, 1 + byte / ACT_COUNT, 0);
        break;
    case ACT_WAIT:
        step(script, 1, 1 + byte / ACT_COUNT % 3);
        break;
    case ACT_ADVANCE:
        advance(script, next_ms(script));
        step(script, 1, 0);
        break;
    case ACT_STOP:
        server_stop(&script->site.server);
        break;
    case ACT_ASK:
        ask(script, client);
        break;
    case ACT_SETTLE:
    case ACT_COUNT:
        settle(script);
    }
}

/* ---- ends ---- */

static bool is_at_rest(const struct script *script) {
    return site_has_stopped(&script->site) ||
           (script->site.server.gate.stage == GATE_SERVING && script->site.server.crowd.n_connections == 0 &&
            script->site.server.gate.turns.n_running == 0);
}

/*
 * Whatever clients and children do, time ends it. After the last connection, a client may still wait while accepting
 * pauses. So the gate has to rest for longer than that pause.
 */
static void await_rest(struct script *script, bool clients_read) {
    const uint64_t deadline_ms = site_real_ms() + END_MS;
    unsigned n_quiet = 0;

    while (n_quiet < QUIET_ROUNDS) {
        bool moves = site_round(&script->site, QUIET_MS);

        n_quiet = moves || !is_at_rest(script) ? 0 : n_quiet + 1;
        advance(script, moves ? BUSY_STEP_MS : QUIET_STEP_MS);
        if (clients_read) {
            read_all(script);
        }
        require(site_real_ms() < deadline_ms);
    }
    require(script->site.server.gate.turns.n_running == 0);
}

static void close_clients(struct script *script) {
    for (size_t i = 0; i < CLIENTS; i++) {
        client_close(&script->clients[i], false);
    }
}

/* A gate at rest serves the next client, without any passing of time. */
static void probe(struct script *script) {
    static const uint8_t bytes[CLIENT_REQUEST_BYTES] = {2 /* a fetch */, 4 /* the last one */, 2, 0, 8, 0};
    struct client client;
    uint64_t deadline_ms;

    client_connect(&client, script->site.address);
    require(client.fd >= 0);
    client_add_request(&client, bytes, starts_services(script));
    deadline_ms = site_real_ms() + END_MS;
    while (client.end == CLIENT_GOES_ON) {
        (void)client_send(&client, SIZE_MAX);
        (void)site_round(&script->site, QUIET_MS);
        while (client_read(&client, 65536)) {
        }
        require(site_real_ms() < deadline_ms);
    }
    client_expect_whole(&client);
    client_close(&client, false);
    await_rest(script, false);
}

static void stop(struct script *script, bool twice, bool clients_read) {
    server_stop(&script->site.server);
    if (twice) {
        (void)site_round(&script->site, 0);
        server_stop(&script->site.server);
    }
    await_rest(script, clients_read);
}

static void end(struct script *script, enum ending ending) {
    switch (ending) {
    case ENDING_IN_PEACE:
        read_all(script);
        close_clients(script);
        await_rest(script, false);
        if (!site_has_stopped(&script->site)) {
            probe(script);
            stop(script, false, false);
        }
        break;
    case ENDING_DRAINED:
        stop(script, false, true);
        break;
    case ENDING_STOPPED_TWICE:
        stop(script, true, false);
        break;
    case ENDING_ABANDONED:
    case ENDING_COUNT:
        break;
    }
}

/* No client stays connected to a gate that has ended. */
static void check_clients(struct script *script) {
    read_all(script);
    for (size_t i = 0; i < CLIENTS; i++) {
        const struct client *client = &script->clients[i];

        require(client->fd < 0 || client->end != CLIENT_GOES_ON || client->n_in == CLIENT_MAX_IN_BYTES);
    }
    close_clients(script);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static bool is_prepared;
    struct script *script = fuzz_allocate(sizeof(*script));
    uint8_t set_up[SITE_BYTES];

    if (!is_prepared) {
        is_prepared = true;
        site_prepare();
    }
    script->rest = (struct span){(const char *)data, size};
    for (size_t i = 0; i < CLIENTS; i++) {
        script->clients[i] = CLIENT_NONE;
    }
    for (size_t i = 0; i < SITE_BYTES; i++) {
        set_up[i] = next(script);
    }
    site_start(&script->site, set_up);
    for (size_t i = 0; i < MAX_ACTIONS && script->rest.size > 0; i++) {
        act(script);
    }
    end(script, set_up[2] / 2 % ENDING_COUNT);
    site_end(&script->site);
    check_clients(script);
    site_check_open(&script->site);
    free(script);
    return 0;
}
