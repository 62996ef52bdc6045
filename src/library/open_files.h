/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/log.h"
#include "serve/settings.h"

/**
 * open_files_provide() - see that as many open files are allowed as the settings need
 * @may_raise: the limit is this program's own to raise
 *
 * When that cannot be had, @settings->max_connections is lowered to what there is room for, and the log says so.
 */
void open_files_provide(struct server_settings *settings, struct log *log, bool may_raise);
