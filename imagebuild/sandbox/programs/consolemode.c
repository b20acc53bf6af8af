/* SPDX-License-Identifier: Apache-2.0 */
/* Control sequences in what a program writes (a part of wcowbase.dll).
 *
 * Wine's conhost.exe takes ENABLE_VIRTUAL_TERMINAL_PROCESSING and then writes each sequence letter by letter into its
 * cells: its cursor is no longer where the terminal's is. So the mode is refused, as by a Windows before 10, and
 * programs that asked for it (PSReadLine, PowerShell, libuv, docker.exe, Rust's) use the console's own functions, which
 * conhost draws on the terminal in its colours.
 */
#include "base.h"

#define SEQUENCES 4 /* ENABLE_VIRTUAL_TERMINAL_PROCESSING of a screen; ENABLE_ECHO_INPUT of an input */
#define BAD_HANDLE ((NTSTATUS)0xC0000008)

/* include/wine/condrv.h: IOCTL_CONDRV_SET_MODE and IOCTL_CONDRV_SET_OUTPUT_INFO. */
enum { SET_MODE = 0x508004, SET_OUTPUT_INFO = 0x50808C };

NTSYSAPI NTSTATUS NTAPI NtDeviceIoControlFile(HANDLE, HANDLE, PIO_APC_ROUTINE, void *, IO_STATUS_BLOCK *, ULONG, void *,
                                              ULONG, void *, ULONG);

static NTSTATUS ask(HANDLE console, ULONG code, void *in, ULONG size)
{
    IO_STATUS_BLOCK done;

    return NtDeviceIoControlFile(console, NULL, NULL, NULL, &done, code, in, size, NULL, 0);
}

/* A screen knows the question and misses its parameters; an input does not know it. */
static int is_screen(HANDLE console)
{
    return ask(console, SET_OUTPUT_INFO, NULL, 0) == INVALID;
}

BOOL WINAPI SetConsoleMode(HANDLE console, DWORD mode)
{
    NTSTATUS status = mode & SEQUENCES && is_screen(console) ? INVALID : ask(console, SET_MODE, &mode, sizeof mode);

    if (status) RtlSetLastWin32ErrorAndNtStatusFromNtStatus(status == INVALID ? status : BAD_HANDLE);
    return !status;
}
