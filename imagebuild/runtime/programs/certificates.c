/* SPDX-License-Identifier: Apache-2.0 */
/* The first question for certificates (a part of wcowbase.dll).
 *
 * crypt32 asks for its roots under a semaphore that launcher.exe holds until it has put them into the registry
 * (roots.c). Who finds that semaphore there wakes it, so a box in which no one asks has no work with them.
 */
#include "base.h"

#include "roots.h"

NTSYSAPI NTSTATUS NTAPI ZwCreateSemaphore(HANDLE *, ACCESS_MASK, const OBJECT_ATTRIBUTES *, LONG, LONG);
NTSYSAPI NTSTATUS NTAPI ZwOpenEvent(HANDLE *, ACCESS_MASK, const OBJECT_ATTRIBUTES *);
NTSYSAPI NTSTATUS NTAPI ZwSetEvent(HANDLE, LONG *);
NTSYSAPI NTSTATUS NTAPI ZwClose(HANDLE);

#define THERE_ALREADY ((NTSTATUS)0x40000000) /* STATUS_OBJECT_NAME_EXISTS */

static int is_for_roots(const OBJECT_ATTRIBUTES *attr)
{
    UNICODE_STRING name = {sizeof ROOTS_SEMAPHORE - sizeof(WCHAR), sizeof ROOTS_SEMAPHORE, ROOTS_SEMAPHORE};

    return attr && attr->ObjectName && RtlEqualUnicodeString(attr->ObjectName, &name, TRUE);
}

NTSTATUS WINAPI NtCreateSemaphore(HANDLE *semaphore, ACCESS_MASK access, const OBJECT_ATTRIBUTES *attr, LONG count,
                                  LONG most)
{
    UNICODE_STRING name = {sizeof ROOTS_WANTED - sizeof(WCHAR), sizeof ROOTS_WANTED, ROOTS_WANTED};
    OBJECT_ATTRIBUTES beside = {.Length = sizeof beside, .ObjectName = &name};
    NTSTATUS status = ZwCreateSemaphore(semaphore, access, attr, count, most);
    HANDLE wanted;

    if (status == THERE_ALREADY && is_for_roots(attr)) {
        beside.RootDirectory = attr->RootDirectory;
        if (!ZwOpenEvent(&wanted, EVENT_MODIFY_STATE, &beside)) {
            ZwSetEvent(wanted, NULL);
            ZwClose(wanted);
        }
    }
    return status;
}
