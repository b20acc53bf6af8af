/* SPDX-License-Identifier: Apache-2.0 */
/* Consoles: control sequences in what a program writes, and code pages (a part of wcowbase.dll).
 *
 * Wine's conhost.exe takes ENABLE_VIRTUAL_TERMINAL_PROCESSING and then writes each sequence letter by letter into its
 * cells: its cursor is no longer where the terminal's is. So the mode is refused, as by a Windows before 10, and
 * programs that asked for it (PSReadLine, PowerShell, libuv, docker.exe, Rust's) use the console's own functions, which
 * conhost draws on the terminal in its colours.
 *
 * .NET asks for the code pages before it writes its first letter, and the first question starts conhost.exe, for which
 * the program waits. Every console begins with the machine's, so that is the answer as long as no program of the box
 * has set another: then an event is set that launcher.exe holds.
 */
#include "base.h"

#include "console.h"

#define SEQUENCES 4 /* ENABLE_VIRTUAL_TERMINAL_PROCESSING of a screen; ENABLE_ECHO_INPUT of an input */
#define BAD_HANDLE ((NTSTATUS)0xC0000008)

/* include/wine/condrv.h: IOCTL_CONDRV_SET_MODE, _SET_OUTPUT_INFO, _GET_INPUT_INFO, _SET_INPUT_INFO. */
enum { SET_MODE = 0x508004, SET_OUTPUT_INFO = 0x50808C, GET_PAGES = 0x50403C, SET_PAGES = 0x508040 };

NTSYSAPI NTSTATUS NTAPI NtDeviceIoControlFile(HANDLE, HANDLE, PIO_APC_ROUTINE, void *, IO_STATUS_BLOCK *, ULONG, void *,
                                              ULONG, void *, ULONG);
NTSYSAPI NTSTATUS NTAPI NtOpenEvent(HANDLE *, ACCESS_MASK, const OBJECT_ATTRIBUTES *);
NTSYSAPI NTSTATUS NTAPI NtQueryEvent(HANDLE, int, void *, ULONG, ULONG *);
NTSYSAPI NTSTATUS NTAPI NtSetEvent(HANDLE, LONG *);
NTSYSAPI PEB *NTAPI RtlGetCurrentPeb(void);

static NTSTATUS ask(HANDLE console, ULONG code, void *in, ULONG size, void *out, ULONG room)
{
    IO_STATUS_BLOCK done;

    return NtDeviceIoControlFile(console, NULL, NULL, NULL, &done, code, in, size, out, room);
}

static BOOL told(NTSTATUS status)
{
    if (status) RtlSetLastWin32ErrorAndNtStatusFromNtStatus(status == INVALID ? status : BAD_HANDLE);
    return !status;
}

/* A screen knows the question and misses its parameters; an input does not know it. */
static int is_screen(HANDLE console)
{
    return ask(console, SET_OUTPUT_INFO, NULL, 0, NULL, 0) == INVALID;
}

BOOL WINAPI SetConsoleMode(HANDLE console, DWORD mode)
{
    return told(mode & SEQUENCES && is_screen(console) ? INVALID : ask(console, SET_MODE, &mode, sizeof mode, NULL, 0));
}

static HANDLE own_console(void)
{
    return RtlGetCurrentPeb()->ProcessParameters->CONSOLE_HANDLE;
}

/* The event that is set once a code page is another; NULL: there is none. It stays open: it is asked for again. */
static HANDLE page_event(void)
{
    static WCHAR text[] = PAGE_EVENT;
    static HANDLE event;
    UNICODE_STRING name = {sizeof text - sizeof *text, sizeof text, text};
    OBJECT_ATTRIBUTES attr = {.Length = sizeof attr, .ObjectName = &name};

    if (!event) NtOpenEvent(&event, EVENT_ALL_ACCESS, &attr);
    return event;
}

/* The machine's code page for consoles, if each console has it still; else 0. */
static UINT first_page(void)
{
    const USHORT *table = ((void **)RtlGetCurrentPeb())[OEM_TABLE]; /* its second number is the page's */
    struct { int kind; LONG set; } state;

    if (!own_console() || !table || !page_event()) return 0;
    return NtQueryEvent(page_event(), 0, &state, sizeof state, NULL) || state.set ? 0 : table[1];
}

static UINT page(int output)
{
    UINT first = first_page(), pages[2];

    if (first) return first;
    return told(ask(own_console(), GET_PAGES, NULL, 0, pages, sizeof pages)) ? pages[output] : 0;
}

static BOOL set_page(UINT page, int output)
{
    UINT changes[3] = {output ? 2 : 1, output ? 0 : page, output ? page : 0}; /* which, input's, output's */

    if (page_event()) NtSetEvent(page_event(), NULL);
    return told(ask(own_console(), SET_PAGES, changes, sizeof changes, NULL, 0));
}

UINT WINAPI GetConsoleCP(void)
{
    return page(0);
}

UINT WINAPI GetConsoleOutputCP(void)
{
    return page(1);
}

BOOL WINAPI SetConsoleCP(UINT wanted)
{
    return set_page(wanted, 0);
}

BOOL WINAPI SetConsoleOutputCP(UINT wanted)
{
    return set_page(wanted, 1);
}
