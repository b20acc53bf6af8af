/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <windows.h>

#define ROOTS_AFTER 100 /* milliseconds: what is over by then has not asked */

/* From now on whoever asks for the roots waits for fill_roots(); whether there is anything to fill in. */
int hold_roots(void);
/* Put the certificates of /etc/roots into the registry, where Windows has them, for as long as the box runs. */
void fill_roots(void);
