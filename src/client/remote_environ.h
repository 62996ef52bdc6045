/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

enum {
    REMOTE_ENVIRON_MAX_COUNT = 1000, /* of settings that the environment may hold already */
};

/**
 * remote_environ_set() - change this process's environment to what git's HTTP helper needs: git(1), GIT_CONFIG_COUNT
 * @address: "http://127.0.0.1:PORT" of the listener, to which all settings are limited but one
 * @token: goes into a field of every request
 *
 * What a person has set for other addresses, headers, credential helpers, proxies, cookies, does not reach the gate; and
 * the settings here are for no other address, as that of another remote from which missing objects are fetched.
 *
 * Return: 0; -E2BIG when GIT_CONFIG_COUNT is beyond REMOTE_ENVIRON_MAX_COUNT, or no number; -ENOMEM.
 */
int remote_environ_set(const char *address, const char *token);
