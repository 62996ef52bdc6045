/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/log.h"
#include "serve/settings.h"

/**
 * open_files_provide() - allow as many open files as the settings need
 * @may_raise: the program permits raising the limit
 *
 * If the limit stays too low, it lowers @settings->max_connections to fit, and a log record says so.
 */
void open_files_provide(struct server_settings *settings, struct log *log, bool may_raise);
