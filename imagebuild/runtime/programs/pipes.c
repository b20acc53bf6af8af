/* SPDX-License-Identifier: Apache-2.0 */
/* The list of named pipes, \\.\pipe\ (a part of wcowbase.dll). wineserver has none; but it tells of every handle that
 * is open, and what a handle of a pipe is called. So a list is made of these names.
 */
#include "base.h"

#define HANDLES 64 /* SystemExtendedHandleInformation */
#define ROOT L"\\Device\\NamedPipe\\"
#define ROOT_LENGTH 18
#define MOST_HANDLES (64u << 20)
#define OURS L"wcow-" /* the launcher's own */

struct handles {
    ULONG_PTR count, reserved;
    struct { void *object; ULONG_PTR process, handle; ULONG access; USHORT trace, type; ULONG flags, unused; } one[];
};

NTSYSAPI NTSTATUS NTAPI ZwQuerySystemInformation(ULONG, void *, ULONG, ULONG *);
NTSYSAPI NTSTATUS NTAPI ZwOpenProcess(HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES *, void *);
NTSYSAPI NTSTATUS NTAPI ZwDuplicateObject(HANDLE, HANDLE, HANDLE, HANDLE *, ACCESS_MASK, ULONG, ULONG);
NTSYSAPI NTSTATUS NTAPI ZwQueryObject(HANDLE, ULONG, void *, ULONG, ULONG *);
NTSYSAPI NTSTATUS NTAPI ZwQueryInformationProcess(HANDLE, ULONG, void *, ULONG, ULONG *);
NTSYSAPI NTSTATUS NTAPI ZwClose(HANDLE);

int is_pipe_root(HANDLE handle)
{
    struct { UNICODE_STRING name; WCHAR text[64]; } name;

    return !ZwQueryObject(handle, 1, &name, sizeof name, NULL) && name.name.Length == ROOT_LENGTH * sizeof(WCHAR)
           && !wcsncmp(name.name.Buffer, ROOT, ROOT_LENGTH);
}

/* A name behind the others, each with its 0; one that is there is not added. */
static void add_name(WCHAR *names, ULONG *used, ULONG room, const WCHAR *text, ULONG length)
{
    UNICODE_STRING wanted = {(USHORT)(length * 2), (USHORT)(length * 2), (WCHAR *)text}, there;

    if (!length || *used + length + 2 > room || (length > 5 && !wcsncmp(text, OURS, 5))) return;
    for (WCHAR *at = names; at < names + *used; at += wcslen(at) + 1) {
        RtlInitUnicodeString(&there, at);
        if (RtlEqualUnicodeString(&there, &wanted, TRUE)) return;
    }
    memcpy(names + *used, text, length * sizeof *text);
    *used += length;
    names[(*used)++] = 0;
}

WCHAR *names_of_pipes(HANDLE root)
{
    const HANDLE self = (HANDLE)-1;
    const ULONG room = 32768;
    ULONG size = 1u << 18, used = 0;
    struct handles *all = NULL;
    struct { UNICODE_STRING name; WCHAR text[300]; } name;
    struct { ULONG_PTR process, thread; } client = {0};
    OBJECT_ATTRIBUTES attr = {.Length = sizeof attr};
    WCHAR *names = keep(room * sizeof *names);
    HANDLE process = NULL, copy;
    ULONG_PTR known = 0, own, facts[6] = {0};
    USHORT type = 0;
    NTSTATUS status;

    while (names) {
        give_back(all);
        if (!(all = keep(size))) break;
        status = ZwQuerySystemInformation(HANDLES, all, size, NULL);
        if (!status) break;
        give_back(all);
        all = NULL;
        if (status != BAD_LENGTH || (size *= 2) > MOST_HANDLES) break;
    }
    if (!names || !all) return names;
    ZwQueryInformationProcess(self, 0, facts, sizeof facts, NULL); /* ProcessBasicInformation: its number is the fifth */
    own = facts[4];
    for (ULONG_PTR i = 0; i < all->count; i++)
        if (all->one[i].process == own && all->one[i].handle == (ULONG_PTR)root) type = all->one[i].type;
    for (ULONG_PTR i = 0; i < all->count; i++) {
        if (all->one[i].type != type) continue;
        if (all->one[i].process != known) {
            if (process) ZwClose(process);
            known = client.process = all->one[i].process;
            if (ZwOpenProcess(&process, PROCESS_DUP_HANDLE, &attr, &client)) process = NULL;
        }
        if (!process || ZwDuplicateObject(process, (HANDLE)all->one[i].handle, self, &copy, 0, 0, 2)) continue;
        if (!ZwQueryObject(copy, 1, &name, sizeof name, NULL) && name.name.Length > ROOT_LENGTH * sizeof(WCHAR)
            && !wcsncmp(name.name.Buffer, ROOT, ROOT_LENGTH))
            add_name(names, &used, room, name.name.Buffer + ROOT_LENGTH, name.name.Length / 2 - ROOT_LENGTH);
        ZwClose(copy);
    }
    if (process) ZwClose(process);
    give_back(all);
    return names;
}
