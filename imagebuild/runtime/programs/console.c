/* SPDX-License-Identifier: Apache-2.0 */
/* A console that no one sees.
 *
 * On Windows a program always has a console, and some count on it: PowerShell ends without a word where there is none.
 * Wine's CREATE_NO_WINDOW makes one, but starts conhost.exe with it, 15 ms and some megabytes for every container and
 * exec, and most programs never ask their console anything. So the console is made here with the same three calls
 * (alloc_console, dlls/kernelbase/console.c); wineserver keeps the first question until conhost.exe is there.
 */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <winternl.h>

#include "console.h"

NTSYSAPI PEB *NTAPI RtlGetCurrentPeb(void);

static int served;

static HANDLE open_below(HANDLE root, const WCHAR *name, ACCESS_MASK access, ULONG options)
{
    UNICODE_STRING text = {lstrlenW(name) * sizeof *name, (lstrlenW(name) + 1) * sizeof *name, (WCHAR *)name};
    OBJECT_ATTRIBUTES object = {.Length = sizeof object, .RootDirectory = root, .ObjectName = &text};
    IO_STATUS_BLOCK status;
    HANDLE handle;

    return NtCreateFile(&handle, access | SYNCHRONIZE, &object, &status, NULL, FILE_ATTRIBUTE_NORMAL, 0, FILE_OPEN,
                        FILE_NON_DIRECTORY_FILE | options, NULL, 0) ? NULL : handle;
}

HANDLE offer_console(void)
{
    const ACCESS_MASK properties = FILE_READ_EA | FILE_WRITE_EA;
    RTL_USER_PROCESS_PARAMETERS *own = RtlGetCurrentPeb()->ProcessParameters;
    HANDLE server, console;

    server = open_below(NULL, L"\\Device\\ConDrv\\Server", properties, FILE_SYNCHRONOUS_IO_NONALERT);
    if (!server) return NULL;
    console = open_below(server, L"Reference", properties | FILE_READ_DATA | FILE_WRITE_DATA,
                         FILE_SYNCHRONOUS_IO_NONALERT);
    if (!console || !open_below(console, L"Connection", properties, 0)) {
        CloseHandle(server);
        return NULL;
    }
    own->CONSOLE_HANDLE = console;
    return server;
}

void start_console(HANDLE server)
{
    WCHAR line[] = L"C:\\windows\\system32\\conhost.exe --headless --server 0x00000000";
    char list[128]; /* of attributes, with one in it */
    SIZE_T size = sizeof list;
    STARTUPINFOEXW startup = {.StartupInfo.cb = sizeof startup, .lpAttributeList = (void *)list};
    PROCESS_INFORMATION process;
    DWORD number = (DWORD)(ULONG_PTR)server;

    if (served++) return;
    for (int i = lstrlenW(line) - 1; number; number >>= 4) line[i--] = L"0123456789abcdef"[number & 15];
    SetHandleInformation(server, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT); /* not before: a program would keep it */
    if (!InitializeProcThreadAttributeList(startup.lpAttributeList, 1, 0, &size)
        || !UpdateProcThreadAttribute(startup.lpAttributeList, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, &server,
                                      sizeof server, NULL, NULL)) /* it must not hold the program's pipes */
        return;
    if (!CreateProcessW(NULL, line, NULL, NULL, TRUE, DETACHED_PROCESS | EXTENDED_STARTUPINFO_PRESENT, NULL, NULL,
                        &startup.StartupInfo, &process))
        return;
    CloseHandle(process.hProcess);
    CloseHandle(process.hThread);
}

void leave_console(HANDLE server)
{
    PUBLIC_OBJECT_BASIC_INFORMATION object;

    /* Each program has a handle from its first moment on; it is in the console's list of processes only later. */
    if (server && !served && !NtQueryObject(RtlGetCurrentPeb()->ProcessParameters->CONSOLE_HANDLE,
                                            ObjectBasicInformation, &object, sizeof object, NULL)
        && object.HandleCount > 1)
        start_console(server);
}
