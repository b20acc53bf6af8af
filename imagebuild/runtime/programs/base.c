/* SPDX-License-Identifier: Apache-2.0 */
/* What kernelbase.dll and ntdll.dll should do and Wine's do not: wcowbase.dll. The copies that boxes run have
 * forwarders to it (runtime/wine/kernelbase.py), so each program loads it. It links ntdll alone, and calls its functions by
 * their names with Zw, which lead to Wine's.
 */
#include "base.h"

#define FAIL_FAST 0xC0000602 /* STATUS_FAIL_FAST_EXCEPTION */

NTSYSAPI NTSTATUS NTAPI NtTerminateProcess(HANDLE process, LONG code);

void end_opened(void);

static int is_pipe(HANDLE handle)
{
    struct { ULONG type, characteristics; } device; /* FILE_FS_DEVICE_INFORMATION */
    IO_STATUS_BLOCK done;

    return !NtQueryVolumeInformationFile(handle, &done, &device, sizeof device, FileFsDeviceInformation) && device.type == 0x11;
}

/* As in kernelbase, but for one thing: a program's output is a pipe of Linux, which wineserver calls no pipe. It is one
 * of bytes that waits, so to make it such a one, which libuv does before it writes, is no error. */
BOOL WINAPI SetNamedPipeHandleState(HANDLE pipe, DWORD *mode, DWORD *count, DWORD *timeout)
{
    struct { ULONG read, completion; } information; /* FILE_PIPE_INFORMATION */
    IO_STATUS_BLOCK done;
    NTSTATUS status = 0;

    (void)count; /* Wine heeds neither */
    (void)timeout;
    if (mode && *mode & ~(DWORD)(PIPE_READMODE_MESSAGE | PIPE_NOWAIT)) status = STATUS_INVALID_PARAMETER;
    else if (mode) {
        information.read = !!(*mode & PIPE_READMODE_MESSAGE);
        information.completion = !!(*mode & PIPE_NOWAIT);
        status = NtSetInformationFile(pipe, &done, &information, sizeof information, FilePipeInformation);
        if (status == MISMATCH && !*mode && is_pipe(pipe)) status = 0;
    }
    if (status) RtlSetLastWin32ErrorAndNtStatusFromNtStatus(status);
    return !status;
}

/* The program ends with the code of its error, as on Windows; Wine's ends each with the same. .NET ends so at a stack
 * overflow, FailFast, and what no one has caught. */
void WINAPI RaiseFailFastException(EXCEPTION_RECORD *record, CONTEXT *context, DWORD flags)
{
    (void)context;
    (void)flags;
    NtTerminateProcess((HANDLE)-1, record ? record->ExceptionCode : FAIL_FAST);
}

BOOL WINAPI entry(HINSTANCE instance, DWORD reason, void *reserved)
{
    (void)instance;
    (void)reserved;
    if (reason == DLL_PROCESS_DETACH) end_opened();
    return TRUE;
}
