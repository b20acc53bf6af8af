/* SPDX-License-Identifier: Apache-2.0 */
/* Links in cmd.exe (a part of wcowcmd.dll): "dir" shows them, and "rmdir /s" takes a link away, not what it leads to.
 *
 * Wine's cmd writes "<DIR>" or a size before it writes the name, so what stands before the name is kept until the name
 * comes. It comes as a part of what FindFirstFile has said, which knows the link.
 */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#define _SHELL32_ /* its functions are ours */
#include <shellapi.h>
#include <stddef.h>

#include "cmdlinks.h"
#include "cmdwords.h"

#define LONG_PATH 4096
#define GET_REPARSE_POINT 0x900A8
#define SYMLINK 0xA000000C
#define MOUNT_POINT 0xA0000003
#define NAMES (FORMAT_MESSAGE_FROM_STRING | FORMAT_MESSAGE_ALLOCATE_BUFFER)

/* How cmd writes the names of a list (programs/cmd/directory.c in Wine). */
static const WCHAR FOLDER[] = L"%1  %2    <DIR>          ", FILE_SIZE[] = L"%1  %2    %3!14s! ", NAME[] = L"%1";

static WCHAR folder[LONG_PATH]; /* the one that was looked into last, with a backslash at its end */
static WCHAR before[32]; /* what stands before the next name */

HANDLE WINAPI find_first(const WCHAR *pattern, WIN32_FIND_DATAW *found)
{
    int length = lstrlenW(pattern);

    while (length && pattern[length - 1] != '\\' && pattern[length - 1] != ':') length--;
    lstrcpynW(folder, pattern, min(length + 1, LONG_PATH));
    return FindFirstFileW(pattern, found);
}

/* What a link leads to, as its reparse point has it for people. */
static int target_of(const WCHAR *name, WCHAR *out)
{
    static union {
        struct { ULONG tag; USHORT length, reserved, substitute, substitute_length, print, print_length; } head;
        char bytes[16384];
    } data;
    static WCHAR path[LONG_PATH + MAX_PATH];
    HANDLE link;
    DWORD got;
    BOOL done;
    WCHAR *text;

    lstrcpyW(path, folder);
    lstrcatW(path, name);
    link = CreateFileW(path, 0, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, OPEN_EXISTING,
                       FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
    if (link == INVALID_HANDLE_VALUE) return 0;
    done = DeviceIoControl(link, GET_REPARSE_POINT, NULL, 0, &data, sizeof data, &got, NULL);
    CloseHandle(link);
    if (!done) return 0;
    text = (WCHAR *)(data.bytes + (data.head.tag == MOUNT_POINT ? 16 : 20) + data.head.print);
    lstrcpynW(out, text, min(data.head.print_length / 2 + 1, LONG_PATH));
    return 1;
}

/* The name with what stands before it, and the target of a link behind it. */
static DWORD format_name(const WCHAR *name, WCHAR **out)
{
    static WCHAR target[LONG_PATH];
    const WIN32_FIND_DATAW *found = (const void *)((const char *)name - offsetof(WIN32_FIND_DATAW, cFileName));
    DWORD_PTR parts[] = {(DWORD_PTR)before, (DWORD_PTR)name, (DWORD_PTR)target};
    const WCHAR *format = L"%1%2";

    if (found->dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT
        && (found->dwReserved0 == SYMLINK || found->dwReserved0 == MOUNT_POINT) && target_of(name, target)) {
        parts[0] = (DWORD_PTR)(found->dwReserved0 == MOUNT_POINT ? L"<JUNCTION>     "
                               : found->dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY ? L"<SYMLINKD>     "
                               : L"<SYMLINK>      ");
        format = L"%1%2 [%3]";
    }
    return FormatMessageW(NAMES | FORMAT_MESSAGE_ARGUMENT_ARRAY, format, 0, 0, (WCHAR *)out, 0, (va_list *)parts);
}

DWORD WINAPI format_message(DWORD flags, const void *source, DWORD id, DWORD language, WCHAR *out, DWORD size,
                            va_list *values)
{
    WCHAR *const *text = values ? *(WCHAR **const *)values : NULL;
    WCHAR other[64];
    DWORD length;

    if (flags != NAMES || !source) return say_as_windows(flags, source, id, language, out, size, values);
    if (before[0]) {
        if (!lstrcmpW(source, NAME)) {
            length = format_name(text[0], (WCHAR **)out);
            before[0] = 0;
            return length;
        }
        if (lstrlenW(source) + lstrlenW(before) < 64) { /* /x and /q have something between the two */
            lstrcatW(lstrcpyW(other, before), source);
            source = other;
        }
        before[0] = 0;
    } else if (!lstrcmpW(source, FOLDER)) {
        lstrcpyW(before, L"<DIR>          ");
        source = L"%1  %2    ";
    } else if (!lstrcmpW(source, FILE_SIZE) && lstrlenW(text[2]) <= 14) {
        before[0] = 0;
        for (int i = lstrlenW(text[2]); i < 14; i++) lstrcatW(before, L" ");
        lstrcatW(lstrcatW(before, text[2]), L" ");
        source = L"%1  %2    ";
    }
    return say_as_windows(flags, source, id, language, out, size, values);
}

/* --- rmdir /s ----------------------------------------------------------------------------------------------------- */

static DWORD remove_one(const WCHAR *path, DWORD attributes)
{
    if (attributes & FILE_ATTRIBUTE_DIRECTORY) return RemoveDirectoryW(path) ? 0 : GetLastError();
    if (DeleteFileW(path)) return 0;
    if (!(attributes & FILE_ATTRIBUTE_READONLY)) return GetLastError();
    SetFileAttributesW(path, FILE_ATTRIBUTE_NORMAL);
    return DeleteFileW(path) ? 0 : GetLastError();
}

/* A folder and what is in it; what cannot be removed stays, with the first error. */
static DWORD remove_all(WCHAR *path, DWORD attributes)
{
    WIN32_FIND_DATAW *found;
    int length = lstrlenW(path);
    DWORD first = 0, error;
    HANDLE search;

    if (!(attributes & FILE_ATTRIBUTE_DIRECTORY) || attributes & FILE_ATTRIBUTE_REPARSE_POINT
        || length > LONG_PATH - MAX_PATH)
        return remove_one(path, attributes);
    if (!(found = HeapAlloc(GetProcessHeap(), 0, sizeof *found))) return ERROR_NOT_ENOUGH_MEMORY;
    lstrcatW(path, L"\\*");
    search = FindFirstFileW(path, found);
    if (search != INVALID_HANDLE_VALUE) {
        do {
            if (!lstrcmpW(found->cFileName, L".") || !lstrcmpW(found->cFileName, L"..")) continue;
            lstrcpyW(path + length + 1, found->cFileName);
            error = remove_all(path, found->dwFileAttributes);
            if (!first) first = error;
        } while (FindNextFileW(search, found));
        FindClose(search);
    }
    HeapFree(GetProcessHeap(), 0, found);
    path[length] = 0;
    error = remove_one(path, attributes);
    return first ? first : error;
}

int WINAPI remove_folder(const SHFILEOPSTRUCTW *wanted)
{
    static WCHAR path[LONG_PATH + MAX_PATH];
    DWORD attributes, error;

    lstrcpynW(path, wanted->pFrom, LONG_PATH);
    for (int i = lstrlenW(path); i > 3 && path[i - 1] == '\\'; i--) path[i - 1] = 0;
    attributes = GetFileAttributesW(path);
    error = attributes == INVALID_FILE_ATTRIBUTES ? GetLastError()
          : attributes & FILE_ATTRIBUTE_DIRECTORY ? remove_all(path, attributes) : ERROR_DIRECTORY;
    SetLastError(error);
    return error;
}
