/* SPDX-License-Identifier: Apache-2.0 */
/* mklink, which in Wine's cmd makes nothing and ends with 0 (/D and plain), or fails (/J). Links are made by the calls
 * that every program has (reparse.c).
 */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <stdio.h>
#include <wchar.h>

#define LONG_PATH 4096
#define SET_REPARSE_POINT 0x900A4
#define MOUNT_POINT 0xA0000003

static const char USAGE[] =
    "Makes a link.\r\n\r\nMKLINK [[/D] | [/H] | [/J]] Link Target\r\n\r\n"
    "        /D      a symbolic link to a folder; without it, to a file\r\n"
    "        /H      a hard link\r\n"
    "        /J      a junction\r\n";

static void say(DWORD stream, const WCHAR *text)
{
    HANDLE out = GetStdHandle(stream);
    static char bytes[3 * LONG_PATH];
    DWORD wrote;
    int length;

    if (GetConsoleMode(out, &wrote)) {
        WriteConsoleW(out, text, lstrlenW(text), &wrote, NULL);
        return;
    }
    length = WideCharToMultiByte(CP_OEMCP, 0, text, -1, bytes, sizeof bytes, NULL, NULL);
    if (length > 1) WriteFile(out, bytes, length - 1, &wrote, NULL);
}

static int fail(DWORD error)
{
    WCHAR text[512];
    DWORD length = FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL, error, 0, text, 500,
                                  NULL);

    if (error == ERROR_ALREADY_EXISTS) lstrcpyW(text, L"Cannot create a file when that file already exists.\r\n");
    else if (!length) wsprintfW(text, L"Windows error %lu.\r\n", error);
    say(STD_ERROR_HANDLE, text);
    return 1;
}

/* A folder becomes a junction when it is given a reparse point. */
static int make_junction(const WCHAR *link, const WCHAR *target)
{
    static struct {
        ULONG tag;
        USHORT length, reserved, substitute, substitute_length, print, print_length;
        WCHAR names[2 * LONG_PATH];
    } data;
    WCHAR full[LONG_PATH];
    DWORD length = GetFullPathNameW(target, LONG_PATH - 8, full, NULL), got, error = 0;
    HANDLE folder;

    if (!length || length >= LONG_PATH - 8) return ERROR_INVALID_NAME;
    if (!CreateDirectoryW(link, NULL)) return GetLastError();
    wsprintfW(data.names, L"\\??\\");
    lstrcatW(data.names, full);
    data.substitute_length = (USHORT)(2 * lstrlenW(data.names));
    data.print = data.substitute_length + 2;
    data.print_length = (USHORT)(2 * length);
    lstrcpyW(data.names + lstrlenW(data.names) + 1, full);
    data.tag = MOUNT_POINT;
    data.length = 8 + data.print + data.print_length + 2;
    folder = CreateFileW(link, GENERIC_WRITE, 0, NULL, OPEN_EXISTING,
                         FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
    if (folder == INVALID_HANDLE_VALUE) return GetLastError();
    if (!DeviceIoControl(folder, SET_REPARSE_POINT, &data, 8 + data.length, NULL, 0, &got, NULL))
        error = GetLastError();
    CloseHandle(folder);
    if (error) RemoveDirectoryW(link);
    return error;
}

int wmain(int argc, WCHAR **argv)
{
    static WCHAR link[LONG_PATH], folder[LONG_PATH], line[3 * LONG_PATH];
    const WCHAR *names[2];
    WCHAR kind = 0, *name = NULL;
    DWORD error = 0;
    int found = 0;

    for (int at = 1; at < argc; at++) {
        if (argv[at][0] == '/' && argv[at][1] && !argv[at][2]) {
            WCHAR wanted = argv[at][1] & ~0x20;

            if (argv[at][1] == '?') {
                swprintf(line, 3 * LONG_PATH, L"%hs", USAGE);
                say(STD_OUTPUT_HANDLE, line);
                return 0;
            }
            if (kind || (wanted != 'D' && wanted != 'H' && wanted != 'J')) found = 3;
            kind = wanted;
        } else if (found < 2) {
            names[found++] = argv[at];
        } else {
            found = 3;
        }
    }
    if (found != 2 || !names[0][0] || !names[1][0]) {
        say(STD_ERROR_HANDLE, L"The syntax of the command is incorrect.\r\n");
        swprintf(line, 3 * LONG_PATH, L"%hs", USAGE);
        say(STD_OUTPUT_HANDLE, line);
        return 1;
    }
    if (lstrlenW(names[1]) >= LONG_PATH - 8 || !GetFullPathNameW(names[0], LONG_PATH - 8, link, &name) || !name)
        return fail(ERROR_INVALID_NAME);
    lstrcpynW(folder, link, (int)(name - link) + (name - link > 3 ? 0 : 1));
    if (GetFileAttributesW(link) != INVALID_FILE_ATTRIBUTES) return fail(ERROR_ALREADY_EXISTS);
    if (GetFileAttributesW(folder) == INVALID_FILE_ATTRIBUTES) return fail(ERROR_PATH_NOT_FOUND);
    if (kind == 'J') error = make_junction(link, names[1]);
    else if (kind == 'H' ? !CreateHardLinkW(link, names[1], NULL)
             : !CreateSymbolicLinkW(link, names[1], kind == 'D' ? SYMBOLIC_LINK_FLAG_DIRECTORY : 0))
        error = GetLastError();
    if (error) return fail(error);
    swprintf(line, 3 * LONG_PATH, L"%ls created for %ls <<===>> %ls\r\n",
             kind == 'J' ? L"Junction" : kind == 'H' ? L"Hardlink" : L"symbolic link", names[0], names[1]);
    say(STD_OUTPUT_HANDLE, line);
    return 0;
}
