/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCREEN_H
#define SCREEN_H

#include <windows.h>

/* Begin what a console with a terminal has to be told: to listen to its keys, and its size, whenever the host writes one
 * into the FIFO beside the request. */
void attend_screen(const WCHAR *request);

#endif
