/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

struct exchange;

/** exchange_response_pump() - one step of git's output towards the client. Return: whether anything moved. */
bool exchange_response_pump(struct exchange *exchange);
