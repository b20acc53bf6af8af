/* SPDX-License-Identifier: Apache-2.0 */
/* The console of a terminal: its keys are heard from the start, and it follows the size of the terminal.
 *
 * Wine's conhost.exe begins to read its terminal when a program asks for input; until then Ctrl-C stops nothing. And it
 * asks for the terminal's size once. But it takes another size from any program of its console, so we tell it.
 */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include "screen.h"

#define MOST 1000 /* columns or rows */

struct size { WORD columns, rows; };

static SHORT least(SHORT one, SHORT other)
{
    return one < other ? one : other;
}

/* Give the screen this size, with the rows up to the cursor, and draw it: the host has cleared the terminal. Each step is
 * one request to conhost.exe, so that what programs write meanwhile is not lost. */
static void set_size(HANDLE screen, struct size size)
{
    CONSOLE_SCREEN_BUFFER_INFOEX info = {.cbSize = sizeof info};
    SMALL_RECT part, all = {0, 0, size.columns - 1, size.rows - 1};
    CHAR_INFO blank = {.Char.UnicodeChar = ' '};
    COORD origin = {0, 0};
    SHORT bottom;

    if (!size.columns || !size.rows || size.columns > MOST || size.rows > MOST
        || !GetConsoleScreenBufferInfoEx(screen, &info))
        return;
    blank.Attributes = info.wAttributes;
    bottom = info.dwCursorPosition.Y;
    if (bottom >= size.rows) {
        part = (SMALL_RECT){0, bottom - size.rows + 1, info.dwSize.X - 1, bottom};
        ScrollConsoleScreenBufferW(screen, &part, NULL, origin, &blank);
    }
    part = (SMALL_RECT){0, 0, least(info.dwSize.X, size.columns) - 1, least(info.dwSize.Y, size.rows) - 1};
    SetConsoleWindowInfo(screen, TRUE, &part); /* a screen cannot become smaller than its window */
    GetConsoleScreenBufferInfoEx(screen, &info);
    info.dwSize = info.dwMaximumWindowSize = (COORD){size.columns, size.rows};
    info.srWindow = all;
    info.dwCursorPosition.X = least(info.dwCursorPosition.X, size.columns - 1);
    info.dwCursorPosition.Y = least(info.dwCursorPosition.Y, size.rows - 1);
    SetConsoleScreenBufferInfoEx(screen, &info);
    ScrollConsoleScreenBufferW(screen, &all, NULL, origin, &blank); /* onto itself: conhost draws what it moves */
}

static DWORD WINAPI follow_sizes(void *sizes)
{
    struct size told[64];
    HANDLE screen;
    DWORD got;

    while (ReadFile(sizes, told, sizeof told, &got, NULL) && got >= sizeof *told) {
        screen = CreateFileW(L"CONOUT$", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                             OPEN_EXISTING, 0, NULL);
        if (screen == INVALID_HANDLE_VALUE) break;
        set_size(screen, told[got / sizeof *told - 1]); /* the last; those before it are no longer true */
        CloseHandle(screen);
    }
    CloseHandle(sizes);
    return 0;
}

void attend_screen(const WCHAR *request)
{
    WCHAR path[64];
    HANDLE sizes, thread;
    DWORD count;

    GetNumberOfConsoleInputEvents(GetStdHandle(STD_INPUT_HANDLE), &count);
    if (lstrlenW(request) > 50) return;
    lstrcpyW(path, request);
    lstrcatW(path, L".size");
    sizes = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, OPEN_EXISTING,
                        0, NULL);
    if (sizes == INVALID_HANDLE_VALUE) return;
    if ((thread = CreateThread(NULL, 0, follow_sizes, sizes, 0, NULL))) CloseHandle(thread);
}
