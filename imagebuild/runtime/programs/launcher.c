/* SPDX-License-Identifier: Apache-2.0 */
/* The one program of ours that runs in every box: starts what was asked for, and tells the host what it cannot see.
 *
 *   launcher run FILE        start the command that FILE asks for, pass its exit code on
 *   launcher stop FILE       tell every process of the job that Windows shuts down
 *   launcher list FILE       tell the processes
 *   launcher save FILE       write the registry to the prefix
 *   launcher end FILE        end every process of the job
 *   launcher keys FILE       press Ctrl-C at the console of the program whose number is the command line
 *   launcher pipes FILE      serve named pipes, whose other ends are on the host (relay.c)
 *
 * FILE is \\?\unix\run\N, outside drive C: and made by the host. It is the request: UTF-8, each field ended by a NUL:
 * job, flags, memory in bytes, processors in hundredths, registry folder, working directory, command line, then one
 * NAME=VALUE each. Flags are letters: m main program, t terminal, d there are drives beside C:, p the program runs when
 * the box's pipes are served, b Ctrl-Break, f the registry is forgotten at the end.
 * Into FILE.answer, a FIFO, we write the lines "started PID" or "failed ERROR", then "exit CODE"; Linux would pass on
 * eight bits of it. With a terminal there is FILE.size, a FIFO too, from which we read its size, each time anew: columns
 * and rows, 16 bits each.
 *
 * It links kernel32 and ntdll alone. Every library more is found, mapped and bound anew for each program that starts in
 * a box: the C library and advapi32 are a tenth of the time of "docker exec".
 */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <winternl.h>

#include "console.h"
#include "hives.h"
#include "mounts.h"
#include "processes.h"
#include "relay.h"
#include "request.h"
#include "roots.h"
#include "screen.h"
#include "services.h"

NTSYSAPI NTSTATUS NTAPI NtCreateEvent(HANDLE *event, ACCESS_MASK access, OBJECT_ATTRIBUTES *attributes, int type,
                                      BOOLEAN state);
NTSYSAPI NTSTATUS NTAPI NtGetNextThread(HANDLE process, HANDLE thread, ACCESS_MASK access, ULONG attributes,
                                        ULONG flags, HANDLE *next);

#define BOOT_EVENT L"\\KernelObjects\\__wineboot_event"
#define SHORT 100 /* milliseconds: what is over by then needs no services that start by themselves */
#define IDLE 1000 /* milliseconds until a box counts as one that stays */
#define IN_USE 0x10000 /* bytes of a waiting thread's stack that are taken for used; a few thousand are */

/* Events that live as long as somebody holds them. Without that of the boot every program would boot Windows again. */
static void keep_events(void)
{
    static struct { WCHAR *name; ULONG size; BOOLEAN set; } events[] = {
        {BOOT_EVENT, sizeof BOOT_EVENT, TRUE}, {PAGE_EVENT, sizeof PAGE_EVENT, FALSE}};

    for (unsigned i = 0; i < sizeof events / sizeof *events; i++) {
        UNICODE_STRING text = {events[i].size - sizeof(WCHAR), events[i].size, events[i].name};
        OBJECT_ATTRIBUTES attributes = {.Length = sizeof attributes, .ObjectName = &text, .Attributes = OBJ_OPENIF};
        HANDLE event;

        NtCreateEvent(&event, EVENT_ALL_ACCESS, &attributes, 0, events[i].set);
    }
}

/* Ctrl-C is for the program. A function that says "handled", not (NULL, TRUE), which the program would inherit. */
static BOOL WINAPI ignore_control(DWORD event)
{
    return event == CTRL_C_EVENT || event == CTRL_BREAK_EVENT;
}

static int starts_with(const WCHAR *text, const WCHAR *start)
{
    for (; *start; text++, start++)
        if ((*text | 32) != (*start | 32)) return 0;
    return 1;
}

/* Our environment becomes the program's: what Windows itself gives, without what Wine was started with, then what was
 * asked for. */
static void set_environment(const struct request *request)
{
    static const WCHAR *const OURS[] = {L"WINE", L"LANG=", L"HOME=", L"PWD=", L"USER=", L"LOGNAME=", L"SHLVL=",
                                        L"TERM=", L"_="};
    WCHAR *all = GetEnvironmentStringsW(), name[256];

    for (WCHAR *at = all; at && *at; at += lstrlenW(at) + 1)
        for (unsigned i = 0; i < sizeof OURS / sizeof *OURS; i++)
            if (starts_with(at, OURS[i])) {
                int length = 0;

                for (; at[length] && at[length] != '=' && length < 255; length++) name[length] = at[length];
                name[length] = 0;
                SetEnvironmentVariableW(name, NULL);
                break;
            }
    for (WCHAR *at = request->environment; *at; at += lstrlenW(at) + 1) {
        WCHAR *equals = at + 1; /* a name may begin with one: =C: */

        while (*equals && *equals != '=') equals++;
        if (!*equals) continue;
        *equals = 0;
        SetEnvironmentVariableW(at, equals + 1);
        *equals = '=';
    }
}

/* Only the main program's is made: an exec into a folder that is not there fails, as on Windows. */
static BOOL enter_directory(WCHAR *path, BOOL make)
{
    for (WCHAR *at = path; make && *at; at++)
        if ((*at == '\\' || *at == '/') && at > path && at[-1] != ':') {
            WCHAR kept = *at;

            *at = 0;
            CreateDirectoryW(path, NULL);
            *at = kept;
        }
    if (make) CreateDirectoryW(path, NULL);
    return SetCurrentDirectoryW(path);
}

/* Wine takes a job's numbers and enforces none; they are there for programs that ask. The host enforces them. */
static HANDLE make_job(const struct request *request)
{
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {0};
    JOBOBJECT_CPU_RATE_CONTROL_INFORMATION rate = {0};
    ULONGLONG memory = number(request->field[MEMORY]), cpus = number(request->field[CPUS]);
    SYSTEM_INFO system;
    HANDLE job = CreateJobObjectW(NULL, request->field[JOB]);

    if (!job || !flag(request, 'm')) return job;
    limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
    if (memory) {
        limits.BasicLimitInformation.LimitFlags |= JOB_OBJECT_LIMIT_JOB_MEMORY;
        limits.JobMemoryLimit = memory;
    }
    SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof limits);
    if (cpus) {
        GetSystemInfo(&system);
        rate.ControlFlags = JOB_OBJECT_CPU_RATE_CONTROL_ENABLE | JOB_OBJECT_CPU_RATE_CONTROL_HARD_CAP;
        rate.CpuRate = cpus * 100 / (system.dwNumberOfProcessors ? system.dwNumberOfProcessors : 1);
        SetInformationJobObject(job, JobObjectCpuRateControlInformation, &rate, sizeof rate);
    }
    return job;
}

/* Wine fills 960 KB of every thread's stack with zeros when it begins (signal_start_thread, dlls/ntdll): a megabyte for
 * each of our threads, which only wait. Give back what lies below the part that they may use, in a box that stays. */
static void give_back_stacks(void)
{
    struct { LONG status; NT_TIB *teb; ULONG_PTR others[4]; } basic; /* THREAD_BASIC_INFORMATION */
    HANDLE thread = NULL, next;

    while (!NtGetNextThread(GetCurrentProcess(), thread, THREAD_QUERY_INFORMATION, 0, 0, &next)) {
        if (thread) CloseHandle(thread);
        thread = next;
        if (!NtQueryInformationThread(thread, ThreadBasicInformation, &basic, sizeof basic, NULL)
            && basic.teb) { /* a thread that has not begun has none */
            char *low = basic.teb->StackLimit, *high = (char *)basic.teb->StackBase - IN_USE;

            if (low && low < high) VirtualAlloc(low, high - low, MEM_RESET, PAGE_READWRITE);
        }
    }
    if (thread) CloseHandle(thread);
}

struct feed { HANDLE from, to; };

static DWORD WINAPI feed_blocks(void *arg)
{
    struct feed *feed = arg;
    static char block[65536];
    DWORD got, wrote;

    while (ReadFile(feed->from, block, sizeof block, &got, NULL) && got)
        for (DWORD at = 0; at < got; at += wrote)
            if (!WriteFile(feed->to, block + at, got - at, &wrote, NULL)) goto end;
    FlushFileBuffers(feed->to); /* returns when all of it was read */
end:
    CloseHandle(feed->to);
    return 0;
}

/* Programs want a pipe of Windows as input (libuv reads nothing to learn that something came, and peeks), and what the
 * host gives is one of Linux. Nothing is to be done for output: see base.c. */
static HANDLE feeding(HANDLE input)
{
    static struct feed feed;
    SECURITY_ATTRIBUTES inherit = {sizeof inherit, NULL, TRUE};
    HANDLE reader, writer, thread;
    WCHAR name[] = L"\\\\.\\pipe\\wcow-stdin-00000000";
    DWORD id = GetCurrentProcessId();

    if (GetFileType(input) != FILE_TYPE_PIPE) return input;
    for (int i = lstrlenW(name) - 1; id; id >>= 4) name[i--] = L"0123456789abcdef"[id & 15];
    writer = CreateNamedPipeW(name, PIPE_ACCESS_OUTBOUND, PIPE_TYPE_BYTE, 1, 65536, 65536, 0, NULL);
    if (writer == INVALID_HANDLE_VALUE) return input;
    reader = CreateFileW(name, GENERIC_READ, 0, &inherit, OPEN_EXISTING, 0, NULL);
    if (reader == INVALID_HANDLE_VALUE) return input;
    feed.from = input;
    feed.to = writer;
    if ((thread = CreateThread(NULL, 0, feed_blocks, &feed, 0, NULL))) CloseHandle(thread);
    return reader;
}

static DWORD run(const struct request *request)
{
    STARTUPINFOW startup = {.cb = sizeof startup};
    PROCESS_INFORMATION process;
    HANDLE job, console = NULL, pipes = NULL, waited[5];
    DWORD code = 0, count = 1, mounts = 0, services = 0, roots = 0;
    int saved = flag(request, 'm') && !flag(request, 'f'), automatic;

    keep_events();
    SetConsoleCtrlHandler(ignore_control, TRUE);
    set_environment(request);
    if (!enter_directory(request->field[CWD], flag(request, 'm'))) {
        say("failed ", ERROR_DIRECTORY);
        return 1;
    }
    if (flag(request, 'm') && (waited[count] = hold_roots())) roots = count++;
    if (flag(request, 'm') && (waited[count] = offer_mounts())) mounts = count++;
    if (mounts && flag(request, 'd')) start_mounts();
    if (saved) watch_registry(); /* not before: the mount manager writes keys that are not kept anyway */
    if (flag(request, 'm') && (waited[count] = offer_services())) services = count++;
    if (flag(request, 'p')) pipes = expect_pipes();
    job = make_job(request);
    startup.dwFlags = STARTF_USESTDHANDLES;
    startup.hStdInput = GetStdHandle(STD_INPUT_HANDLE);
    startup.hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE);
    startup.hStdError = GetStdHandle(STD_ERROR_HANDLE);
    if (flag(request, 't')) {
        startup.dwFlags = 0;
        attend_screen(request->path);
    } else {
        startup.hStdInput = feeding(startup.hStdInput);
        if ((console = offer_console())) waited[count++] = console; /* the last: it is not waited for once served */
    }
    if (!CreateProcessW(NULL, request->field[LINE], NULL, NULL, TRUE, CREATE_SUSPENDED, NULL, NULL, &startup,
                        &process)) {
        say("failed ", GetLastError());
        return 1;
    }
    if (job) AssignProcessToJobObject(job, process.hProcess);
    if (!flag(request, 'm')) give_own_job(process.hProcess, request);
    if (!pipes) ResumeThread(process.hThread);
    say("started ", process.dwProcessId);
    if (pipes) {
        await_pipes(pipes);
        ResumeThread(process.hThread);
    }
    if (startup.hStdInput != GetStdHandle(STD_INPUT_HANDLE)) CloseHandle(startup.hStdInput);
    waited[0] = process.hProcess;
    automatic = services != 0;
    for (DWORD idle = automatic ? SHORT : IDLE, event;;) {
        event = WaitForMultipleObjects(count, waited, FALSE, idle);
        if (automatic && event != WAIT_OBJECT_0) {
            automatic = 0;
            idle = IDLE;
            if (has_automatic()) want_services();
            if (event == WAIT_TIMEOUT) continue;
        }
        if (event == WAIT_TIMEOUT) {
            if (roots) fill_roots();
            give_back_stacks(), idle = INFINITE;
        } else if (roots && event == WAIT_OBJECT_0 + roots) fill_roots(), idle = IDLE;
        else if (mounts && event == WAIT_OBJECT_0 + mounts) start_wanted(), idle = IDLE;
        else if (services && event == WAIT_OBJECT_0 + services) start_services(), idle = IDLE;
        else if (console && event == WAIT_OBJECT_0 + count - 1 && count > 1) start_console(console), count--;
        else break;
    }
    if (!flag(request, 'm')) leave_console(console); /* else the box ends with us */
    GetExitCodeProcess(process.hProcess, &code);
    if (saved) save_registry(request->field[REGISTRY], 0);
    say("exit ", code);
    return code;
}

/* The next word of the command line; none of them has a space in it. */
static WCHAR *word(WCHAR **rest)
{
    WCHAR *start = *rest, *end;

    while (*start == ' ') start++;
    for (end = start; *end && *end != ' ';) end++;
    *rest = *end ? end + 1 : end;
    *end = 0;
    return start;
}

static int work(void)
{
    struct request request;
    WCHAR *line = GetCommandLineW(), *verb;

    word(&line);
    verb = word(&line);
    line = word(&line);
    if (!*verb || !*line) return 2;
    if (!read_request(line, &request)) {
        say("failed ", ERROR_INVALID_DATA);
        return 1;
    }
    switch (verb[0] << 8 | verb[1]) {
    case 'r' << 8 | 'u': return run(&request);
    case 's' << 8 | 't': return each_process(&request, 1);
    case 'l' << 8 | 'i': return each_process(&request, 0);
    case 'e' << 8 | 'n': return end_job(&request);
    case 'k' << 8 | 'e': return press_keys(&request);
    case 'p' << 8 | 'i': return relay(&request);
    case 's' << 8 | 'a': return !save_registry(request.field[REGISTRY], 1);
    }
    return 2;
}

void entry(void)
{
    ExitProcess(work());
}
