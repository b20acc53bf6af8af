/* SPDX-License-Identifier: Apache-2.0 */
/* wmic.exe: `wmic os` says which Windows this is; all else is Wine's own, which lies beside us as wmic2.exe. */
#include <stdio.h>
#include <wchar.h>

#include "os.h"

static struct { const WCHAR *name; WCHAR value[160]; } rows[16];
static int count;

static void row(const WCHAR *name, const WCHAR *format, ...)
{
    va_list values;

    va_start(values, format);
    _vsnwprintf(rows[count].value, 160, format, values);
    va_end(values);
    rows[count++].name = name;
}

static void fill(void)
{
    MEMORYSTATUSEX memory = {.dwLength = sizeof memory};
    WCHAR name[64];
    DWORD size = 64;
    struct os os;

    read_os(&os);
    GlobalMemoryStatusEx(&memory);
    GetComputerNameW(name, &size);
    row(L"BuildNumber", L"%ls", os.build);
    row(L"BuildType", L"%ls", os.type);
    row(L"Caption", L"%ls", os.caption);
    row(L"CSName", L"%ls", name);
    row(L"FreePhysicalMemory", L"%llu", memory.ullAvailPhys >> 10);
    row(L"Manufacturer", L"Microsoft Corporation");
    row(L"Name", L"%ls|%ls|", os.caption, os.directory);
    row(L"OSArchitecture", L"64-bit");
    row(L"OSLanguage", L"1033");
    row(L"OSType", L"18");
    row(L"ProductType", os.server ? L"3" : L"1");
    row(L"SerialNumber", L"%ls", os.id);
    row(L"SystemDirectory", L"%ls\\system32", os.directory);
    row(L"TotalVisibleMemorySize", L"%llu", memory.ullTotalPhys >> 10);
    row(L"Version", L"%ls", os.version);
    row(L"WindowsDirectory", L"%ls", os.directory);
}

/* The rest of our command line goes to the other program, with our handles. */
static DWORD hand_on(const WCHAR *rest)
{
    WCHAR line[32768];
    STARTUPINFOW startup = {.cb = sizeof startup};
    PROCESS_INFORMATION process;
    DWORD code = 1;

    _snwprintf(line, 32768, L"C:\\windows\\system32\\wbem\\wmic2.exe %ls", rest);
    if (!CreateProcessW(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &process)) return GetLastError();
    WaitForSingleObject(process.hProcess, INFINITE);
    GetExitCodeProcess(process.hProcess, &code);
    return code;
}

static BOOL is_list(const WCHAR *text)
{
    return !lstrcmpiW(text, L"/value") || !lstrcmpiW(text, L"/format:list");
}

int wmain(int arguments, WCHAR **argument)
{
    WCHAR *rest = GetCommandLineW(), line[8192], names[1024] = L"";
    BOOL list = FALSE, quoted = FALSE, head = TRUE;
    int chosen[16], many = 0;

    if (arguments < 2 || (lstrcmpiW(argument[1], L"os") && _wcsicmp(argument[1], L"path win32_operatingsystem"))
        || (arguments > 2 && lstrcmpiW(argument[2], L"get") && !is_list(argument[2]))) {
        for (; *rest && (quoted || *rest != ' '); rest++) quoted ^= *rest == '"';
        return hand_on(rest);
    }
    for (int i = arguments > 2 && !lstrcmpiW(argument[2], L"get") ? 3 : 2; i < arguments; i++) {
        if (is_list(argument[i])) list = TRUE;
        else {
            lstrcatW(names, argument[i]);
            lstrcatW(names, L",");
        }
    }
    fill();
    if (!*names)
        for (; many < count; many++) chosen[many] = many;
    for (WCHAR *name = wcstok(names, L", "); name; name = wcstok(NULL, L", ")) {
        int i = 0;

        while (i < count && lstrcmpiW(rows[i].name, name)) i++;
        if (i == count) {
            write_text(L"Node - LOCALHOST\r\nERROR:\r\nDescription = Invalid query\r\n", FALSE);
            return 44135;
        }
        chosen[many++] = i;
        if (many == 16) break;
    }
    if (list) {
        write_text(L"\r\n\r\n", TRUE);
        for (int i = 0; i < many; i++) {
            _snwprintf(line, 400, L"%ls=%ls\r\n", rows[chosen[i]].name, rows[chosen[i]].value);
            write_text(line, TRUE);
        }
        write_text(L"\r\n\r\n", TRUE);
        return 0;
    }
    for (int pass = 0; pass < 2; pass++, head = FALSE) {
        int at = 0;

        for (int i = 0; i < many; i++) {
            const WCHAR *name = rows[chosen[i]].name, *value = rows[chosen[i]].value;
            int width = lstrlenW(name) > lstrlenW(value) ? lstrlenW(name) : lstrlenW(value);

            at += _snwprintf(line + at, 8192 - at, L"%-*ls", width + 2, head ? name : value);
        }
        lstrcpyW(line + at, L"\r\n");
        write_text(line, TRUE);
    }
    write_text(L"\r\n", TRUE);
    return 0;
}
