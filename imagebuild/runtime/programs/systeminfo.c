/* SPDX-License-Identifier: Apache-2.0 */
/* systeminfo.exe: which Windows this is, as a list or (/fo csv, /nh) in two lines. Wine's says Windows 10 Pro. */
#include <stdio.h>
#include <time.h>
#include <wchar.h>

#include "os.h"

static struct { const WCHAR *label; WCHAR value[200]; } rows[32];
static int count;

static void row(const WCHAR *label, const WCHAR *format, ...)
{
    va_list values;

    va_start(values, format);
    _vsnwprintf(rows[count].value, 200, format, values);
    va_end(values);
    rows[count++].label = label;
}

static void moment(const WCHAR *label, const SYSTEMTIME *at)
{
    WCHAR day[40], hour[40];

    GetDateFormatW(LOCALE_USER_DEFAULT, DATE_SHORTDATE, at, NULL, day, 40);
    GetTimeFormatW(LOCALE_USER_DEFAULT, 0, at, NULL, hour, 40);
    row(label, L"%ls, %ls", day, hour);
}

static void fill(void)
{
    MEMORYSTATUSEX memory = {.dwLength = sizeof memory};
    ULARGE_INTEGER ticks;
    SYSTEM_INFO system;
    SYSTEMTIME at;
    FILETIME file;
    WCHAR text[128];
    DWORD size = 128, speed = 0, four = sizeof speed;
    struct os os;

    read_os(&os);
    GlobalMemoryStatusEx(&memory);
    GetSystemInfo(&system);
    GetComputerNameW(text, &size);
    row(L"Host Name", L"%ls", text);
    row(L"OS Name", L"%ls", os.caption);
    row(L"OS Version", L"%ls N/A Build %ls", os.version, os.build);
    row(L"OS Manufacturer", L"Microsoft Corporation");
    row(L"OS Configuration", os.server ? L"Standalone Server" : L"Standalone Workstation");
    row(L"OS Build Type", L"%ls", os.type);
    row(L"Registered Owner", L"%ls", *os.owner ? os.owner : L"N/A");
    row(L"Registered Organization", L"%ls", *os.organization ? os.organization : L"N/A");
    row(L"Product ID", L"%ls", os.id);
    ticks.QuadPart = (os.installed + 11644473600ULL) * 10000000;
    file.dwLowDateTime = ticks.LowPart, file.dwHighDateTime = ticks.HighPart;
    FileTimeToSystemTime(&file, &at);
    moment(L"Original Install Date", &at);
    GetSystemTimeAsFileTime(&file);
    ticks.LowPart = file.dwLowDateTime, ticks.HighPart = file.dwHighDateTime;
    ticks.QuadPart -= GetTickCount64() * 10000;
    file.dwLowDateTime = ticks.LowPart, file.dwHighDateTime = ticks.HighPart;
    FileTimeToSystemTime(&file, &at);
    moment(L"System Boot Time", &at);
    row(L"System Type", L"x64-based PC");
    size = sizeof text;
    if (RegGetValueW(HKEY_LOCAL_MACHINE, L"HARDWARE\\DESCRIPTION\\System\\CentralProcessor\\0", L"Identifier",
                     RRF_RT_REG_SZ, NULL, text, &size)
        && !GetEnvironmentVariableW(L"PROCESSOR_IDENTIFIER", text, 128)) lstrcpyW(text, L"N/A");
    RegGetValueW(HKEY_LOCAL_MACHINE, L"HARDWARE\\DESCRIPTION\\System\\CentralProcessor\\0", L"~MHz", RRF_RT_REG_DWORD,
                 NULL, &speed, &four);
    row(L"Processor(s)", L"%lu Processor(s) Installed.", system.dwNumberOfProcessors);
    for (DWORD i = 1; i <= system.dwNumberOfProcessors && count < 20; i++)
        row(L"", speed ? L"[%02lu]: %ls ~%lu Mhz" : L"[%02lu]: %ls", i, text, speed);
    row(L"Windows Directory", L"%ls", os.directory);
    row(L"System Directory", L"%ls\\system32", os.directory);
    row(L"Boot Device", L"\\Device\\HarddiskVolume1");
    row(L"System Locale", L"en-us;English (United States)");
    row(L"Input Locale", L"en-us;English (United States)");
    row(L"Time Zone", L"(UTC) Coordinated Universal Time");
    row(L"Total Physical Memory", L"%llu MB", memory.ullTotalPhys >> 20);
    row(L"Available Physical Memory", L"%llu MB", memory.ullAvailPhys >> 20);
    row(L"Virtual Memory: Max Size", L"%llu MB", memory.ullTotalPageFile >> 20);
    row(L"Virtual Memory: Available", L"%llu MB", memory.ullAvailPageFile >> 20);
    row(L"Domain", L"WORKGROUP");
    row(L"Hotfix(s)", L"N/A");
}

int wmain(int arguments, WCHAR **argument)
{
    WCHAR line[400];
    BOOL csv = FALSE, head = TRUE;

    for (int i = 1; i < arguments; i++) {
        if (!lstrcmpiW(argument[i], L"/fo") && i + 1 < arguments) {
            csv = !lstrcmpiW(argument[++i], L"csv");
            if (!csv && lstrcmpiW(argument[i], L"list")) goto bad;
        } else if (!lstrcmpiW(argument[i], L"/nh")) head = FALSE;
        else goto bad;
    }
    fill();
    if (!csv) write_text(L"\r\n", FALSE);
    for (int pass = csv && head ? 0 : 1; pass < 2; pass++) {
        BOOL first = TRUE;

        for (int i = 0; i < count; i++) {
            if (!csv) {
                _snwprintf(line, 400, L"%ls%ls%*ls%ls\r\n", rows[i].label, *rows[i].label ? L":" : L" ",
                           26 - lstrlenW(rows[i].label), L"", rows[i].value);
                write_text(line, FALSE);
            } else if (*rows[i].label) {
                _snwprintf(line, 400, L"%ls\"%ls\"", first ? L"" : L",", pass ? rows[i].value : rows[i].label);
                write_text(line, FALSE);
                first = FALSE;
            }
        }
        if (csv) write_text(L"\r\n", FALSE);
    }
    return 0;
bad:
    write_text(L"ERROR: Invalid syntax. This systeminfo knows /FO LIST, /FO CSV and /NH.\r\n", FALSE);
    return 1;
}
