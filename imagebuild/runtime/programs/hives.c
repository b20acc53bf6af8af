/* SPDX-License-Identifier: Apache-2.0 */
/* The registry, which Wine writes every half minute and loses when it is killed. */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <winternl.h>

#include "hives.h"

NTSYSAPI NTSTATUS NTAPI NtOpenKey(HANDLE *key, ACCESS_MASK access, OBJECT_ATTRIBUTES *attributes);
NTSYSAPI NTSTATUS NTAPI NtSaveKey(HANDLE key, HANDLE file);
NTSYSAPI NTSTATUS NTAPI NtNotifyChangeKey(HANDLE key, HANDLE event, void *apc, void *context, IO_STATUS_BLOCK *status,
                                          ULONG filter, BOOLEAN subtree, void *buffer, ULONG length, BOOLEAN later);
NTSYSAPI NTSTATUS NTAPI RtlOpenCurrentUser(ACCESS_MASK access, HANDLE *key);
NTSYSAPI NTSTATUS NTAPI RtlAdjustPrivilege(ULONG privilege, BOOLEAN enable, BOOLEAN thread, BOOLEAN *before);

static struct { WCHAR *key; const WCHAR *file; HANDLE changed; } hives[] = {
    {L"\\Registry\\Machine", L"system.reg", NULL},
    {NULL, L"user.reg", NULL}, /* the user's own */
    {L"\\Registry\\User\\.Default", L"userdef.reg", NULL},
};
#define HIVES (sizeof hives / sizeof *hives)

static HANDLE open_hive(int i)
{
    UNICODE_STRING name = {0, 0, hives[i].key};
    OBJECT_ATTRIBUTES attributes = {.Length = sizeof attributes, .ObjectName = &name};
    HANDLE key = NULL;

    if (!name.Buffer) return RtlOpenCurrentUser(KEY_ALL_ACCESS, &key) ? NULL : key;
    name.Length = lstrlenW(name.Buffer) * sizeof *name.Buffer;
    return NtOpenKey(&key, KEY_ALL_ACCESS, &attributes) ? NULL : key;
}

void watch_registry(void)
{
    static IO_STATUS_BLOCK done[HIVES];

    for (unsigned i = 0; i < HIVES; i++) {
        HANDLE key = open_hive(i); /* stays open: with it the watch would end */

        hives[i].changed = CreateEventW(NULL, TRUE, FALSE, NULL);
        if (key)
            NtNotifyChangeKey(key, hives[i].changed, NULL, NULL, &done[i],
                              REG_NOTIFY_CHANGE_NAME | REG_NOTIFY_CHANGE_LAST_SET, TRUE, NULL, 0, TRUE);
    }
}

/* RegFlushKey does nothing in Wine; a saved key has the form of the file that Wine loads. */
int save_registry(const WCHAR *where, int all)
{
    WCHAR path[MAX_PATH], temporary[MAX_PATH];
    HANDLE key, file;
    BOOLEAN before;
    int good = 1;

    RtlAdjustPrivilege(17 /* SE_BACKUP_PRIVILEGE */, TRUE, FALSE, &before);
    for (unsigned i = 0; i < HIVES; i++) {
        if (!all && WaitForSingleObject(hives[i].changed, 0) != WAIT_OBJECT_0) continue;
        lstrcpyW(path, where);
        lstrcatW(path, L"\\");
        lstrcatW(path, hives[i].file);
        lstrcpyW(temporary, path);
        lstrcatW(temporary, L".new");
        key = open_hive(i);
        file = CreateFileW(temporary, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
        if (file == INVALID_HANDLE_VALUE || !key || NtSaveKey(key, file)) good = 0;
        else {
            CloseHandle(file);
            file = INVALID_HANDLE_VALUE;
            if (!MoveFileExW(temporary, path, MOVEFILE_REPLACE_EXISTING)) good = 0;
        }
        if (file != INVALID_HANDLE_VALUE) CloseHandle(file);
        if (key) CloseHandle(key);
    }
    return good;
}
