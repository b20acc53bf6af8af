/* SPDX-License-Identifier: Apache-2.0 */
/* The table of open files that are more to us than to Wine (a part of wcowbase.dll). */
#include "base.h"

#define ROWS 64

NTSYSAPI void NTAPI RtlAcquireSRWLockExclusive(RTL_SRWLOCK *);
NTSYSAPI void NTAPI RtlReleaseSRWLockExclusive(RTL_SRWLOCK *);
NTSYSAPI NTSTATUS NTAPI ZwClose(HANDLE);

volatile LONG opened_files;
static struct opened *rows[ROWS];
static RTL_SRWLOCK lock;

void lock_opened(void)
{
    RtlAcquireSRWLockExclusive(&lock);
}

void unlock_opened(void)
{
    RtlReleaseSRWLockExclusive(&lock);
}

static struct opened **row(HANDLE handle)
{
    return &rows[(ULONG_PTR)handle >> 2 & (ROWS - 1)];
}

struct opened *find_opened(HANDLE handle)
{
    struct opened *one = *row(handle);

    while (one && one->handle != handle) one = one->next;
    return one;
}

struct opened *add_opened(HANDLE handle)
{
    struct opened *one = find_opened(handle);

    if (one || !(one = keep(sizeof *one))) return one;
    one->handle = handle;
    one->next = *row(handle);
    *row(handle) = one;
    opened_files++;
    return one;
}

int opened_link(HANDLE handle, char *path)
{
    struct opened *one;

    if (!opened_files) return 0;
    lock_opened();
    one = find_opened(handle);
    if (one && one->link) strcpy(path, one->link);
    else one = NULL;
    unlock_opened();
    return one != NULL;
}

static void end(struct opened *one)
{
    if (one->leaves && linux_unlink(one->link, 0)) linux_unlink(one->link, AT_DIRECTORY); /* no link any more */
    if (one->listing) forget_listing(one->listing);
    give_back(one->pipes);
    give_back(one->link);
    give_back(one);
}

NTSTATUS WINAPI NtClose(HANDLE handle)
{
    struct opened **at, *one = NULL;

    if (opened_files) {
        lock_opened();
        for (at = row(handle); *at && (*at)->handle != handle;) at = &(*at)->next;
        if ((one = *at)) *at = one->next, opened_files--;
        unlock_opened();
    }
    if (one) end(one);
    return ZwClose(handle);
}

/* A process has ended: what was to go when it was closed goes. */
void end_opened(void)
{
    for (unsigned i = 0; opened_files && i < ROWS; i++)
        for (struct opened *one = rows[i]; one; one = one->next)
            if (one->leaves) linux_unlink(one->link, 0);
}
