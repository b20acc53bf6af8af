/* SPDX-License-Identifier: Apache-2.0 */
/* What a program sees of names in any script, told in UTF-8 whatever the code page is.
 *
 *   names args A B C         its arguments, a line each
 *   names env NAME           a variable
 *   names list FOLDER        what stands in a folder, a line each
 *   names write PATH TEXT    make a file
 *   names read PATH          its content
 *   names value KEY NAME     a value below HKLM
 *   names where              the current folder
 */
#include <stdio.h>
#include <wchar.h>
#include <windows.h>

static void say(const WCHAR *text)
{
    char bytes[8192];
    DWORD size = WideCharToMultiByte(CP_UTF8, 0, text, -1, bytes, sizeof bytes - 1, NULL, NULL), wrote;

    bytes[size - 1] = '\n';
    WriteFile(GetStdHandle(STD_OUTPUT_HANDLE), bytes, size, &wrote, NULL);
}

static int refuse(const char *what)
{
    fprintf(stderr, "%s: %lu\n", what, GetLastError());
    return 1;
}

int wmain(int count, WCHAR **argument)
{
    const WCHAR *verb = count > 1 ? argument[1] : L"";
    WCHAR text[4096] = L"";
    DWORD size = sizeof text;
    char bytes[4096];

    if (!wcscmp(verb, L"args"))
        for (int i = 2; i < count; i++) say(argument[i]);
    if (!wcscmp(verb, L"env")) {
        if (!GetEnvironmentVariableW(argument[2], text, 4096)) return refuse("no such variable");
        say(text);
    }
    if (!wcscmp(verb, L"list")) {
        WIN32_FIND_DATAW found;
        HANDLE search;

        _snwprintf(text, 4096, L"%ls\\*", argument[2]);
        if ((search = FindFirstFileW(text, &found)) == INVALID_HANDLE_VALUE) return refuse("no such folder");
        do
            if (wcscmp(found.cFileName, L".") && wcscmp(found.cFileName, L"..")) say(found.cFileName);
        while (FindNextFileW(search, &found));
    }
    if (!wcscmp(verb, L"write")) {
        HANDLE file = CreateFileW(argument[2], GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);

        if (file == INVALID_HANDLE_VALUE) return refuse("cannot write");
        size = WideCharToMultiByte(CP_UTF8, 0, argument[3], -1, bytes, sizeof bytes, NULL, NULL) - 1;
        if (!WriteFile(file, bytes, size, &size, NULL)) return refuse("cannot write");
    }
    if (!wcscmp(verb, L"read")) {
        HANDLE file = CreateFileW(argument[2], GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);

        if (file == INVALID_HANDLE_VALUE) return refuse("cannot read");
        if (!ReadFile(file, bytes, sizeof bytes, &size, NULL)) return refuse("cannot read");
        WriteFile(GetStdHandle(STD_OUTPUT_HANDLE), bytes, size, &size, NULL);
    }
    if (!wcscmp(verb, L"value")) {
        LONG error = RegGetValueW(HKEY_LOCAL_MACHINE, argument[2], argument[3], RRF_RT_REG_SZ, NULL, text, &size);

        if (error) return SetLastError(error), refuse("no such value");
        say(text);
    }
    if (!wcscmp(verb, L"where")) {
        GetCurrentDirectoryW(4096, text);
        say(text);
    }
    return 0;
}
