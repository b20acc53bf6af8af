/* SPDX-License-Identifier: Apache-2.0 */
/* dockerd.exe of a stand-in host. The engine is not in it: it is on the machine that runs the host (hostd/docker/dockerd.py),
 * and lives as long as this program is connected to it by a pipe. That end reads the command line and says what to do.
 *
 * Frames both ways: kind and length, 32 bits each, little-endian, then so many bytes. We begin with
 *   h   who we are: version, folder, path of this file, then the arguments, each ended by a NUL, in UTF-8
 * and are told
 *   o, e  write this to standard output, or error      f     give the content of a file (answer: f, or n for none)
 *   c     make a service: name, command line            d     remove a service: name (answers: r, the error)
 *   s     the engine runs                               x     end with this code
 * A service that is stopped says q, and waits for x.
 */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <winsvc.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define PIPE L"\\\\.\\pipe\\wcow-dockerd"
#define MOST 0x100000
#define PATIENCE 30000

/* A zip of another version has other bytes here (programs/docker.py). */
__attribute__((used)) static const volatile char VERSION[64] = "wcow-dockerd-version=26.1.5";

static HANDLE pipe = INVALID_HANDLE_VALUE, stopping;
static SERVICE_STATUS_HANDLE service;
static int arguments, code = 1;
static WCHAR **words;

static void report(DWORD state)
{
    SERVICE_STATUS status = {SERVICE_WIN32_OWN_PROCESS, state, 0, 0, 0, 0, 0};

    if (state == SERVICE_RUNNING) status.dwControlsAccepted = SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_SHUTDOWN;
    if (state == SERVICE_START_PENDING || state == SERVICE_STOP_PENDING) status.dwWaitHint = 60000;
    if (state == SERVICE_STOPPED && code) {
        status.dwWin32ExitCode = ERROR_SERVICE_SPECIFIC_ERROR;
        status.dwServiceSpecificExitCode = code;
    }
    if (service) SetServiceStatus(service, &status);
}

static void say(DWORD stream, const char *text, DWORD length)
{
    DWORD wrote;

    if (length) WriteFile(GetStdHandle(stream), text, length, &wrote, NULL);
}

/* 1: all of it; 0: the other end is gone; -1: the service shall stop. */
static int transfer(int write, void *bytes, DWORD size, HANDLE watched)
{
    OVERLAPPED done = {.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL)};
    HANDLE waited[2] = {done.hEvent, watched};
    DWORD got;
    int result = 1;

    for (char *at = bytes; size && result > 0; at += got, size -= got) {
        got = 0;
        if (!(write ? WriteFile(pipe, at, size, NULL, &done) : ReadFile(pipe, at, size, NULL, &done))
            && GetLastError() != ERROR_IO_PENDING)
            result = 0;
        else if (watched && WaitForMultipleObjects(2, waited, FALSE, INFINITE) != WAIT_OBJECT_0) {
            CancelIo(pipe);
            GetOverlappedResult(pipe, &done, &got, TRUE);
            result = -1;
        } else if (!GetOverlappedResult(pipe, &done, &got, TRUE) || !got)
            result = 0;
    }
    CloseHandle(done.hEvent);
    return result;
}

static int send(DWORD kind, const void *bytes, DWORD length)
{
    DWORD head[2] = {kind, length};

    return transfer(1, head, sizeof head, NULL) > 0 && transfer(1, (void *)bytes, length, NULL) > 0;
}

static DWORD utf8(const WCHAR *text, char *out, DWORD room)
{
    return WideCharToMultiByte(CP_UTF8, 0, text, -1, out, room, NULL, NULL);
}

static int introduce(void)
{
    static WCHAR folder[4096], file[4096];
    char *text = malloc(MOST);
    DWORD used = 0;
    int sent;

    GetCurrentDirectoryW(4096, folder);
    GetModuleFileNameW(NULL, file, 4096);
    for (const volatile char *at = VERSION + sizeof "wcow-dockerd-version=" - 1; *at; at++) text[used++] = *at;
    text[used++] = 0;
    used += utf8(folder, text + used, MOST - used);
    used += utf8(file, text + used, MOST - used);
    for (int i = 1; i < arguments; i++) used += utf8(words[i], text + used, MOST - used);
    sent = send('h', text, used);
    free(text);
    return sent;
}

static void give_file(const WCHAR *path)
{
    HANDLE file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                              OPEN_EXISTING, 0, NULL);
    char *bytes = malloc(MOST);
    DWORD got = 0, error = GetLastError();

    if (file == INVALID_HANDLE_VALUE) send('n', &error, sizeof error);
    else if (!ReadFile(file, bytes, MOST, &got, NULL)) error = GetLastError(), send('n', &error, sizeof error);
    else send('f', bytes, got);
    if (file != INVALID_HANDLE_VALUE) CloseHandle(file);
    free(bytes);
}

static DWORD change_service(int make, const WCHAR *name, const WCHAR *line)
{
    SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_ALL_ACCESS), found = NULL;
    DWORD error = 0;

    if (!manager) return GetLastError();
    if (make)
        found = CreateServiceW(manager, name, L"Docker Engine", SERVICE_ALL_ACCESS, SERVICE_WIN32_OWN_PROCESS,
                               SERVICE_AUTO_START, SERVICE_ERROR_NORMAL, line, NULL, NULL, NULL, L"LocalSystem", NULL);
    else if ((found = OpenServiceW(manager, name, SERVICE_ALL_ACCESS)) && !DeleteService(found)) error = GetLastError();
    if (!found) error = GetLastError();
    else CloseServiceHandle(found);
    CloseServiceHandle(manager);
    return error;
}

/* Until the other end says that this is all. */
static void obey(void)
{
    DWORD head[2], error;
    char *bytes;
    WCHAR *text, *second;
    HANDLE watched = service ? stopping : NULL;
    int came;

    for (;;) {
        if ((came = transfer(0, head, sizeof head, watched)) < 0) {
            watched = NULL;
            if (send('q', NULL, 0)) continue;
            return;
        }
        if (!came || head[1] > MOST || !(bytes = calloc(head[1] + 1, 1)) || !(text = calloc(head[1] + 2, sizeof *text)))
            return;
        if (transfer(0, bytes, head[1], NULL) <= 0) return;
        MultiByteToWideChar(CP_UTF8, 0, bytes, head[1], text, head[1]);
        second = text + wcslen(text) + 1;
        switch (head[0]) {
        case 'o': say(STD_OUTPUT_HANDLE, bytes, head[1]); break;
        case 'e': say(STD_ERROR_HANDLE, bytes, head[1]); break;
        case 'f': give_file(text); break;
        case 'c': error = change_service(1, text, second), send('r', &error, sizeof error); break;
        case 'd': error = change_service(0, text, NULL), send('r', &error, sizeof error); break;
        case 's': report(SERVICE_RUNNING); break;
        case 'x':
            if (head[1] == sizeof code) memcpy(&code, bytes, sizeof code);
            return;
        }
        free(bytes);
        free(text);
    }
}

static void work(void)
{
    static const char NO_HOST[] = "failed to start daemon: this dockerd.exe belongs to a stand-in host of wcow, and "
                                  "this container is none\r\n";
    DWORD since = GetTickCount();

    do {
        pipe = CreateFileW(PIPE, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, FILE_FLAG_OVERLAPPED, NULL);
        if (pipe != INVALID_HANDLE_VALUE) break;
        if (GetLastError() == ERROR_PIPE_BUSY) WaitNamedPipeW(PIPE, 1000);
        else if (service) Sleep(50); /* the host is being started */
        else break;
    } while (GetTickCount() - since < PATIENCE);
    if (pipe == INVALID_HANDLE_VALUE) say(STD_ERROR_HANDLE, NO_HOST, sizeof NO_HOST - 1);
    else if (introduce()) obey();
    CloseHandle(pipe);
}

static DWORD WINAPI control(DWORD asked, DWORD event, void *data, void *context)
{
    (void)event, (void)data, (void)context;
    if (asked == SERVICE_CONTROL_STOP || asked == SERVICE_CONTROL_SHUTDOWN) {
        report(SERVICE_STOP_PENDING);
        SetEvent(stopping);
    }
    return NO_ERROR;
}

static void WINAPI run_service(DWORD count, WCHAR **given)
{
    (void)count;
    service = RegisterServiceCtrlHandlerExW(given[0], control, NULL);
    report(SERVICE_START_PENDING);
    work();
    report(SERVICE_STOPPED);
}

int wmain(int argc, WCHAR **argv)
{
    static WCHAR any[] = L"";
    SERVICE_TABLE_ENTRYW table[] = {{any, run_service}, {NULL, NULL}};

    arguments = argc;
    words = argv;
    stopping = CreateEventW(NULL, TRUE, FALSE, NULL);
    for (int i = 1; i < argc; i++)
        if (!wcscmp(argv[i], L"--run-service") && StartServiceCtrlDispatcherW(table)) return 0;
    work();
    return code;
}
