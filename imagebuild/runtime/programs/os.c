/* SPDX-License-Identifier: Apache-2.0 */
/* What systeminfo and wmic say of Windows itself. */
#include <stdio.h>
#include <wchar.h>

#include "os.h"

static void text(const WCHAR *key, const WCHAR *name, WCHAR *to, DWORD size)
{
    if (RegGetValueW(HKEY_LOCAL_MACHINE, key, name, RRF_RT_REG_SZ, NULL, to, &size)) *to = 0;
}

void read_os(struct os *os)
{
    static const WCHAR *key = L"SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion";
    WCHAR product[100], kind[20];
    DWORD size = sizeof(DWORD);

    memset(os, 0, sizeof *os);
    text(key, L"ProductName", product, sizeof product);
    _snwprintf(os->caption, 128, L"Microsoft %ls", product);
    text(key, L"CurrentBuild", os->build, sizeof os->build);
    _snwprintf(os->version, 32, L"10.0.%ls", os->build);
    text(key, L"RegisteredOwner", os->owner, sizeof os->owner);
    text(key, L"RegisteredOrganization", os->organization, sizeof os->organization);
    text(key, L"ProductId", os->id, sizeof os->id);
    text(key, L"CurrentType", os->type, sizeof os->type);
    RegGetValueW(HKEY_LOCAL_MACHINE, key, L"UBR", RRF_RT_REG_DWORD, NULL, &os->revision, &size);
    size = sizeof(DWORD);
    RegGetValueW(HKEY_LOCAL_MACHINE, key, L"InstallDate", RRF_RT_REG_DWORD, NULL, &os->installed, &size);
    text(L"SYSTEM\\CurrentControlSet\\Control\\ProductOptions", L"ProductType", kind, sizeof kind);
    os->server = wcscmp(kind, L"WinNT") != 0;
    GetWindowsDirectoryW(os->directory, MAX_PATH);
}

void write_text(const WCHAR *text, BOOL wide)
{
    HANDLE out = GetStdHandle(STD_OUTPUT_HANDLE);
    DWORD wrote, length = lstrlenW(text);
    UINT page = GetConsoleOutputCP();
    char bytes[8192];

    if (WriteConsoleW(out, text, length, &wrote, NULL)) return;
    if (wide && GetFileType(out) == FILE_TYPE_DISK) {
        if (!SetFilePointer(out, 0, NULL, FILE_CURRENT)) WriteFile(out, L"\xfeff", 2, &wrote, NULL);
        WriteFile(out, text, length * sizeof *text, &wrote, NULL);
        return;
    }
    length = WideCharToMultiByte(page ? page : GetOEMCP(), 0, text, length, bytes, sizeof bytes, NULL, NULL);
    WriteFile(out, bytes, length, &wrote, NULL);
}
