/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

/* Which Windows this is, from the registry, where the host wrote what the image or the engine says. */
struct os {
    WCHAR caption[128], version[32], build[16], owner[128], organization[128], id[64], type[64], directory[MAX_PATH];
    DWORD revision, installed; /* seconds since 1970 */
    BOOL server;
};

void read_os(struct os *os);
/* Write text as Windows' own programs do: into a file in UTF-16 where `wide`, else in the console's code page. */
void write_text(const WCHAR *text, BOOL wide);
