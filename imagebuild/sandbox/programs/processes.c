/* SPDX-License-Identifier: Apache-2.0 */
/* The processes of a box: told to end, or listed. */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <tlhelp32.h>

#include "processes.h"
#include "request.h"

static int is_in_job(DWORD id, HANDLE job)
{
    HANDLE process = OpenProcess(PROCESS_QUERY_INFORMATION, FALSE, id);
    BOOL inside = FALSE;

    if (!process) return 0;
    if (job && !IsProcessInJob(process, job, &inside)) inside = FALSE;
    CloseHandle(process);
    return inside;
}

/* Without a console nothing delivers control events, so call what a console would call, in the process itself. */
static void control(DWORD id, DWORD event)
{
    HMODULE here = GetModuleHandleW(L"kernelbase.dll");
    char *routine = (char *)GetProcAddress(here, "CtrlRoutine");
    HANDLE process, thread, snapshot;
    MODULEENTRY32W module = {.dwSize = sizeof module};

    snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPMODULE, id);
    if (snapshot == INVALID_HANDLE_VALUE || !routine) return;
    for (BOOL more = Module32FirstW(snapshot, &module); more; more = Module32NextW(snapshot, &module)) {
        if (lstrcmpiW(module.szModule, L"kernelbase.dll")) continue;
        if (!(process = OpenProcess(PROCESS_ALL_ACCESS, FALSE, id))) break;
        thread = CreateRemoteThread(process, NULL, 0,
                                    (LPTHREAD_START_ROUTINE)(module.modBaseAddr + (routine - (char *)here)),
                                    (void *)(ULONG_PTR)event, 0, NULL);
        if (thread) CloseHandle(thread);
        CloseHandle(process);
        break;
    }
    CloseHandle(snapshot);
}

static void row(DWORD id, int inside, const WCHAR *name)
{
    FILETIME made = {0}, other;
    HANDLE process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, id);
    char text[MAX_PATH * 3];

    if (process) {
        GetProcessTimes(process, &made, &other, &other, &other);
        CloseHandle(process);
    }
    say("pid ", id);
    say("made ", (ULONGLONG)made.dwHighDateTime << 32 | made.dwLowDateTime);
    say("job ", inside);
    say_bytes("name ", 5);
    say_bytes(text, WideCharToMultiByte(CP_UTF8, 0, name, lstrlenW(name), text, sizeof text, NULL, NULL));
    say_bytes("\n", 1);
}

int each_process(const struct request *request, int stopping)
{
    PROCESSENTRY32W entry = {.dwSize = sizeof entry};
    HANDLE snapshot, job;

    job = OpenJobObjectW(JOB_OBJECT_ALL_ACCESS, FALSE, request->field[JOB]);
    snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
    if (snapshot == INVALID_HANDLE_VALUE) return 1;
    for (BOOL more = Process32FirstW(snapshot, &entry); more; more = Process32NextW(snapshot, &entry)) {
        DWORD id = entry.th32ProcessID;
        int inside = is_in_job(id, job);

        if (id == GetCurrentProcessId()) continue;
        if (stopping && inside && lstrcmpiW(entry.szExeFile, L"conhost.exe")) /* it would take its programs with it */
            control(id, CTRL_SHUTDOWN_EVENT);
        if (!stopping) row(id, inside, entry.szExeFile);
    }
    return 0;
}
