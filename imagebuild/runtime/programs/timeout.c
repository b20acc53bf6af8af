/* SPDX-License-Identifier: Apache-2.0 */
/* timeout, which Windows has and Wine lacks: waits for seconds or a key. Like that of Windows it wants a console. */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>

#define LONGEST 99999

static int wrong(const char *text)
{
    fprintf(stderr, "ERROR: %s\n", text);
    return 1;
}

static int key_pressed(HANDLE input)
{
    INPUT_RECORD record;
    DWORD count;

    while (GetNumberOfConsoleInputEvents(input, &count) && count) {
        if (!ReadConsoleInputW(input, &record, 1, &count) || !count) return 0;
        if (record.EventType == KEY_EVENT && record.Event.KeyEvent.bKeyDown) return 1;
    }
    return 0;
}

int wmain(int argc, WCHAR **argv)
{
    HANDLE input = GetStdHandle(STD_INPUT_HANDLE);
    int given = 0, keys = 1;
    long seconds = 0;
    DWORD mode;

    for (int at = 1; at < argc; at++) {
        WCHAR *end;

        if (!_wcsicmp(argv[at], L"/nobreak")) { keys = 0; continue; }
        if (!_wcsicmp(argv[at], L"/?")) {
            printf("TIMEOUT [/T] seconds [/NOBREAK]\n\nWaits so many seconds (-1 for ever), or until a key is "
                   "pressed; with /NOBREAK only Ctrl+C ends it.\n");
            return 0;
        }
        if (!_wcsicmp(argv[at], L"/t") && at + 1 < argc) at++;
        seconds = wcstol(argv[at], &end, 10);
        if (given++ || *end || end == argv[at]) return wrong("Invalid syntax. Type \"TIMEOUT /?\" for usage.");
    }
    if (!given) return wrong("Invalid syntax. Type \"TIMEOUT /?\" for usage.");
    if (seconds < -1 || seconds > LONGEST) return wrong("Invalid value for timeout (/T): -1 to 99999 seconds.");
    if (!GetConsoleMode(input, &mode))
        return wrong("Input redirection is not supported, exiting the process immediately.");
    for (long left = seconds; left != 0; left -= left > 0) {
        if (seconds > 0)
            printf("\rWaiting for %ld seconds, %s ...", left,
                   keys ? "press a key to continue" : "press CTRL+C to quit");
        fflush(stdout);
        for (int tenth = 0; tenth < 10; tenth++) {
            Sleep(100);
            if (keys && key_pressed(input)) goto done;
        }
    }
done:
    printf("\n");
    return 0;
}
