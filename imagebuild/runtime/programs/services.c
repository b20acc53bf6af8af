/* SPDX-License-Identifier: Apache-2.0 */
/* The service manager, started when a program first asks it.
 *
 * services.exe and what it starts take a third of a second and 30 MB, and few programs ask. So its pipe is made here. The
 * first program that opens it is kept while services.exe starts, which makes the same pipe; then what that program and
 * services.exe say is passed on, as long as it lasts. Programs that ask meanwhile find the pipe busy and wait for it, and
 * all later ones meet services.exe itself.
 */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include "services.h"

static const WCHAR PIPE[] = L"\\\\.\\pipe\\svcctl";

#define SECONDS 60    /* that services.exe may take, as long as it lives */
#define MOST 0x10000  /* bytes of a message; RPC's have 0x16d0 (RPC_MAX_PACKET_SIZE, dlls/rpcrt4/rpc_defs.h) */

struct way { HANDLE from, to; };

static HANDLE pipe;
static OVERLAPPED opened;

HANDLE offer_services(void)
{
    /* As RPC makes it (rpcrt4_conn_create_pipe, dlls/rpcrt4/rpc_transport.c), or services.exe could not make it again. */
    pipe = CreateNamedPipeW(PIPE, PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED, PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE,
                            PIPE_UNLIMITED_INSTANCES, MOST, MOST, SECONDS * 1000, NULL);
    if (pipe == INVALID_HANDLE_VALUE || !(opened.hEvent = CreateEventW(NULL, FALSE, FALSE, NULL))) return NULL;
    ConnectNamedPipe(pipe, &opened);
    return opened.hEvent;
}

/* Whether it listens. */
static BOOL start_manager(void)
{
    WCHAR line[] = L"C:\\windows\\system32\\services.exe";
    STARTUPINFOW startup = {.cb = sizeof startup};
    PROCESS_INFORMATION process;
    HANDLE listening = CreateEventW(NULL, TRUE, FALSE, L"__wine_SvcctlStarted"), waited[2] = {listening};
    BOOL started;

    if (!listening || !CreateProcessW(NULL, line, NULL, NULL, FALSE, DETACHED_PROCESS, NULL, L"C:\\", &startup, &process))
        return FALSE;
    waited[1] = process.hProcess;
    started = WaitForMultipleObjects(2, waited, FALSE, SECONDS * 1000) == WAIT_OBJECT_0;
    CloseHandle(process.hThread);
    CloseHandle(process.hProcess);
    CloseHandle(listening);
    return started;
}

/* Until one of the two is closed at its other end. */
static DWORD WINAPI pass_on(void *arg)
{
    const struct way *way = arg;
    OVERLAPPED done = {.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL)};
    char *message = VirtualAlloc(NULL, MOST, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
    DWORD got, wrote;

    while (message && done.hEvent) {
        if (!ReadFile(way->from, message, MOST, NULL, &done) && GetLastError() != ERROR_IO_PENDING) break;
        if (!GetOverlappedResult(way->from, &done, &got, TRUE)) break;
        if (!WriteFile(way->to, message, got, NULL, &done) && GetLastError() != ERROR_IO_PENDING) break;
        if (!GetOverlappedResult(way->to, &done, &wrote, TRUE)) break;
    }
    CancelIoEx(way->from, NULL); /* the thread of the other way ends, too */
    CancelIoEx(way->to, NULL);
    if (message) VirtualFree(message, 0, MEM_RELEASE);
    CloseHandle(done.hEvent);
    return 0;
}

static DWORD WINAPI serve(void *unused)
{
    static struct way there, back;
    DWORD mode = PIPE_READMODE_MESSAGE;
    HANDLE manager = INVALID_HANDLE_VALUE, thread;

    (void)unused;
    if (start_manager())
        manager = CreateFileW(PIPE, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, FILE_FLAG_OVERLAPPED, NULL);
    if (manager != INVALID_HANDLE_VALUE && SetNamedPipeHandleState(manager, &mode, NULL, NULL)) {
        there = (struct way){pipe, manager};
        back = (struct way){manager, pipe};
        if ((thread = CreateThread(NULL, 0, pass_on, &back, 0, NULL))) {
            pass_on(&there);
            WaitForSingleObject(thread, INFINITE);
            CloseHandle(thread);
        }
    }
    CloseHandle(manager);
    CloseHandle(pipe); /* without a service manager the program that waited has an error now, and all others at once */
    return 0;
}

/* Every desktop of Wine's is made by a process of explorer.exe, which asks for COM's service to tell of windows of the
 * shell. No box has those: it is refused, as it was when no service manager ran. */
static BOOL is_desktop(void)
{
    static const WCHAR NAME[] = L"\\windows\\system32\\explorer.exe";
    WCHAR path[MAX_PATH];
    DWORD length = MAX_PATH, named = sizeof NAME / sizeof *NAME - 1;
    HANDLE client;
    ULONG id;

    if (!GetNamedPipeClientProcessId(pipe, &id) || !(client = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, id)))
        return FALSE;
    if (!QueryFullProcessImageNameW(client, 0, path, &length)) length = 0;
    CloseHandle(client);
    return length > named && !lstrcmpiW(path + length - named, NAME);
}

void start_services(void)
{
    HANDLE thread;

    if (is_desktop()) {
        DisconnectNamedPipe(pipe);
        ConnectNamedPipe(pipe, &opened);
    } else if ((thread = CreateThread(NULL, 0, serve, NULL, 0, NULL))) CloseHandle(thread);
}

void want_services(void)
{
    HANDLE asking = CreateFileW(PIPE, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);

    if (asking != INVALID_HANDLE_VALUE) CloseHandle(asking);
}
