/* SPDX-License-Identifier: Apache-2.0 */
/* Stands where Wine has a program that does nothing and says it went well, or where Windows has one and Wine has none.
 *
 * It is copied under the name of each; its own name says what it cannot do. A build step that runs one of these must
 * fail: with Wine's it would succeed without having done anything.
 */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include "linux.h"

#define MARK "/prefix/refused" /* REFUSED of folder.py */

static const struct { const WCHAR *name; const char *why; } KNOWN[] = {
    {L"powershell", "PowerShell is not installed for this engine; on the machine that runs it: wcow powershell install"},
    {L"cacls", "there is none; use icacls"},
    {L"certutil", "Wine's certutil does nothing"},
    {L"dism", "Wine has no features or packages of Windows, nothing would be changed"},
    {L"netsh", "Wine's netsh does nothing; the firewall and the network are the engine's"},
    {L"schtasks", "Wine has no task scheduler"},
    {L"wevtutil", "Wine's wevtutil does nothing"},
    {L"secedit", "Wine keeps no security policy, nothing would be changed"},
    {L"lodctr", "Wine has no performance counters, nothing would be changed"},
    {L"unlodctr", "Wine has no performance counters, nothing would be changed"},
    {L"pnputil", "a container has no drivers"},
    {L"sdbinst", "Wine has no compatibility databases, nothing would be changed"},
    {L"mofcomp", "Wine's mofcomp does nothing"},
    {L"robocopy", "Wine's robocopy copies nothing; use xcopy"},
    {L"tar", "Wine has none; unpack before the build, or bring one"},
    {L"curl", "Wine has none; bring one, or use ADD"},
};

static void print(const char *text)
{
    DWORD wrote;

    WriteFile(GetStdHandle(STD_ERROR_HANDLE), text, lstrlenA(text), &wrote, NULL);
}

void entry(void)
{
    WCHAR path[MAX_PATH], *name = path;
    char shown[MAX_PATH];
    const char *why = "the program is not part of this sandbox";
    int end;

    GetModuleFileNameW(NULL, path, MAX_PATH);
    for (WCHAR *at = path; *at; at++)
        if (*at == '\\' || *at == '/') name = at + 1;
    for (end = 0; name[end] && name[end] != '.'; end++) ;
    name[end] = 0;
    for (unsigned i = 0; i < sizeof KNOWN / sizeof *KNOWN; i++)
        if (!lstrcmpiW(name, KNOWN[i].name)) why = KNOWN[i].why;
    shown[WideCharToMultiByte(CP_UTF8, 0, name, end, shown, sizeof shown - 1, NULL, NULL)] = 0;
    print(shown);
    print(": cannot run here: ");
    print(why);
    print("\r\n");
    end = linux_open((int)AT_CWD, MARK, OPEN_NEW, 0644); /* a shell may pass over our exit code; a build does not */
    if (end >= 0) linux_close(end);
    ExitProcess(1);
}
