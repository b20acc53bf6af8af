/* SPDX-License-Identifier: Apache-2.0 */
/* What a program learns of links, by each way to ask: links.exe VERB PATH [TARGET] ["," VERB ...]. */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <stdio.h>
#include <wchar.h>

#define ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)
#define JUNCTION 0xA0000003

static BYTE data[16384];
static USHORT *const word = (USHORT *)data;

static HANDLE open(const WCHAR *path, DWORD access, DWORD flags)
{
    return CreateFileW(path, access, ALL, NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS | flags, NULL);
}

static void said(const WCHAR *verb, BOOL done)
{
    printf("%ls %lu\n", verb, done ? 0 : GetLastError());
}

static void show_find(const WIN32_FIND_DATAW *found)
{
    printf("  find %ls %lx %lx %lu\n", found->cFileName, found->dwFileAttributes,
           found->dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT ? found->dwReserved0 : 0, found->nFileSizeLow);
}

static void show(const WCHAR *path)
{
    WIN32_FIND_DATAW found;
    WIN32_FILE_ATTRIBUTE_DATA more = {0};
    BY_HANDLE_FILE_INFORMATION info = {0};
    FILE_ATTRIBUTE_TAG_INFO tag = {0};
    WCHAR name[4096] = L"";
    HANDLE handle = FindFirstFileW(path, &found);
    DWORD got;

    GetFileAttributesExW(path, GetFileExInfoStandard, &more);
    printf("%ls %lx %lx\n", path, GetFileAttributesW(path), more.dwFileAttributes);
    if (handle != INVALID_HANDLE_VALUE) show_find(&found), FindClose(handle);
    handle = open(path, 0, FILE_FLAG_OPEN_REPARSE_POINT);
    if (handle == INVALID_HANDLE_VALUE) {
        said(L"  open", FALSE);
        return;
    }
    GetFileInformationByHandle(handle, &info);
    GetFileInformationByHandleEx(handle, FileAttributeTagInfo, &tag, sizeof tag);
    GetFinalPathNameByHandleW(handle, name, 4096, 0);
    printf("  itself %lx %lx %lx %ls\n", info.dwFileAttributes, tag.FileAttributes, tag.ReparseTag, name);
    if (DeviceIoControl(handle, 0x900A8, NULL, 0, data, sizeof data, &got, NULL)) {
        int head = *(DWORD *)data == JUNCTION ? 16 : 20;

        printf("  reparse %lx %lx %.*ls %.*ls\n", *(DWORD *)data, head == 20 ? *(DWORD *)(data + 16) : 0, word[5] / 2,
               (WCHAR *)(data + head + word[4]), word[7] / 2, (WCHAR *)(data + head + word[6]));
    } else said(L"  reparse", FALSE);
    CloseHandle(handle);
    handle = open(path, 0, 0);
    if (handle == INVALID_HANDLE_VALUE) said(L"  through", FALSE);
    else if (GetFinalPathNameByHandleW(handle, name, 4096, 0)) printf("  through %ls\n", name);
    CloseHandle(handle);
}

/* As every tool makes one: a folder, and then what makes it a link. */
static void junction(const WCHAR *path, const WCHAR *target)
{
    WCHAR *text = (WCHAR *)(data + 16);
    HANDLE handle;
    DWORD got;

    CreateDirectoryW(path, NULL);
    handle = open(path, GENERIC_WRITE, FILE_FLAG_OPEN_REPARSE_POINT);
    memset(data, 0, sizeof data);
    swprintf(text, 2000, L"\\??\\%ls", target);
    word[5] = (USHORT)(2 * wcslen(text));
    word[6] = word[5] + 2;
    word[7] = (USHORT)(2 * wcslen(target));
    memcpy((BYTE *)text + word[6], target, word[7]);
    *(DWORD *)data = JUNCTION;
    word[2] = 8 + word[6] + word[7] + 2;
    said(L"junction", DeviceIoControl(handle, 0x900A4, data, 8 + word[2], NULL, 0, &got, NULL));
    CloseHandle(handle);
}

static void unset(const WCHAR *path)
{
    HANDLE handle = open(path, GENERIC_WRITE, FILE_FLAG_OPEN_REPARSE_POINT);
    DWORD got;

    memset(data, 0, 8);
    DeviceIoControl(handle, 0x900A8, NULL, 0, data, sizeof data, &got, NULL);
    word[2] = 0;
    said(L"unset", DeviceIoControl(handle, 0x900AC, data, 8, NULL, 0, &got, NULL));
    CloseHandle(handle);
}

/* As node does it: the link itself is opened, and goes when it is closed. */
static void dispose(const WCHAR *path)
{
    HANDLE handle = open(path, DELETE | FILE_READ_ATTRIBUTES, FILE_FLAG_OPEN_REPARSE_POINT);
    FILE_DISPOSITION_INFO gone = {TRUE};

    said(L"dispose", SetFileInformationByHandle(handle, FileDispositionInfo, &gone, sizeof gone));
    CloseHandle(handle);
}

static void list(const WCHAR *pattern)
{
    WIN32_FIND_DATAW found;
    HANDLE handle = FindFirstFileW(pattern, &found);

    if (handle == INVALID_HANDLE_VALUE) return said(L"list", FALSE);
    do if (found.cFileName[0] != '.') show_find(&found); while (FindNextFileW(handle, &found));
    FindClose(handle);
}

/* A time of creation, in seconds since 1601, set and asked for by each way. */
static void created(const WCHAR *path, const WCHAR *wanted)
{
    WIN32_FILE_ATTRIBUTE_DATA more = {0};
    WIN32_FIND_DATAW found = {0};
    BY_HANDLE_FILE_INFORMATION info = {0};
    ULARGE_INTEGER time = {.QuadPart = _wtoi64(wanted) * 10000000};
    FILETIME given = {time.LowPart, time.HighPart};
    HANDLE handle = open(path, FILE_WRITE_ATTRIBUTES, 0);

    if (time.QuadPart) said(L"created", SetFileTime(handle, &given, NULL, NULL));
    GetFileInformationByHandle(handle, &info);
    CloseHandle(handle);
    GetFileAttributesExW(path, GetFileExInfoStandard, &more);
    FindClose(FindFirstFileW(path, &found));
    printf("  %d %d %d\n", !memcmp(&info.ftCreationTime, &given, 8), !memcmp(&more.ftCreationTime, &given, 8),
           !memcmp(&found.ftCreationTime, &given, 8));
}

int wmain(int count, WCHAR **words)
{
    for (int at = 1; at + 1 < count; at += 4) { /* verb, path, target or "-", a comma */
        const WCHAR *verb = words[at], *path = words[at + 1], *target = at + 2 < count ? words[at + 2] : L"-";

        if (!wcscmp(verb, L"show")) show(path);
        else if (!wcscmp(verb, L"list")) list(path);
        else if (!wcscmp(verb, L"file")) said(verb, CreateSymbolicLinkW(path, target, 2));
        else if (!wcscmp(verb, L"folder")) said(verb, CreateSymbolicLinkW(path, target, 3));
        else if (!wcscmp(verb, L"junction")) junction(path, target);
        else if (!wcscmp(verb, L"unset")) unset(path);
        else if (!wcscmp(verb, L"dispose")) dispose(path);
        else if (!wcscmp(verb, L"move")) said(verb, MoveFileExW(path, target, 0));
        else if (!wcscmp(verb, L"del")) said(verb, DeleteFileW(path));
        else if (!wcscmp(verb, L"rd")) said(verb, RemoveDirectoryW(path));
        else if (!wcscmp(verb, L"created")) created(path, target);
        else if (!wcscmp(verb, L"attributes")) {
            said(verb, SetFileAttributesW(path, wcstoul(target, NULL, 16)));
            printf("  %lx\n", GetFileAttributesW(path));
        } else if (!wcscmp(verb, L"new")) {
            CloseHandle(CreateFileW(path, GENERIC_WRITE, ALL, NULL, CREATE_NEW, wcstoul(target, NULL, 16), NULL));
        }
    }
    return 0;
}
