/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HIVES_H
#define HIVES_H

#include <windows.h>

/* Notice from now on which hives change. */
void watch_registry(void);

/* Write the hives that have changed, or all, into a folder; 0 when one could not be written. */
int save_registry(const WCHAR *where, int all);

#endif
