/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

enum {
    REMOTE_ENVIRON_MAX_COUNT = 1000, /* of settings that the environment may hold already */
};

/**
 * remote_environ_set() - set this process's environment for git's HTTP helper: git(1), GIT_CONFIG_COUNT
 * @address: "http://127.0.0.1:PORT" of the listener; all settings but one are limited to it
 * @token: sent in a field of every request
 *
 * A person's settings for other addresses (headers, credential helpers, proxies, cookies) do not reach the gate. The
 * settings made here do not apply to other addresses, for example those of a promisor remote.
 *
 * Return: 0; -E2BIG when GIT_CONFIG_COUNT is above REMOTE_ENVIRON_MAX_COUNT, or not a number; -ENOMEM.
 */
int remote_environ_set(const char *address, const char *token);
