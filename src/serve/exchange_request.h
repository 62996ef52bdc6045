/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

struct exchange;

/** exchange_request_pump() - one step of the request body towards git. Return: whether anything moved. */
bool exchange_request_pump(struct exchange *exchange);
