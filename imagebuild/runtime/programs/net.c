/* SPDX-License-Identifier: Apache-2.0 */
/* net.exe: services and connections are Wine's own, beside us as net2.exe. For accounts Wine's prints how it is used and
 * ends with 0, as if it had made them: ours says that it cannot, and ends with 1. */
#include <stdio.h>
#include <wchar.h>

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

static const WCHAR *const HANDED_ON[] = {L"start", L"stop", L"use", L"help", L"pause", L"continue", NULL};

int wmain(int arguments, WCHAR **argument)
{
    WCHAR line[32768];
    DWORD code = 1;
    STARTUPINFOW startup = {.cb = sizeof startup};
    PROCESS_INFORMATION process;
    const WCHAR *const *known = HANDED_ON, *rest;

    if (arguments > 1) {
        while (*known && _wcsicmp(*known, argument[1])) known++;
        if (!*known) {
            fprintf(stderr, "net %ls: cannot run here: Wine keeps no accounts, groups or shares\n", argument[1]);
            return 1;
        }
    }
    rest = GetCommandLineW();  /* as it was written: a name of a service may have quotes */
    if (*rest == '"') for (rest++; *rest && *rest != '"'; rest++) ;
    while (*rest && *rest != ' ' && *rest != '\t') rest++;
    _snwprintf(line, 32768, L"C:\\windows\\system32\\net2.exe%ls", rest);
    if (!CreateProcessW(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &process)) return GetLastError();
    WaitForSingleObject(process.hProcess, INFINITE);
    GetExitCodeProcess(process.hProcess, &code);
    return code;
}
