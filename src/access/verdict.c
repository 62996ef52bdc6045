/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Checks a request in a fixed order: its route and method, its credentials, their scope, the service, its other fields.
 * A check may rely on all checks above it in the table. No process may be started before all have passed.
 */

#include "access/verdict.h"

#include "base/ascii.h"

/* Return: false, which ends the checks. */
static bool refuse(struct verdict *verdict, enum reason code, const char *reason) {
    verdict->status = reason_status(code);
    verdict->code = code;
    verdict->reason = reason;
    return false;
}

static bool check_route(struct verdict *verdict, const struct verdict_policy *policy, const struct head *head) {
    (void)policy;
    switch (route_match(&verdict->route, &verdict->repository, head->target, head->method)) {
    case ROUTE_E_UNKNOWN:
        return refuse(verdict, REASON_NOT_FOUND,
                      "nothing is here: this gate serves /REPOSITORY.git to git clients; check the address");
    case ROUTE_E_LFS:
        return refuse(
            verdict, REASON_NO_LFS,
            "this gate serves no LFS objects; set lfs.url to where they are, for example to file:///PATH of a "
            "bare repository that is mounted");
    case ROUTE_E_ARCHIVE:
        return refuse(
            verdict, REASON_NO_ARCHIVE,
            "this gate serves no archives, because the filters of an archive are commands of the repository's "
            "own configuration; clone, and run git archive in the clone");
    case ROUTE_E_NO_SERVICE:
        return refuse(verdict, REASON_DUMB_PROTOCOL,
                      "the dumb HTTP protocol is not served; use a git client with smart HTTP, 1.6.6 or later");
    default:
        return true;
    }
}

static bool check_method(struct verdict *verdict, const struct verdict_policy *policy, const struct head *head) {
    (void)policy;
    if (head->method == verdict->route->method) {
        return true;
    }
    verdict->allow = verdict->route->allow;
    return refuse(verdict, REASON_WRONG_METHOD,
                  "this address does not take that method; the Allow field says which it takes");
}

static bool check_credentials(struct verdict *verdict, const struct verdict_policy *policy, const struct head *head) {
    struct span authorization = head->field[HEAD_FIELD_AUTHORIZATION];

    switch (token_check(authorization, policy->tokens)) {
    case TOKEN_E_MALFORMED:
        verdict->anonymous = authorization.data == NULL;
        return refuse(
            verdict, REASON_NO_CREDENTIALS,
            "a token is needed: use http://x:TOKEN@HOST/REPOSITORY.git as the address, or set GIT_GATE_TOKEN or "
            "GIT_GATE_TOKEN_FILE for gate:///REPOSITORY.git");
    case TOKEN_E_MISMATCH:
        return refuse(verdict, REASON_WRONG_TOKEN,
                      "this is not the token of this gate: get it from whoever started the gate, and use it in "
                      "http://x:TOKEN@HOST/REPOSITORY.git, or in GIT_GATE_TOKEN or GIT_GATE_TOKEN_FILE for "
                      "gate:///REPOSITORY.git");
    default:
        return true;
    }
}

static bool check_scope(struct verdict *verdict, const struct verdict_policy *policy, const struct head *head) {
    (void)head;
    for (char *const *scope = policy->scopes; *scope; scope++) {
        if (strcmp(*scope, "*") == 0 || span_equals(verdict->repository, *scope)) {
            return true;
        }
    }
    return refuse(verdict, REASON_WRONG_REPOSITORY,
                  "the token is for another repository; check the repository's name in the address");
}

static bool check_service(struct verdict *verdict, const struct verdict_policy *policy, const struct head *head) {
    (void)head;
    if (!policy->read_only || !verdict->route->pushes) {
        return true;
    }
    return refuse(verdict, REASON_READ_ONLY, "this gate is read-only: fetching works, pushing does not");
}

static bool check_media_type(struct verdict *verdict, const struct verdict_policy *policy, const struct head *head) {
    const char *wanted = verdict->route->content_type;

    (void)policy;
    if (!wanted || span_equals(head->field[HEAD_FIELD_CONTENT_TYPE], wanted)) {
        return true;
    }
    return refuse(verdict, REASON_WRONG_TYPE,
                  "the Content-Type is not the one that git sends to this address; use a git client");
}

static bool check_coding(struct verdict *verdict, const struct verdict_policy *policy, const struct head *head) {
    struct span coding = head->field[HEAD_FIELD_CONTENT_ENCODING];

    (void)policy;
    verdict->gzip = verdict->route->content_type && span_equals_nocase(coding, "gzip");
    if (!coding.data || verdict->gzip) {
        return true;
    }
    return refuse(verdict, REASON_WRONG_CODING,
                  "the Content-Encoding is not gzip, or comes with a request that has no body; use a git client");
}

static bool check_expect(struct verdict *verdict, const struct verdict_policy *policy, const struct head *head) {
    struct span expect = head->field[HEAD_FIELD_EXPECT];

    (void)policy;
    if (expect.data && !span_equals_nocase(expect, "100-continue")) {
        return refuse(verdict, REASON_WRONG_EXPECTATION, "the gate meets no expectation but 100-continue");
    }
    /* RFC 9110, 10.1.1: not from HTTP/1.0, and not without a body to continue with. */
    verdict->expects_continue = expect.data && head->minor == 1 && head_has_body(head);
    return true;
}

/* key[=value](:key[=value])*, see the Git-Protocol field in gitprotocol-http(5) and GIT_PROTOCOL in git(1) */
static bool git_protocol_is_valid(struct span text) {
    bool in_value = false;
    size_t size = 0;

    if (text.size > VERDICT_GIT_PROTOCOL_MAX_BYTES) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (ascii_is_name_byte(text.data[i])) {
            size++;
        } else if (text.data[i] == '=' && !in_value && size > 0) {
            in_value = true;
            size = 0;
        } else if (text.data[i] == ':' && size > 0) {
            in_value = false;
            size = 0;
        } else {
            return false;
        }
    }
    return size > 0;
}

static bool check_git_protocol(struct verdict *verdict, const struct verdict_policy *policy, const struct head *head) {
    (void)policy;
    verdict->git_protocol = head->field[HEAD_FIELD_GIT_PROTOCOL];
    if (!verdict->git_protocol.data || git_protocol_is_valid(verdict->git_protocol)) {
        return true;
    }
    return refuse(verdict, REASON_BAD_PROTOCOL, "Git-Protocol is not a list of key=value");
}

/* The checks of git-gate(1), STATUS CODES, after the HTTP syntax checks and before the size and capacity limits. */
static bool (*const checks[])(struct verdict *, const struct verdict_policy *, const struct head *) = {
    check_route,        /* 404, 403 */
    check_method,       /* 405 */
    check_credentials,  /* 401 */
    check_scope,        /* 403 */
    check_service,      /* 403 */
    check_media_type,   /* 415 */
    check_coding,       /* 415 */
    check_expect,       /* 417 */
    check_git_protocol, /* 400 */
};

void verdict_reach(struct verdict *verdict, const struct verdict_policy *policy, const struct head *head) {
    *verdict = (struct verdict){0};
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        if (!checks[i](verdict, policy, head)) {
            return;
        }
    }
}
