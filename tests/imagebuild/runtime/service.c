/* SPDX-License-Identifier: Apache-2.0 */
/* A service: it writes into C:\service.txt what console it has, and goes on until it is stopped.
 * service make: makes the service "mine" of itself. service desktop: makes a window, and waits. */
#include <windows.h>
#include <stdio.h>
#include <string.h>

static SERVICE_STATUS_HANDLE handle;
static HANDLE stopped;

static void tell(DWORD state)
{
    SERVICE_STATUS status = {SERVICE_WIN32_OWN_PROCESS, state, SERVICE_ACCEPT_STOP, 0, 0, 0, 0};

    SetServiceStatus(handle, &status);
}

static void WINAPI control(DWORD what)
{
    if (what == SERVICE_CONTROL_STOP) SetEvent(stopped);
}

static void WINAPI serve(DWORD count, char **argument)
{
    FILE *file = fopen("C:\\service.txt", "w");

    (void)count;
    (void)argument;
    handle = RegisterServiceCtrlHandlerA("mine", control);
    fprintf(file, "title %d, code page %u\n", SetConsoleTitleA("mine"), GetConsoleOutputCP());
    fclose(file);
    tell(SERVICE_RUNNING);
    WaitForSingleObject(stopped, INFINITE);
    tell(SERVICE_STOPPED);
}

int main(int count, char **argument)
{
    SERVICE_TABLE_ENTRYA table[] = {{"mine", serve}, {NULL, NULL}};

    stopped = CreateEventA(NULL, TRUE, FALSE, NULL);
    if (count > 1 && !strcmp(argument[1], "desktop")) {
        printf("%d\n", CreateWindowA("STATIC", "x", WS_OVERLAPPED, 0, 0, 10, 10, NULL, NULL, NULL, NULL) != NULL);
        fflush(stdout);
        Sleep(INFINITE);
    }
    if (count > 1) {
        SC_HANDLE manager = OpenSCManagerA(NULL, NULL, SC_MANAGER_ALL_ACCESS);
        SC_HANDLE made = CreateServiceA(manager, "mine", "Mine", SERVICE_ALL_ACCESS, SERVICE_WIN32_OWN_PROCESS,
                                        SERVICE_DEMAND_START, SERVICE_ERROR_NORMAL, "C:\\service.exe", NULL, NULL, NULL,
                                        NULL, NULL);

        return printf("%d %lu\n", made && StartServiceA(made, 0, NULL), GetLastError()), !made;
    }
    return !StartServiceCtrlDispatcherA(table);
}
