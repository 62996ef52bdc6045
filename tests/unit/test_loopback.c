/* SPDX-License-Identifier: Apache-2.0 */

/* Texts that name an address on the loopback, and other texts, for which nothing is opened. */

#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/loopback.h"
#include "serve/listener.h"

/* @host: as inet_ntop(3) shows it; NULL when the text is refused */
static const struct {
    const char *text;
    const char *host;
    int port;
} parse_cases[] = {
    {"127.0.0.1:0", "127.0.0.1", 0},
    {"127.0.0.1:1", "127.0.0.1", 1},
    {"127.0.0.1:65535", "127.0.0.1", 65535},
    {"127.0.0.0:80", "127.0.0.0", 80},
    {"127.1.2.3:80", "127.1.2.3", 80},
    {"127.255.255.254:80", "127.255.255.254", 80},
    {"localhost:8080", "127.0.0.1", 8080},
    {"[::1]:0", "::1", 0},
    {"[::1]:65535", "::1", 65535},
    {"", NULL, 0},
    {":", NULL, 0},
    {":80", NULL, 0},
    {"80", NULL, 0},
    {"127.0.0.1", NULL, 0},
    {"127.0.0.1:", NULL, 0},
    {"127.0.0.1:65536", NULL, 0},
    {"127.0.0.1:99999", NULL, 0},
    {"127.0.0.1:131152", NULL, 0}, /* 80 in 16 bits */
    {"127.0.0.1:4294967376", NULL, 0},
    {"127.0.0.1:18446744073709551696", NULL, 0},
    {"127.0.0.1:-1", NULL, 0},
    {"127.0.0.1:+1", NULL, 0},
    {"127.0.0.1: 1", NULL, 0},
    {"127.0.0.1:1 ", NULL, 0},
    {"127.0.0.1:1\n", NULL, 0},
    {"127.0.0.1:0x1", NULL, 0},
    {"127.0.0.1:http", NULL, 0},
    {"127.0.0.1:80:80", NULL, 0},
    {"127.0.0.1:80/", NULL, 0},
    {" 127.0.0.1:80", NULL, 0},
    {"127.0.0.1 :80", NULL, 0},
    {"127.0.0:80", NULL, 0},
    {"127.1:80", NULL, 0},
    {"127:80", NULL, 0},
    {"0x7f.0.0.1:80", NULL, 0},
    {"2130706433:80", NULL, 0},
    {"127.0.0.256:80", NULL, 0},
    {"127.0.0.1.1:80", NULL, 0},
    {"http://127.0.0.1:80", NULL, 0},
    {"0.0.0.0:80", NULL, 0},
    {"*:80", NULL, 0},
    {"126.255.255.255:80", NULL, 0},
    {"128.0.0.0:80", NULL, 0},
    {"1.0.0.127:80", NULL, 0},
    {"10.0.0.1:80", NULL, 0},
    {"192.0.2.1:80", NULL, 0},
    {"169.254.1.1:80", NULL, 0},
    {"255.255.255.255:80", NULL, 0},
    {"[::]:80", NULL, 0},
    {"[::2]:80", NULL, 0},
    {"[fe80::1]:80", NULL, 0},
    {"[::ffff:192.0.2.1]:80", NULL, 0},
    {"[::1%lo]:80", NULL, 0},
    {"[::1]", NULL, 0},
    {"[::1]:", NULL, 0},
    {"[::1]80", NULL, 0},
    {"[::1:80", NULL, 0},
    {"::1:80", NULL, 0},
    {"[127.0.0.1]:80", NULL, 0},
    {"[localhost]:80", NULL, 0},
    {"localhost", NULL, 0},
    {"localhost.:80", NULL, 0},
    {"localhost.example:80", NULL, 0},
    {"example.org:80", NULL, 0},
    {"127.0.0.1.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:80", NULL, 0}, /* a host of 64 bytes */
    {"127.0.0.1.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:80", NULL, 0},  /* of 63 */
    {"127.0.0.1.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:"
     "80",
     NULL, 0},
};

static void test_parse(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(parse_cases); i++) {
        const char *name = parse_cases[i].text;
        char *text = unit_copy(name, strlen(name) + 1);
        struct sockaddr_storage storage;
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&storage;
        const struct sockaddr_in *in = (const struct sockaddr_in *)&storage;
        char host[INET6_ADDRSTRLEN] = "";
        char printed[INET6_ADDRSTRLEN] = "";
        socklen_t size = 0;

        memset(&storage, 0xff, sizeof(storage));
        expect_int(name, loopback_parse(text, &storage, &size), parse_cases[i].host != NULL);
        if (parse_cases[i].host) {
            bool is_ipv6 = strchr(parse_cases[i].host, ':') != NULL;

            expect_int(name, storage.ss_family, is_ipv6 ? AF_INET6 : AF_INET);
            expect_int(name, size, is_ipv6 ? sizeof(*in6) : sizeof(*in));
            expect_int(name, ntohs(is_ipv6 ? in6->sin6_port : in->sin_port), parse_cases[i].port);
            expect_true(name, inet_ntop(storage.ss_family, is_ipv6 ? (const void *)&in6->sin6_addr : &in->sin_addr,
                                        host, sizeof(host)) != NULL);
            expect_text(name, host, parse_cases[i].host);
            expect_true(name, loopback_print(&storage, printed, sizeof(printed)));
            expect_text(name, printed, host);
            expect_true(name, !loopback_print(&storage, printed, 3));
            expect_true(name, !is_ipv6 || (in6->sin6_scope_id == 0 && in6->sin6_flowinfo == 0));
        }
        free(text);
    }
}

static void test_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(parse_cases); i++) {
        struct listener listener = {.fd = 0};
        struct listener_settings settings = {.tcp_address = parse_cases[i].text, .inherited_fd = -1};
        struct gate_error error = {0};

        if (!parse_cases[i].host) {
            expect_int(parse_cases[i].text, listener_open(&listener, &settings, &error), GATE_E_USAGE);
            expect_int(parse_cases[i].text, error.code, GATE_E_USAGE);
            expect_true(parse_cases[i].text, strstr(error.message, "--listen=") != NULL);
            expect_int(parse_cases[i].text, listener.fd, -1);
        }
    }
}

static void test_is_address(void **state) {
    static const struct {
        const char *text;
        bool is_address;
    } cases[] = {
        {"127.0.0.1:9418", true},
        {"localhost:0", true},
        {"[::1]:1", true},
        {"example.org:80", true},
        {"", false},
        {":1", false},
        {"gate.sock", false},
        {"127.0.0.1", false},
        {"127.0.0.1:", false},
        {"127.0.0.1:x", false},
        {"./a:1", false},
        {"/run/a:1", false},
        {"unix:1", false},
        {"gate-1:@a:1", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        expect_int(cases[i].text, loopback_is_address(cases[i].text), cases[i].is_address);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_is_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
