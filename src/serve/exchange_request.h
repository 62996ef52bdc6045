/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

struct exchange;

/** exchange_request_pump() - move request body bytes to git, one step. Return: whether anything moved. */
bool exchange_request_pump(struct exchange *exchange);
