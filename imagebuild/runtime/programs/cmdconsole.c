/* SPDX-License-Identifier: Apache-2.0 */
/* What cmd.exe asks its console, answered inside cmd where the answer is known (a part of wcowcmd.dll).
 *
 * For every line that cmd writes into a pipe or a file, it tries WriteConsoleW first and then asks for the console's
 * code page: 350 microseconds, and the first question starts conhost.exe. But a pipe is no console, and ASCII is the
 * same in every code page that a console has. So the functions of OURS take the place of kernel32's in cmd's table of
 * imports.
 *
 * Lines of batch files that are labels come with an @, or cmd would echo them, which Windows' never does.
 *
 * Its input is read line by line here too: cmd takes a whole buffer from a pipe, uses one line and forgets the rest,
 * which Windows' cmd leaves for the next command.
 */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include "cmdconsole.h"
#include "cmdlinks.h"

#define LATER_ASKED 0xFFFFFFFF /* the "code page" that stands for the console's, until a character needs it */

/* The console's code pages; 0: not known. Another program may change them, so what cmd has started or waited for makes
 * them unknown. */
static UINT output_page, input_page;

/* The batch file, opened for its next line; whether the last read was of it. */
static HANDLE batch;
static BOOL is_batch_line;

static UINT WINAPI get_output_page(void)
{
    return LATER_ASKED;
}

static UINT WINAPI get_input_page(void)
{
    return LATER_ASKED;
}

static UINT known_page(UINT *page, UINT (WINAPI *ask)(void))
{
    if (!*page) *page = ask();
    return *page;
}

static int WINAPI to_bytes(UINT page, DWORD flags, const WCHAR *text, int length, char *out, int room,
                           const char *missing, BOOL *missed)
{
    int i;

    if (page != LATER_ASKED) return WideCharToMultiByte(page, flags, text, length, out, room, missing, missed);
    for (i = 0; i < length && i < room && text[i] < 0x80; i++) out[i] = text[i];
    if (i == length) {
        if (missed) *missed = FALSE;
        return length;
    }
    page = known_page(&output_page, GetConsoleOutputCP);
    if (page == CP_UTF8) missing = NULL, missed = NULL; /* WideCharToMultiByte demands it */
    return WideCharToMultiByte(page, flags, text, length, out, room, missing, missed);
}

static int WINAPI to_text(UINT page, DWORD flags, const char *bytes, int length, WCHAR *out, int room)
{
    int i;

    if (page != LATER_ASKED) return MultiByteToWideChar(page, flags, bytes, length, out, room);
    if (is_batch_line) {
        is_batch_line = FALSE;
        for (i = 0; i < length && (bytes[i] == ' ' || bytes[i] == '\t'); i++) ;
        if (i < length && bytes[i] == ':' && length < room) { /* no label is echoed, nor a comment that looks like one */
            *out = '@';
            return 1 + to_text(page, flags, bytes, length, out + 1, room - 1);
        }
    }
    for (i = 0; i < length && i < room && !(bytes[i] & 0x80); i++) out[i] = bytes[i];
    if (i == length) return length;
    return MultiByteToWideChar(known_page(&input_page, GetConsoleCP), flags, bytes, length, out, room);
}

static BOOL may_be_console(HANDLE handle)
{
    if (GetFileType(handle) == FILE_TYPE_CHAR) return TRUE;
    SetLastError(ERROR_INVALID_HANDLE);
    return FALSE;
}

/* A file that "> file" or "< file" means could not be opened, and nothing came after that. As on Windows "cmd /c" then
 * ends with 1; Wine's forgets it. */
static int unopened;
static void (CDECL *end_now)(int);

static void CDECL end_with(int code)
{
    end_now(code ? code : unopened);
}

static BOOL WINAPI write_console(HANDLE handle, const void *text, DWORD length, DWORD *written, void *reserved)
{
    if (handle != GetStdHandle(STD_ERROR_HANDLE)) unopened = 0;
    if (may_be_console(handle)) return WriteConsoleW(handle, text, length, written, reserved);
    if (written) *written = 0;
    return FALSE;
}

static BOOL WINAPI is_console(HANDLE handle)
{
    DWORD mode;

    return may_be_console(handle) && GetConsoleMode(handle, &mode);
}

static BOOL WINAPI create_process(const WCHAR *program, WCHAR *line, SECURITY_ATTRIBUTES *process,
                                  SECURITY_ATTRIBUTES *thread, BOOL inherit, DWORD flags, void *environment,
                                  const WCHAR *directory, STARTUPINFOW *startup, PROCESS_INFORMATION *made)
{
    output_page = input_page = unopened = 0;
    return CreateProcessW(program, line, process, thread, inherit, flags, environment, directory, startup, made);
}

static DWORD WINAPI wait_for(HANDLE handle, DWORD milliseconds)
{
    output_page = input_page = 0;
    return WaitForSingleObject(handle, milliseconds);
}

/* From a pipe no more than one line: what follows it is for the next command. */
static BOOL WINAPI read_file(HANDLE file, void *buffer, DWORD size, DWORD *got, OVERLAPPED *overlapped)
{
    char *at = buffer, *end = at + size;
    DWORD part;

    is_batch_line = batch && file == batch;

    if (overlapped || !got || !size || GetFileType(file) != FILE_TYPE_PIPE)
        return ReadFile(file, buffer, size, got, overlapped);
    *got = 0;
    do {
        DWORD there = 0, wanted = 1;

        /* the first byte is waited for; of what is there already, all that belongs to the line is taken at once */
        if (at > (char *)buffer && PeekNamedPipe(file, at, end - at, &there, NULL, NULL) && there)
            for (wanted = 0; wanted < there && at[wanted++] != '\n';) ;
        if (!ReadFile(file, at, wanted, &part, NULL)) return at > (char *)buffer;
        if (!part) break;
        at += part;
        *got += part;
    } while (at < end && at[-1] != '\n');
    return TRUE;
}

/* Windows' cmd shows what does not go to a console without a stop. Wine's stops after each page ("more", "dir /p"), so
 * such an output has the longest page there is, and where "more" waits for a key after it, an empty input. */
static BOOL WINAPI get_screen(HANDLE handle, CONSOLE_SCREEN_BUFFER_INFO *screen)
{
    if (may_be_console(handle)) return GetConsoleScreenBufferInfo(handle, screen);
    *screen = (CONSOLE_SCREEN_BUFFER_INFO){.dwSize = {80, 0x7FFF}};
    return TRUE;
}

static HANDLE WINAPI create_file(const WCHAR *name, DWORD access, DWORD share, SECURITY_ATTRIBUTES *security,
                                 DWORD how, DWORD flags, HANDLE model)
{
    const DWORD all = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
    HANDLE file;

    if (!lstrcmpW(name, L"CONIN$") && !may_be_console(GetStdHandle(STD_OUTPUT_HANDLE))) name = L"NUL";
    file = CreateFileW(name, access, share, security, how, flags, model);
    unopened = file == INVALID_HANDLE_VALUE && security && security->bInheritHandle;
    batch = access == GENERIC_READ && share == all && how == OPEN_EXISTING && !security ? file : NULL; /* no other is */
    return file;
}

/* Wine's cmd looks for its switches in its own path, too, and takes C:/Windows/System32/cmd.exe, which is how CMake's
 * programs start it, for "/c" and the command md.exe. So the slashes before its name become backslashes. */
static WCHAR *WINAPI command_line(void)
{
    WCHAR *line = GetCommandLineW(), *name = line, end = *line == '"' ? '"' : ' ';

    for (WCHAR *at = line + (end == '"'); *at && *at != end && *at != '\t'; at++)
        if ((at[0] | 32) == 'c' && (at[1] | 32) == 'm' && (at[2] | 32) == 'd'
            && (at == line || at[-1] == '"' || at[-1] == '/' || at[-1] == '\\')) {
            name = at;
            break;
        }
    for (WCHAR *at = line; at < name; at++)
        if (*at == '/') *at = '\\';
    return line;
}

static const struct { const char *name; void *function; } OURS[] = {
    {"CreateFileW", create_file}, {"CreateProcessW", create_process}, {"FindFirstFileW", find_first},
    {"FormatMessageW", format_message}, {"GetCommandLineW", command_line}, {"GetConsoleCP", get_input_page},
    {"GetConsoleOutputCP", get_output_page}, {"GetConsoleScreenBufferInfo", get_screen},
    {"GetOEMCP", get_input_page}, /* for batch files, which Windows' cmd reads in the console's code page too */
    {"MultiByteToWideChar", to_text}, {"ReadFile", read_file}, {"VerifyConsoleIoHandle", is_console},
    {"WaitForSingleObject", wait_for}, {"WideCharToMultiByte", to_bytes}, {"WriteConsoleW", write_console},
    {"exit", end_with},
};

static void *ours(const char *name)
{
    for (unsigned i = 0; i < sizeof OURS / sizeof *OURS; i++)
        if (!lstrcmpA(OURS[i].name, name)) return OURS[i].function;
    return NULL;
}

/* A table of imports is one of names and, beside it, one of addresses, which the loader has filled and closed. */
void answer_for_console(void)
{
    char *base = (char *)GetModuleHandleW(NULL);
    IMAGE_NT_HEADERS64 *header = (IMAGE_NT_HEADERS64 *)(base + ((IMAGE_DOS_HEADER *)base)->e_lfanew);
    DWORD at = header->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_IMPORT].VirtualAddress, kept;
    IMAGE_IMPORT_DESCRIPTOR *library = (IMAGE_IMPORT_DESCRIPTOR *)(base + at);

    for (; at && library->Name; library++) {
        ULONGLONG *name = (ULONGLONG *)(base + library->OriginalFirstThunk);
        void **address = (void **)(base + library->FirstThunk), *function;
        SIZE_T size = 0;

        if (lstrcmpiA(base + library->Name, "kernel32.dll") && lstrcmpiA(base + library->Name, "ucrtbase.dll")) continue;
        while (name[size]) size++;
        if (!VirtualProtect(address, size * sizeof *address, PAGE_READWRITE, &kept)) return;
        for (SIZE_T i = 0; i < size; i++)
            if (!(name[i] >> 63) && (function = ours(base + name[i] + 2))) {
                if (function == end_with) end_now = address[i];
                address[i] = function;
            }
        VirtualProtect(address, size * sizeof *address, kept, &kept);
    }
}
