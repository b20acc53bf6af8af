/* SPDX-License-Identifier: Apache-2.0 */
/* What kernel32.dll should say of processor groups and Wine's does not: wcowjob.dll, to which kernel32 forwards
 * (runtime/wine/kernelbase.py). A box has one group, with all its processors. Java asks for it, and warns several times in
 * each start when it gets no answer. It links ntdll alone.
 */
#define WIN32_LEAN_AND_MEAN
#define _KERNEL32_ /* its functions are ours */
#include <windows.h>
#include <winternl.h>

NTSYSAPI NTSTATUS NTAPI NtQueryInformationJobObject(HANDLE job, ULONG what, void *out, ULONG size, ULONG *needed);
NTSYSAPI void NTAPI RtlSetLastWin32ErrorAndNtStatusFromNtStatus(NTSTATUS status);
NTSYSAPI void NTAPI RtlSetLastWin32Error(DWORD error);

static BOOL too_small(DWORD size, DWORD needed)
{
    if (size >= needed) return FALSE;
    RtlSetLastWin32Error(ERROR_INSUFFICIENT_BUFFER);
    return TRUE;
}

BOOL WINAPI QueryInformationJobObject(HANDLE job, JOBOBJECTINFOCLASS what, void *out, DWORD size, DWORD *needed)
{
    NTSTATUS status;

    if (what == JobObjectGroupInformation) {
        if (needed) *needed = sizeof(USHORT);
        if (too_small(size, sizeof(USHORT))) return FALSE;
        *(USHORT *)out = 0;
        return TRUE;
    }
    if (what == JobObjectGroupInformationEx) {
        GROUP_AFFINITY group = {0};

        if (needed) *needed = sizeof group;
        if (too_small(size, sizeof group)) return FALSE;
        status = NtQueryInformationProcess((HANDLE)-1, 21 /* ProcessAffinityMask */, &group.Mask, sizeof group.Mask,
                                           NULL);
        if (!status) *(GROUP_AFFINITY *)out = group;
    } else {
        status = NtQueryInformationJobObject(job, what, out, size, needed);
    }
    if (status) RtlSetLastWin32ErrorAndNtStatusFromNtStatus(status);
    return !status;
}

BOOL WINAPI GetProcessGroupAffinity(HANDLE process, USHORT *count, USHORT *groups)
{
    USHORT room = *count;

    (void)process; /* there is one group for all */
    *count = 1;
    if (too_small(room, 1)) return FALSE;
    *groups = 0;
    return TRUE;
}

BOOL WINAPI entry(HINSTANCE instance, DWORD reason, void *reserved)
{
    (void)instance;
    (void)reason;
    (void)reserved;
    return TRUE;
}
