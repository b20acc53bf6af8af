/* SPDX-License-Identifier: Apache-2.0 */
/* shutdown, whose counterpart in Wine does nothing: asks who runs the machine (hostd/power.py), over the pipe that Windows
 * has for that. Where there is none, in a plain container, it says so. */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>

#define LONGEST 315360000 /* ten years, as Windows says */
#define USUAL 30

static const WCHAR PIPE[] = L"\\\\.\\pipe\\InitShutdown";

static const char USAGE[] =
    "Usage: shutdown [/r | /g | /s | /p | /a] [/f] [/t xxx] [/d [p|u:]xx:yy] [/c \"comment\"]\n\n"
    "    /r, /g   Restart.\n    /s       Shut down.\n    /p       Shut down at once.\n"
    "    /a       Abort what /t waits for.\n    /t xxx   Wait so many seconds (0 to 315360000, default 30).\n"
    "    /f /d /c Taken, and without effect.\n";

static DWORD say_at(DWORD error)
{
    const char *text = error == ERROR_NO_SHUTDOWN_IN_PROGRESS
        ? "Unable to abort the system shutdown because no shutdown was in progress."
        : error == ERROR_SHUTDOWN_IS_SCHEDULED ? "A system shutdown has already been scheduled."
        : error == ERROR_FILE_NOT_FOUND ? "A container cannot be restarted from within." : "The request failed.";

    fprintf(stderr, "%s(%lu)\n", text, error);
    return error;
}

/* What Windows' error the machine answers with, 0 for none. */
static DWORD ask(char action, DWORD seconds)
{
    HANDLE pipe;
    DWORD count, error;
    char line[32];

    while ((pipe = CreateFileW(PIPE, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL)) == INVALID_HANDLE_VALUE)
        if (GetLastError() != ERROR_PIPE_BUSY || !WaitNamedPipeW(PIPE, 5000)) return GetLastError();
    count = sprintf(line, "%c %lu\n", action, seconds);
    if (!WriteFile(pipe, line, count, &count, NULL) || !ReadFile(pipe, line, sizeof line - 1, &count, NULL)) {
        error = GetLastError();
        CloseHandle(pipe);
        return error;
    }
    CloseHandle(pipe);
    line[count] = 0;
    return strtoul(line, NULL, 10);
}

int wmain(int argc, WCHAR **argv)
{
    DWORD seconds = USUAL, error;
    char action = 0;

    for (int at = 1; at < argc; at++) {
        WCHAR *word = argv[at], *end;

        if ((*word != '/' && *word != '-') || !word[1] || word[2]) goto wrong;
        switch (towlower(word[1])) {
        case 'r': case 'g': action = 'r'; break;
        case 's': action = 's'; break;
        case 'p': action = 's'; seconds = 0; break;
        case 'a': action = 'a'; break;
        case 'f': break;
        case 't':
            if (++at == argc) goto wrong;
            seconds = wcstoul(argv[at], &end, 10);
            if (*end || end == argv[at] || seconds > LONGEST) goto wrong;
            break;
        case 'd': case 'c':
            if (++at == argc) goto wrong;
            break;
        default:
            goto wrong;
        }
    }
    if (!action) goto wrong;
    error = ask(action, seconds);
    return error ? (int)say_at(error) : 0;
wrong:
    fputs(USAGE, stdout);
    return 1;
}
