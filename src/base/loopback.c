/* SPDX-License-Identifier: Apache-2.0 */

/* Parses and prints loopback addresses. It opens nothing. */

#include "base/loopback.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/*
 * The usual address needs no inet_pton(3) and inet_ntop(3). These lie among libc's resolver, which a gate does not use,
 * and the kernel maps 64 KiB around a page.
 */
static const char usual[] = "127.0.0.1";

static bool parse_port(const char *text, uint16_t *portp) {
    unsigned long port = 0;

    if (!*text || strlen(text) > 5) {
        return false;
    }
    for (const char *at = text; *at; at++) {
        if (*at < '0' || *at > '9') {
            return false;
        }
        port = port * 10 + (unsigned long)(*at - '0');
    }
    *portp = (uint16_t)port;
    return port <= UINT16_MAX;
}

bool loopback_parse(const char *text, struct sockaddr_storage *storagep, socklen_t *sizep) {
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)storagep;
    struct sockaddr_in *in = (struct sockaddr_in *)storagep;
    const char *colon = strrchr(text, ':');
    char host[64];
    uint16_t port;

    if (!colon || (size_t)(colon - text) >= sizeof(host) || !parse_port(colon + 1, &port)) {
        return false;
    }
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    memset(storagep, 0, sizeof(*storagep));
    if (strcmp(host, "[::1]") == 0) {
        *in6 = (struct sockaddr_in6){
            .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
        *sizep = sizeof(*in6);
        return true;
    }
    *in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
    *sizep = sizeof(*in);
    if (strcmp(host, "localhost") == 0 || strcmp(host, usual) == 0) {
        in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return true;
    }
    return inet_pton(AF_INET, host, &in->sin_addr) == 1 && ntohl(in->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

bool loopback_print(const struct sockaddr_storage *storage, char *text, size_t size) {
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)storage;
    const struct sockaddr_in *in = (const struct sockaddr_in *)storage;

    if (storage->ss_family == AF_INET && in->sin_addr.s_addr == htonl(INADDR_LOOPBACK)) {
        return snprintf(text, size, "%s", usual) < (int)size;
    }
    return (storage->ss_family == AF_INET && inet_ntop(AF_INET, &in->sin_addr, text, (socklen_t)size)) ||
           (storage->ss_family == AF_INET6 && inet_ntop(AF_INET6, &in6->sin6_addr, text, (socklen_t)size));
}

bool loopback_is_address(const char *text) {
    const char *colon = strrchr(text, ':');

    return colon && colon != text && colon[1] && strspn(colon + 1, "0123456789") == strlen(colon + 1) &&
           !strpbrk(text, "/@") && strncmp(text, "unix:", strlen("unix:")) != 0;
}
