/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for Wine's wineboot.exe, which ntdll starts with the first program of a wineserver and waits for.
 *
 * The real one starts services and drivers, 0.3 s and 45 MB for things few containers ask for. This one only sets the
 * event that ntdll waits for. launcher.exe keeps that event alive, and starts the real one (wineboot2.exe) where a
 * command needs services. It links ntdll alone: no C library to load.
 */
#include <windows.h>
#include <winternl.h>

NTSYSAPI NTSTATUS NTAPI NtCreateEvent(HANDLE *event, ACCESS_MASK access, OBJECT_ATTRIBUTES *attributes, int type,
                                      BOOLEAN state);
NTSYSAPI NTSTATUS NTAPI NtSetEvent(HANDLE event, LONG *previous);
NTSYSAPI void NTAPI RtlExitUserProcess(ULONG code);

void entry(void)
{
    static WCHAR name[] = L"\\KernelObjects\\__wineboot_event";
    UNICODE_STRING text = {sizeof name - sizeof *name, sizeof name, name};
    OBJECT_ATTRIBUTES attributes = {.Length = sizeof attributes, .ObjectName = &text, .Attributes = OBJ_OPENIF};
    HANDLE event;

    if (NtCreateEvent(&event, EVENT_ALL_ACCESS, &attributes, 0 /* NotificationEvent */, TRUE) >= 0)
        NtSetEvent(event, NULL);
    RtlExitUserProcess(0);
}
