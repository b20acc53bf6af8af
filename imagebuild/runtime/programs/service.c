/* SPDX-License-Identifier: Apache-2.0 */
/* A service of a stand-in host that does nothing but run: WinRM; hns, vmcompute, vmms where the host's state says so
 * (hostd/state/services.py). It reports that it runs, and ends when it is stopped. */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <winsvc.h>

static SERVICE_STATUS_HANDLE service;
static HANDLE stopping;

static void report(DWORD state)
{
    SERVICE_STATUS status = {SERVICE_WIN32_OWN_PROCESS, state, 0, 0, 0, 0, 0};

    if (state == SERVICE_RUNNING) status.dwControlsAccepted = SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_SHUTDOWN;
    SetServiceStatus(service, &status);
}

static DWORD WINAPI control(DWORD asked, DWORD event, void *data, void *context)
{
    (void)event, (void)data, (void)context;
    if (asked == SERVICE_CONTROL_STOP || asked == SERVICE_CONTROL_SHUTDOWN) SetEvent(stopping);
    return NO_ERROR;
}

static void WINAPI run(DWORD count, WCHAR **given)
{
    (void)count;
    stopping = CreateEventW(NULL, TRUE, FALSE, NULL);
    service = RegisterServiceCtrlHandlerExW(given[0], control, NULL);
    report(SERVICE_RUNNING);
    WaitForSingleObject(stopping, INFINITE);
    report(SERVICE_STOPPED);
}

int wmain(void)
{
    static WCHAR any[] = L"";
    SERVICE_TABLE_ENTRYW table[] = {{any, run}, {NULL, NULL}};

    return !StartServiceCtrlDispatcherW(table);
}
