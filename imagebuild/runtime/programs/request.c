/* SPDX-License-Identifier: Apache-2.0 */
/* The request, and what is told of it. */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <winternl.h>

#include "request.h"

#define MOST 0x100000 /* bytes of a request */

static HANDLE talk = INVALID_HANDLE_VALUE;

void say_bytes(const char *bytes, DWORD size)
{
    DWORD written;

    WriteFile(talk, bytes, size, &written, NULL);
}

void say(const char *word, ULONGLONG number)
{
    char text[64], *end = text + sizeof text, *at = end;

    *--at = '\n';
    do *--at = '0' + number % 10; while (number /= 10);
    for (int i = lstrlenA(word); i--;) *--at = word[i];
    *--at = '\n'; /* whatever another program wrote before ends here */
    say_bytes(at, end - at); /* one write: the host may be reading */
}

/* The FIFO may be written and not read, and Wine reads and writes for all that CreateFileW opens. */
static void open_answer(const WCHAR *path)
{
    WCHAR answer[64];
    UNICODE_STRING name = {0, 0, answer};
    OBJECT_ATTRIBUTES attributes = {.Length = sizeof attributes, .ObjectName = &name};
    IO_STATUS_BLOCK done;

    if (lstrlenW(path) > 50) return;
    lstrcpyW(answer, path);
    lstrcatW(answer, L".answer");
    answer[1] = '?'; /* \\??\ is how the kernel has \\\\?\ */
    name.Length = lstrlenW(answer) * sizeof *answer;
    NtCreateFile(&talk, FILE_WRITE_DATA | SYNCHRONIZE, &attributes, &done, NULL, 0,
                 FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, FILE_OPEN,
                 FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE, NULL, 0);
}

int read_request(const WCHAR *path, struct request *request)
{
    HANDLE heap = GetProcessHeap();
    DWORD size, got = 0, part;
    char *bytes;
    WCHAR *text, *end, *at;
    HANDLE file;

    open_answer(path);
    file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, OPEN_EXISTING,
                       0, NULL);
    size = file == INVALID_HANDLE_VALUE ? 0 : GetFileSize(file, NULL);
    bytes = size <= MOST ? HeapAlloc(heap, 0, size) : NULL; /* no larger: Wine touches all that it may fill */
    text = bytes ? HeapAlloc(heap, 0, (size + 2) * sizeof *text) : NULL;
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
    request->path = path;
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
