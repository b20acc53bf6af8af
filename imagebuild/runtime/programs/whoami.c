/* SPDX-License-Identifier: Apache-2.0 */
/* whoami.exe: the account as a container of Windows names it. With options it is Wine's own, beside us as whoami2.exe. */
#include <stdio.h>
#include <wchar.h>

#include "os.h"

static const WCHAR *domain(const WCHAR *name)
{
    static WCHAR computer[64];
    DWORD size = 64;

    if (!wcscmp(name, L"containeradministrator") || !wcscmp(name, L"containeruser")) return L"user manager";
    if (!wcscmp(name, L"system") || !wcscmp(name, L"local service") || !wcscmp(name, L"network service"))
        return L"nt authority";
    GetComputerNameW(computer, &size);
    return _wcslwr(computer);
}

int wmain(int arguments, WCHAR **argument)
{
    WCHAR name[257] = L"", line[32768];
    DWORD size = 257, code = 1;
    STARTUPINFOW startup = {.cb = sizeof startup};
    PROCESS_INFORMATION process;
    int at;

    if (arguments == 1) {
        GetUserNameW(name, &size);
        _wcslwr(name);
        _snwprintf(line, 400, L"%ls\\%ls\r\n", domain(name), name);
        write_text(line, FALSE);
        return 0;
    }
    at = _snwprintf(line, 32768, L"C:\\windows\\system32\\whoami2.exe");
    for (int i = 1; i < arguments; i++) at += _snwprintf(line + at, 32768 - at, L" %ls", argument[i]);
    if (!CreateProcessW(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &process)) return GetLastError();
    WaitForSingleObject(process.hProcess, INFINITE);
    GetExitCodeProcess(process.hProcess, &code);
    return code;
}
