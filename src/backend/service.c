/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Does the part of git-http-backend between HTTP and git's service programs: the arguments that start them, and the
 * bytes before their output. It starts nothing, and writes no file.
 */

#include "backend/service.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/hex.h"

/* An answer depends on the references of the moment, so no cache on the way may keep it: hdr_nocache() of git. */
static const char no_cache[] = "Expires: Fri, 01 Jan 1980 00:00:00 GMT\r\n"
                               "Pragma: no-cache\r\n"
                               "Cache-Control: no-cache, max-age=0, must-revalidate\r\n";

enum {
    PACKET_LENGTH_DIGITS = 4,
    PACKET_SHOWN_MAX = 8192, /* of a packet about HEAD: capabilities, and a reference's name of at most PATH_MAX */
    HEAD_MAX_BYTES = 255,    /* bytes of HEAD that git reads */
    OBJECT_ID_DIGITS = 40,
};

static bool is_upload_pack(const struct service_call *call) {
    return !call->name || strcmp(call->name, "git-upload-pack") == 0;
}

void service_argv(char *argv[SERVICE_ARGV_COUNT], const struct service_call *call, char *repository) {
    static char git[] = "git";
    static char upload_pack[] = "upload-pack";
    static char receive_pack[] = "receive-pack";
    static char serve[] = "--stateless-rpc";
    static char advertise[] = "--http-backend-info-refs"; /* "--advertise-refs" before git 2.34 */
    static char strict[] = "--strict";
    size_t n = 0;

    argv[n++] = git;
    argv[n++] = is_upload_pack(call) ? upload_pack : receive_pack;
    argv[n++] = call->has_body ? serve : advertise;
    if (is_upload_pack(call)) {
        argv[n++] =
            strict; /* this folder, and not another one whose name begins like it; receive-pack has no such option */
    }
    argv[n++] = repository;
    argv[n] = NULL;
}

/* Of several versions the greatest counts, and 2 is the greatest that there is: determine_protocol_version_server(). */
bool service_is_version_2(const char *git_protocol) {
    static const char version_2[] = "version=2";

    for (const char *at = git_protocol; at; at = strchr(at, ':') ? strchr(at, ':') + 1 : NULL) {
        if (strcspn(at, ":") == sizeof(version_2) - 1 && strncmp(at, version_2, sizeof(version_2) - 1) == 0) {
            return true;
        }
    }
    return false;
}

int service_append_head(struct buffer *output, const struct service_call *call) {
    static const char line[] = "# service=\n";
    size_t line_size;
    int r;

    if (!call->name) {
        return 0;
    }
    line_size = PACKET_LENGTH_DIGITS + sizeof(line) - 1 + strlen(call->name);
    r = buffer_printf(output, "%sContent-Type: application/x-%s-%s\r\n\r\n", no_cache, call->name,
                      call->has_body ? "result" : "advertisement");
    if (!r && !call->has_body && !service_is_version_2(call->git_protocol)) {
        r = buffer_printf(output, "%04zx# service=%s\n0000", line_size, call->name); /* a packet, and a flush packet */
    }
    return r;
}

/* Copies the first packet's line; a NUL ends its text, and capabilities follow. Return: 0, SERVICE_E_NONSENSE. */
static int copy_line(char line[PACKET_SHOWN_MAX], struct span output) {
    size_t size = 0;

    if (output.size < PACKET_LENGTH_DIGITS) {
        return SERVICE_E_NONSENSE;
    }
    for (size_t i = 0; i < PACKET_LENGTH_DIGITS; i++) {
        int value = hex_value(output.data[i]);

        if (value < 0) {
            return SERVICE_E_NONSENSE;
        }
        size = size * 16 + (size_t)value;
    }
    size = size < PACKET_LENGTH_DIGITS ? PACKET_LENGTH_DIGITS : size; /* a flush packet, which has no line */
    if (size > output.size || size - PACKET_LENGTH_DIGITS >= PACKET_SHOWN_MAX - 1) {
        return SERVICE_E_NONSENSE;
    }
    memcpy(line, output.data + PACKET_LENGTH_DIGITS, size - PACKET_LENGTH_DIGITS);
    memset(line + size - PACKET_LENGTH_DIGITS, '\0', 2); /* there may be no capabilities */
    return 0;
}

int service_tell_head(struct buffer *output) {
    static const char symbolic[] = " symref=HEAD:";
    char line[PACKET_SHOWN_MAX];
    const char *capabilities;
    const char *target;
    size_t size;
    int r = copy_line(line, buffer_content(output));

    if (r) {
        return r;
    }
    buffer_consume(output, buffer_size(output));
    r = buffer_append_all(output, "Content-Type: text/plain\r\n\r\n");
    size = strcspn(line, " ");
    if (r || strcmp(line + size, " HEAD") != 0) { /* another reference, or "capabilities^{}" where there is none */
        return r;
    }
    capabilities = line + strlen(line) + 1;
    target = strstr(capabilities, symbolic);
    if (target) {
        target += sizeof(symbolic) - 1;
        return buffer_printf(output, "ref: %.*s\n", (int)strcspn(target, " \n"), target);
    }
    return buffer_printf(output, "%.*s\n", (int)size, line);
}

/* git_config_bool() takes these words in any case, and numbers. */
static bool is_true(const char *value) {
    char *end;

    if (strcasecmp(value, "true") == 0 || strcasecmp(value, "yes") == 0 || strcasecmp(value, "on") == 0) {
        return true;
    }
    return strtol(value, &end, 10) != 0 && !*end;
}

const char *service_key(const struct service_call *call) {
    return !call->name ? "http.getanyfile" : is_upload_pack(call) ? "http.uploadpack" : "http.receivepack";
}

enum service_access service_access_of(const char *value) {
    return is_true(value) ? SERVICE_OPEN : SERVICE_CLOSED;
}

enum service_access service_find_access(const struct service_call *call, char *const *settings) {
    const char *key = service_key(call);
    const size_t size = strlen(key);
    enum service_access access = SERVICE_UNSET;

    for (; settings && *settings; settings++) {
        if (strncasecmp(*settings, key, size) == 0 && (!(*settings)[size] || (*settings)[size] == '=')) {
            access = service_access_of((*settings)[size] ? *settings + size + 1 : "");
        }
    }
    return access;
}

/* A link to a reference, a symbolic reference, or an object id: validate_headref() of git. */
static bool is_head(const char *path) {
    static const char refs[] = "refs/";
    static const char symbolic[] = "ref:";
    char text[HEAD_MAX_BYTES + 1] = "";
    const char *target = text + sizeof(symbolic) - 1;
    _cleanup_fd_ int fd = -1;
    ssize_t size = readlink(path, text, HEAD_MAX_BYTES);

    if (size >= 0) {
        return strncmp(text, refs, sizeof(refs) - 1) == 0;
    }
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 || read(fd, text, HEAD_MAX_BYTES) <= 0) {
        return false;
    }
    if (strncmp(text, symbolic, sizeof(symbolic) - 1) != 0) {
        return strspn(text, "0123456789abcdefABCDEF") >= OBJECT_ID_DIGITS;
    }
    return strncmp(target + strspn(target, " \t\n\v\f\r"), refs, sizeof(refs) - 1) == 0;
}

bool service_finds_repository(const char *path) {
    char entry[PATH_MAX + sizeof("/objects")];
    bool found;

    (void)snprintf(entry, sizeof(entry), "%s/HEAD", path);
    found = is_head(entry);
    (void)snprintf(entry, sizeof(entry), "%s/objects", path);
    found = found && access(entry, X_OK) == 0;
    (void)snprintf(entry, sizeof(entry), "%s/refs", path);
    return found && access(entry, X_OK) == 0;
}
