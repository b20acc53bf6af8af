/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <windows.h>

#define ROOTS_SEMAPHORE L"crypt32_root_semaphore" /* dlls/crypt32/rootstore.c */
#define ROOTS_WANTED L"wcow-roots-wanted"

/* From now on whoever asks for the roots waits for fill_roots(). The event that is set when a program asks; NULL: no one
 * would set it with this Wine, and they are filled in. */
HANDLE hold_roots(void);
/* Put the certificates of /etc/roots into the registry, where Windows has them, for as long as the box runs; once. */
void fill_roots(void);
