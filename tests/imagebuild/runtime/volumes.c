/* SPDX-License-Identifier: Apache-2.0 */
/* What Windows' functions say of the drives, one function at a time. volumes QUESTION... */
#include <windows.h>
#include <winioctl.h>
#include <stdio.h>
#include <string.h>

static volatile LONG answered, missing;

/* Open a device by this name again and again, until there was an answer. */
static DWORD WINAPI look(void *name)
{
    while (!answered) {
        HANDLE handle = CreateFileA(name, 0, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);

        if (handle == INVALID_HANDLE_VALUE) InterlockedIncrement(&missing);
        else CloseHandle(handle);
    }
    return 0;
}

static void answer(const char *question)
{
    char text[300] = "", system[300] = "";
    DWORD serial = 0, longest = 0, flags = 0, got = 0;
    HANDLE handle = INVALID_HANDLE_VALUE;
    BOOL good = FALSE;

    SetLastError(0);
    if (!strcmp(question, "drives")) {
        got = GetLogicalDrives();
        sprintf(text, "%lx", got);
        good = got != 0;
    } else if (!strcmp(question, "type")) {
        sprintf(text, "%u", GetDriveTypeA("C:\\"));
        good = TRUE;
    } else if (!strcmp(question, "device")) good = QueryDosDeviceA("C:", text, sizeof text) != 0;
    else if (!strcmp(question, "devices")) {
        static char all[65536];

        good = QueryDosDeviceA(NULL, all, sizeof all) != 0;
    } else if (!strcmp(question, "information")) {
        good = GetVolumeInformationA("C:\\", text, sizeof text, &serial, &longest, &flags, system, sizeof system);
        sprintf(text + strlen(text), " %lx %lx %s", serial, flags, system);
    } else if (!strcmp(question, "name")) good = GetVolumeNameForVolumeMountPointA("C:\\", text, sizeof text);
    else if (!strcmp(question, "first")) good = FindFirstVolumeA(text, sizeof text) != INVALID_HANDLE_VALUE;
    else if (!strcmp(question, "looks")) {
        static char *const NAMES[] = {"\\\\.\\C:", "\\\\.\\MountPointManager"};
        HANDLE lookers[6];

        for (int i = 0; i < 6; i++) lookers[i] = CreateThread(NULL, 0, look, NAMES[i % 2], 0, NULL);
        Sleep(20);
        good = GetVolumeInformationA("C:\\", text, sizeof text, &serial, &longest, &flags, system, sizeof system);
        answered = TRUE;
        WaitForMultipleObjects(6, lookers, TRUE, INFINITE);
        sprintf(text, "%ld", missing);
    } else if (!strcmp(question, "open")) {
        STORAGE_DEVICE_NUMBER number = {0};

        handle = CreateFileA("\\\\.\\C:", 0, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
        good = DeviceIoControl(handle, IOCTL_STORAGE_GET_DEVICE_NUMBER, NULL, 0, &number, sizeof number, &got, NULL);
        sprintf(text, "%lu %lu", number.DeviceType, number.PartitionNumber);
    } else {
        BY_HANDLE_FILE_INFORMATION about = {0};

        handle = CreateFileA("C:\\volumes.exe", GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
        if (!strcmp(question, "serial")) {
            good = GetFileInformationByHandle(handle, &about);
            sprintf(text, "%lx", about.dwVolumeSerialNumber);
        } else good = GetFinalPathNameByHandleA(handle, text, sizeof text,
                                                strcmp(question, "guid") ? VOLUME_NAME_NT : VOLUME_NAME_GUID) != 0;
    }
    printf("%s %d %lu %s\n", question, good, good ? 0 : GetLastError(), text);
}

int main(int count, char **argument)
{
    for (int i = 1; i < count; i++) answer(argument[i]);
    return 0;
}
