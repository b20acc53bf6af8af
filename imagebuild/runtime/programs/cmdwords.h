/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMDWORDS_H
#define CMDWORDS_H

#include <windows.h>

/* FormatMessageW for cmd, which says what Windows' cmd says. */
DWORD WINAPI say_as_windows(DWORD flags, const void *source, DWORD id, DWORD language, WCHAR *out, DWORD room,
                            va_list *values);

#endif
