/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Puts all settings of git's HTTP helper into the environment. A command line must not have them, since everybody can
 * read it, nor a file, which would be left over. It changes the environment of this process, which is about to execute
 * that helper.
 */

#include "client/remote_environ.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/token.h"

enum {
    NAME_MAX_BYTES = 64,
    KEY_MAX_BYTES = 128,
    PARAMETERS_MAX_BYTES = 192, /* two settings of the kind that git -c makes */
    FIELD_MAX_BYTES = TOKEN_CREDENTIALS_MAX + 32,
};

/* SECTION.ADDRESS/.NAME, which outranks SECTION.NAME wherever that is set: git-config(1), http.<url>.*. */
static const struct {
    const char *section;
    const char *name;
    const char *value; /* NULL: the field with the token */
} settings[] = {
    {"http", "extraHeader", ""}, /* drops the fields that were set for all addresses */
    {"http", "extraHeader", NULL},        {"http", "proxy", ""},
    {"http", "cookieFile", ""},           {"http", "saveCookies", "false"},
    {"http", "followRedirects", "false"}, {"http", "version", "HTTP/1.1"},
    {"http", "proactiveAuth", "none"}, /* it would ask for a password */
    {"credential", "helper", ""},
};

/* The number of settings that exist already; -1 when it is not a number, or too large. */
static long count(void) {
    const char *text = getenv("GIT_CONFIG_COUNT");
    long n;

    if (!text || !*text) {
        return 0;
    }
    n = strspn(text, "0123456789") == strlen(text) ? strtol(text, NULL, 10) : -1;
    return n <= REMOTE_ENVIRON_MAX_COUNT ? n : -1;
}

static int set(const char *prefix, long number, const char *value) {
    char name[NAME_MAX_BYTES];

    (void)snprintf(name, sizeof(name), "%s%ld", prefix, number);
    return setenv(name, value, 1) < 0 ? -errno : 0;
}

/*
 * Variables that outrank settings. The first two keep git from asking anybody for a password. The third keeps these
 * settings out of git's traces, where trace2.configParams could put them: its only name is one that no setting has.
 */
static const struct {
    const char *name;
    const char *value;
} variables[] = {
    {"GIT_TERMINAL_PROMPT", "0"},
    {"GIT_ASKPASS", ""},
    {"GIT_TRACE2_CONFIG_PARAMS", "gate.none"},
};

/* Appends to a variable if it is set. It calls getenv() itself, since setenv() may move an older result. */
static int append(const char *name, const char *more) {
    const char *value = getenv(name);
    char *both = NULL;
    int r;

    if (!value) {
        return 0;
    }
    if (asprintf(&both, "%s%s", value, more) < 0) {
        return -ENOMEM;
    }
    r = setenv(name, both, 1) < 0 ? -errno : 0;
    free(both);
    return r;
}

/*
 * Allows http://, by which gate:// works. GIT_ALLOW_PROTOCOL, if it is set, outranks everything else: git(1). The
 * settings of "git -c" are in GIT_CONFIG_PARAMETERS, and outrank the numbered ones. Credential helpers add up, so the
 * list of helpers has to be emptied once more after these settings. Otherwise git would ask the helpers when a gate
 * refuses the token.
 */
static int outrank(const char *address) {
    char more[PARAMETERS_MAX_BYTES];
    int r = append("GIT_ALLOW_PROTOCOL", ":http");
    const char *parameters = getenv("GIT_CONFIG_PARAMETERS");

    if (!r && parameters && *parameters) { /* git takes no list that begins with a space */
        (void)snprintf(more, sizeof(more), " 'protocol.http.allow=always' 'credential.%s/.helper'=''", address);
        r = append("GIT_CONFIG_PARAMETERS", more);
    }
    return r;
}

/* Sets setting number @n. @address: NULL for a setting of all addresses. */
static int set_setting(long n, const char *section, const char *address, const char *name, const char *value) {
    char key[KEY_MAX_BYTES];
    int r;

    (void)snprintf(key, sizeof(key), "%s.%s%s.%s", section, address ? address : "", address ? "/" : "http", name);
    r = set("GIT_CONFIG_KEY_", n, key);
    return r ? r : set("GIT_CONFIG_VALUE_", n, value);
}

int remote_environ_set(const char *address, const char *token) {
    char credentials[TOKEN_CREDENTIALS_MAX];
    char field[FIELD_MAX_BYTES];
    char text[NAME_MAX_BYTES];
    long n = count();
    int r = n < 0 ? -E2BIG : outrank(address);

    token_encode(credentials, token, "");
    (void)snprintf(field, sizeof(field), "Authorization: Basic %s", credentials);
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]) && !r; i++) {
        r = set_setting(n++, settings[i].section, address, settings[i].name,
                        settings[i].value ? settings[i].value : field);
    }
    r = r ? r : set_setting(n++, "protocol", NULL, "allow", "always");
    explicit_bzero(credentials, sizeof(credentials));
    explicit_bzero(field, sizeof(field));
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]) && !r; i++) {
        r = setenv(variables[i].name, variables[i].value, 1) < 0 ? -errno : 0;
    }
    (void)snprintf(text, sizeof(text), "%ld", n);
    return r ? r : setenv("GIT_CONFIG_COUNT", text, 1) < 0 ? -errno : 0;
}
