/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a box has services that start by themselves: SERVICE_AUTO_START with a program of their own.
 *
 * Wine's own two that say so (Eventlog, PlugPlay) do not count, or each box would have a service manager.
 */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <winternl.h>

#include "services.h"

#define AUTOMATIC 2
#define PROGRAM 0x30 /* SERVICE_WIN32_OWN_PROCESS, SERVICE_WIN32_SHARE_PROCESS */
#define LONGEST 256  /* letters of a key's name */
#define TOO_LONG ((NTSTATUS)0x80000005)

NTSYSAPI NTSTATUS NTAPI NtOpenKey(HANDLE *key, ACCESS_MASK access, OBJECT_ATTRIBUTES *attributes);
NTSYSAPI NTSTATUS NTAPI NtEnumerateKey(HANDLE key, ULONG index, int kind, void *info, ULONG size, ULONG *length);
NTSYSAPI NTSTATUS NTAPI NtQueryValueKey(HANDLE key, const UNICODE_STRING *name, int kind, void *info, ULONG size,
                                        ULONG *length);

struct subkey { LARGE_INTEGER written; ULONG index, bytes; WCHAR name[LONGEST + 1]; };  /* KeyBasicInformation, 0 */
struct number { ULONG index, type, bytes, value; };                                     /* KeyValuePartialInformation, 2 */

static HANDLE open_key(HANDLE parent, WCHAR *path)
{
    UNICODE_STRING name = {lstrlenW(path) * sizeof *path, lstrlenW(path) * sizeof *path, path};
    OBJECT_ATTRIBUTES attributes = {.Length = sizeof attributes, .RootDirectory = parent, .ObjectName = &name,
                                    .Attributes = OBJ_CASE_INSENSITIVE};
    HANDLE key;

    return NtOpenKey(&key, KEY_READ, &attributes) ? NULL : key;
}

static ULONG number_of(HANDLE key, WCHAR *value)
{
    UNICODE_STRING name = {lstrlenW(value) * sizeof *value, lstrlenW(value) * sizeof *value, value};
    struct number number;
    ULONG length;

    return NtQueryValueKey(key, &name, 2, &number, sizeof number, &length) || number.type != REG_DWORD ? ~0u
                                                                                                       : number.value;
}

BOOL has_automatic(void)
{
    WCHAR path[] = L"\\Registry\\Machine\\System\\CurrentControlSet\\Services", start[] = L"Start", type[] = L"Type";
    HANDLE services = open_key(NULL, path), service;
    struct subkey subkey;
    ULONG length, kind;
    BOOL found = FALSE;

    for (ULONG i = 0; services && !found; i++) {
        NTSTATUS status = NtEnumerateKey(services, i, 0, &subkey, sizeof subkey - sizeof *subkey.name, &length);

        if (status == TOO_LONG) continue;
        if (status) break;
        subkey.name[subkey.bytes / sizeof *subkey.name] = 0;
        if (!lstrcmpiW(subkey.name, L"Eventlog") || !lstrcmpiW(subkey.name, L"PlugPlay")) continue;
        if (!(service = open_key(services, subkey.name))) continue;
        found = number_of(service, start) == AUTOMATIC && (kind = number_of(service, type)) != ~0u && kind & PROGRAM;
        CloseHandle(service);
    }
    if (services) CloseHandle(services);
    return found;
}
