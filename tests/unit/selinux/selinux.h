/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* For test_selinux.c in the place of libselinux's header, so that neither need be installed: selinux(3), setsockcreatecon(3). */

int is_selinux_enabled(void);
int setsockcreatecon(const char *context);
