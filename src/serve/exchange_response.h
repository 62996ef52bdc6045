/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

struct exchange;

/** exchange_response_pump() - move git's output to the client, one step. Return: whether anything moved. */
bool exchange_response_pump(struct exchange *exchange);
