/* SPDX-License-Identifier: Apache-2.0 */
/* The processes of a box: told to end, or listed. */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <tlhelp32.h>

#include "processes.h"
#include "request.h"

#define MOST_AT_CONSOLE 1000

static int is_in_job(DWORD id, HANDLE job)
{
    HANDLE process = OpenProcess(PROCESS_QUERY_INFORMATION, FALSE, id);
    BOOL inside = FALSE;

    if (!process) return 0;
    if (job && !IsProcessInJob(process, job, &inside)) inside = FALSE;
    CloseHandle(process);
    return inside;
}

/* What a console would call in a process, called there: without one, and for some events, nothing else does. */
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

void give_own_job(HANDLE program, const struct request *request)
{
    WCHAR name[MAX_PATH];
    const WCHAR *file = request->path;
    HANDLE job;

    for (const WCHAR *at = file; *at; at++)
        if (*at == '\\') file = at + 1;
    if (lstrlenW(request->field[JOB]) + lstrlenW(file) > MAX_PATH - 2) return;
    lstrcpyW(name, request->field[JOB]);
    lstrcatW(name, L"_");
    lstrcatW(name, file);
    if ((job = CreateJobObjectW(NULL, name))) AssignProcessToJobObject(job, program); /* it lives as long as its last */
}

int end_job(const struct request *request)
{
    HANDLE job = OpenJobObjectW(JOB_OBJECT_TERMINATE, FALSE, request->field[JOB]);

    if (!job) return GetLastError() == ERROR_FILE_NOT_FOUND ? 0 : 1; /* nothing is left of it */
    return !TerminateJobObject(job, ERROR_PROCESS_ABORTED);
}

static BOOL WINAPI stay(DWORD event)
{
    (void)event;
    return TRUE;
}

/* Wine sends Ctrl-C to one group of processes and takes 0 for the sender's; at a console of Windows all get it. Each
 * group is named after the process that began it. Ctrl-Break ends the processes that Wine sends it to. */
int press_keys(const struct request *request)
{
    DWORD id[MOST_AT_CONSOLE], count;

    SetConsoleCtrlHandler(stay, TRUE); /* it will be our console, too */
    FreeConsole();
    if (!AttachConsole(number(request->field[LINE]))) return 1;
    count = GetConsoleProcessList(id, MOST_AT_CONSOLE);
    if (!count || count > MOST_AT_CONSOLE) return 1;
    while (count--)
        if (!flag(request, 'b')) GenerateConsoleCtrlEvent(CTRL_C_EVENT, id[count]);
        else if (id[count] != GetCurrentProcessId()) control(id[count], CTRL_BREAK_EVENT);
    return 0;
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
