/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Says in words what a probe found, and whether a git client would be served. Bytes from the server are shown as
 * printable ones and cut short. They must not be shown if the token is in them.
 */

#include "cli/findings.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "access/token.h"
#include "base/ascii.h"
#include "base/log.h"
#include "client/dial.h"
#include "client/refusal.h"

enum {
    SHOWN_MAX = 160, /* bytes of a server's text that are shown */
    MS_PER_S = 1000,
    STATUS_UNAVAILABLE = 503,
};

#define HOLDS_WHOLE_SECRET(size) ((int)(size) >= (int)SHOWN_MAX + (int)TOKEN_CREDENTIALS_MAX)
static_assert(HOLDS_WHOLE_SECRET(ANSWER_TEXT_MAX) && HOLDS_WHOLE_SECRET(ANSWER_VALUE_MAX) &&
                  HOLDS_WHOLE_SECRET(ADVERTISEMENT_LINE_MAX),
              "a secret that begins in the bytes that are shown is kept as a whole, and so is found");
static_assert(PROBE_STEP_MS == 5000 && PROBE_TOTAL_MS == 10000 && ANSWER_MAX_BYTES == 65536,
              "the sentences below and git-gate(1) say these numbers");

/* A server's text, made safe for a terminal. */
struct shown {
    char text[SHOWN_MAX + sizeof("...")];
};

/* As in the log, a shorter secret is not looked for, since ordinary words may contain it. */
static bool has_secret(struct span bytes, const char *secret) {
    size_t size = strlen(secret);

    return size >= LOG_SECRET_MIN && memmem(bytes.data, bytes.size, secret, size);
}

static struct shown show(const struct findings_subject *subject, struct span bytes) {
    size_t n = bytes.size < SHOWN_MAX ? bytes.size : SHOWN_MAX;
    struct shown shown;

    if (has_secret(bytes, subject->secrets[0]) || has_secret(bytes, subject->secrets[1]) ||
        has_secret(bytes, subject->target->credentials)) {
        return (struct shown){"(something with the token in it)"};
    }
    for (size_t i = 0; i < n; i++) {
        shown.text[i] = ascii_shown(bytes.data[i]);
    }
    (void)snprintf(shown.text + n, sizeof(shown.text) - n, "%s", n < bytes.size ? "..." : "");
    return shown;
}

/* Return: the option that gave the address. */
static const char *option(const struct findings_subject *subject) {
    return subject->socket_path ? "--socket" : "--url";
}

/* ---- no connection ---- */

static int explain_connect(const struct findings_subject *subject, int cause, struct gate_error *error) {
    if (subject->socket_path) {
        return dial_explain(subject->socket_path, cause, "--socket=PATH or GIT_GATE_SOCKET", error);
    }
    if (cause == ECONNREFUSED) {
        return gate_error_set(error, GATE_E_INTERNAL,
                              "connection refused: nobody listens on %s; start the gate, or check the port in --url",
                              subject->address);
    }
    return gate_error_set(error, GATE_E_INTERNAL, "cannot connect to %s: %s; check --url", subject->address,
                          strerror(cause));
}

/* ---- no whole answer ---- */

static int explain_no_answer(const struct findings_subject *subject, const struct probe *probe, int r,
                             struct gate_error *error) {
    switch (r) {
    case PROBE_E_CONNECT:
        return explain_connect(subject, probe->cause, error);
    case PROBE_E_BACKLOG:
        return gate_error_set(error, GATE_E_INTERNAL,
                              "nobody has accepted the connection to %s for %d s; is the gate stopped, or are too many "
                              "clients waiting?",
                              subject->address, PROBE_STEP_MS / MS_PER_S);
    case PROBE_E_SILENT:
        return gate_error_set(error, GATE_E_INTERNAL,
                              "nobody answers on %s for %d s; is the gate stopped, or busy? See --max-connections and "
                              "--max-backends of 'git-gate serve'",
                              subject->address, PROBE_STEP_MS / MS_PER_S);
    case PROBE_E_STALLED:
        return gate_error_set(error, GATE_E_INTERNAL, "the answer of %s stops in the middle for %d s; try again",
                              subject->address, PROBE_STEP_MS / MS_PER_S);
    case PROBE_E_SLOW:
        return gate_error_set(error, GATE_E_INTERNAL, "the answer of %s is not whole after %d s; try again",
                              subject->address, PROBE_TOTAL_MS / MS_PER_S);
    case PROBE_E_HUNG_UP:
        return gate_error_set(error, GATE_E_INTERNAL,
                              "%s ends the connection without an answer: it has no room, or is not a git-gate; try "
                              "again, or check %s",
                              subject->address, option(subject));
    case PROBE_E_CUT:
        return gate_error_set(error, GATE_E_INTERNAL,
                              "the answer of %s is cut short: git or the gate failed; the gate's log may say why",
                              subject->address);
    case PROBE_E_NONSENSE:
        return gate_error_set(error, GATE_E_INTERNAL, "this is not a git-gate: %s does not speak HTTP/1.1; check %s",
                              subject->address, option(subject));
    case PROBE_E_TOO_LARGE:
        return gate_error_set(error, GATE_E_INTERNAL,
                              "this is not a git-gate: %s answers with more than %d bytes; check %s", subject->address,
                              ANSWER_MAX_BYTES, option(subject));
    default:
        return gate_error_set(error, GATE_E_INTERNAL, "cannot ask %s: %s; try again", subject->address, strerror(-r));
    }
}

/* ---- a refusal ---- */

/*
 * Whether an error comes from a gate. A gate's is one line of plain text, and has the field Gate-Reason. An older gate
 * has no such field, but its 401 names git-gate.
 */
static bool is_refusal_of_gate(const struct answer *answer) {
    static const char type[] = "text/plain";
    const char *end = memchr(answer->text, '\n', answer->text_size);

    return strncmp(answer->field[ANSWER_FIELD_CONTENT_TYPE], type, strlen(type)) == 0 && end &&
           end == answer->text + answer->text_size - 1 &&
           (*answer->field[ANSWER_FIELD_GATE_REASON] || answer->status != 401 ||
            strstr(answer->field[ANSWER_FIELD_WWW_AUTHENTICATE], "realm=\"git-gate\""));
}

/* Prints what the gate found before it refused. Its checks have an order: verdict.c. */
static int explain_refusal(const struct findings_subject *subject, const struct answer *answer,
                           struct gate_error *error) {
    const struct span sentence = {answer->text, answer->text_size - 1};
    const struct shown name = show(subject, span_of(subject->target->repository));

    switch (refusal_of(answer->status, span_of(answer->field[ANSWER_FIELD_GATE_REASON]))) {
    case REFUSAL_ANONYMOUS:
    case REFUSAL_TOKEN:
        printf("authenticated: no\n");
        return gate_error_set(
            error, GATE_E_INTERNAL,
            "the token is not that of this gate: get it from whoever started the gate, and give it with "
            "--token-file, GIT_GATE_TOKEN or in --url (status %d)",
            answer->status);
    case REFUSAL_SCOPE:
        printf("authenticated: yes\nrepository: no\n");
        return gate_error_set(error, GATE_E_INTERNAL,
                              "the token is for another repository than %s.git: check the name in --repo or --url "
                              "(status 403)",
                              name.text);
    case REFUSAL_NO_REPOSITORY:
        printf("authenticated: yes\nrepository: no\n");
        return gate_error_set(
            error, GATE_E_INTERNAL,
            "the gate has no repository %s.git: check --mirror-root of 'git-gate serve' and the name in "
            "--repo or --url; the gate says with status 404: %s",
            name.text, show(subject, sentence).text);
    default:
        return gate_error_set(error, GATE_E_INTERNAL, "the gate refuses with status %d; it says: %s", answer->status,
                              show(subject, sentence).text);
    }
}

static int explain_error(const struct findings_subject *subject, const struct answer *answer,
                         struct gate_error *error) {
    const char *retry_after = answer->field[ANSWER_FIELD_RETRY_AFTER];

    if (!is_refusal_of_gate(answer)) {
        return gate_error_set(error, GATE_E_INTERNAL,
                              "this is not a git-gate: %s answers with status %d and the Content-Type '%s'; check %s",
                              subject->address, answer->status,
                              show(subject, span_of(answer->field[ANSWER_FIELD_CONTENT_TYPE])).text, option(subject));
    }
    if (answer->status == STATUS_UNAVAILABLE) {
        return gate_error_set(
            error, GATE_E_INTERNAL,
            "the gate has no room or is stopping; try again in %s seconds; it says with status 503: %s",
            show(subject, span_of(*retry_after ? retry_after : "some")).text,
            show(subject, (struct span){answer->text, answer->text_size - 1}).text);
    }
    return explain_refusal(subject, answer, error);
}

/* ---- an advertisement ---- */

static int explain_advertisement(const struct findings_subject *subject, const struct advertisement *advertisement,
                                 struct gate_error *error) {
    switch (advertisement->state) {
    case ADVERTISEMENT_OLD:
        printf("protocol: no\n");
        return gate_error_set(error, GATE_E_INTERNAL,
                              "git behind the gate does not know protocol version 2; install git 2.18 or later there");
    case ADVERTISEMENT_REFUSED:
        return gate_error_set(error, GATE_E_INTERNAL, "git behind the gate refuses, see the gate's log; it says: %s",
                              show(subject, span_of(advertisement->line)).text);
    case ADVERTISEMENT_WHOLE:
        printf("protocol: no\n");
        return gate_error_set(error, GATE_E_INTERNAL,
                              "git behind the gate does not offer %s, so nothing can be fetched; check its version",
                              advertisement->has_ls_refs ? "fetch" : "ls-refs");
    default:
        printf("protocol: no\n");
        return gate_error_set(
            error, GATE_E_INTERNAL,
            "this is not a git-gate: the answer of %s is not an advertisement of git's protocol version 2; "
            "check %s",
            subject->address, option(subject));
    }
}

static int judge(const struct findings_subject *subject, const struct answer *answer, struct gate_error *error) {
    static const char type[] = "application/x-git-upload-pack-advertisement";
    const struct advertisement *advertisement = &answer->advertisement;
    const char *got = answer->field[ANSWER_FIELD_CONTENT_TYPE];

    if (answer->status != 200) {
        return explain_error(subject, answer, error);
    }
    if (strcmp(got, type) != 0) {
        return gate_error_set(error, GATE_E_INTERNAL,
                              "this is not a git-gate: %s answers with the Content-Type '%s'; check %s",
                              subject->address, show(subject, span_of(got)).text, option(subject));
    }
    if (advertisement->state != ADVERTISEMENT_WHOLE || !advertisement->has_ls_refs || !advertisement->has_fetch) {
        return explain_advertisement(subject, advertisement, error);
    }
    printf("authenticated: yes\n"
           "repository: %s.git\n"
           "protocol: version 2\n"
           "git: %s\n",
           show(subject, span_of(subject->target->repository)).text,
           *advertisement->agent ? show(subject, span_of(advertisement->agent)).text : "does not say its version");
    return 0;
}

int findings_print(const struct findings_subject *subject, const struct probe *probe, int r, struct gate_error *error) {
    if (probe->is_connected) {
        printf("reachable: %s\n", subject->address);
    } else {
        printf("reachable: no\n");
    }
    if (r) {
        return explain_no_answer(subject, probe, r, error);
    }
    r = judge(subject, &probe->answer, error);
    printf("round trip: %u ms\n", probe->duration_ms);
    return r;
}
