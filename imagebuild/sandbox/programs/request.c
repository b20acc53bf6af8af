/* SPDX-License-Identifier: Apache-2.0 */
/* The request, and the files beside it. */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include "request.h"

#define MOST 0x100000 /* bytes of a request */

WCHAR folder[MAX_PATH];

HANDLE open_file(const WCHAR *name, DWORD access, DWORD how)
{
    WCHAR path[MAX_PATH * 2];

    lstrcpyW(path, folder);
    lstrcatW(path, L"\\");
    lstrcatW(path, name);
    return CreateFileW(path, access, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, how, 0, NULL);
}

void say(HANDLE file, const char *word, ULONGLONG number)
{
    char text[64], *end = text + sizeof text, *at = end;
    DWORD written;

    *--at = '\n';
    do *--at = '0' + number % 10; while (number /= 10);
    for (int i = lstrlenA(word); i--;) *--at = word[i];
    WriteFile(file, at, end - at, &written, NULL); /* one write: the host may be reading */
}

int read_request(struct request *request)
{
    HANDLE file = open_file(L"request", GENERIC_READ, OPEN_EXISTING), heap = GetProcessHeap();
    DWORD size = file == INVALID_HANDLE_VALUE ? 0 : GetFileSize(file, NULL), got = 0, part;
    char *bytes = size <= MOST ? HeapAlloc(heap, 0, size) : NULL; /* no larger: Wine touches all that it may fill */
    WCHAR *text = bytes ? HeapAlloc(heap, 0, (size + 2) * sizeof *text) : NULL, *end, *at;

    if (file == INVALID_HANDLE_VALUE || !text) return 0;
    while (got < size && ReadFile(file, bytes + got, size - got, &part, NULL) && part) got += part;
    CloseHandle(file);
    end = text + MultiByteToWideChar(CP_UTF8, 0, bytes, got, text, size);
    end[0] = end[1] = 0;
    at = text;
    for (int i = 0; i < FIELDS; i++, at += lstrlenW(at) + 1) {
        if (at >= end) return 0;
        request->field[i] = at;
    }
    request->environment = at;
    return 1;
}

int flag(const struct request *request, WCHAR letter)
{
    for (const WCHAR *at = request->field[FLAGS]; *at; at++)
        if (*at == letter) return 1;
    return 0;
}

ULONGLONG number(const WCHAR *text)
{
    ULONGLONG value = 0;

    for (; *text >= '0' && *text <= '9'; text++) value = value * 10 + (*text - '0');
    return value;
}
