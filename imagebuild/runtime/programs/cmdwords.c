/* SPDX-License-Identifier: Apache-2.0 */
/* cmd's own words, as Windows' cmd says them (a part of wcowcmd.dll).
 *
 * Wine's cmd has texts of its own. It loads most of them by number and hands all to FormatMessageW. Those that are known
 * from a source that is named here take their places; the others stay Wine's.
 */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <stdarg.h>

#include "cmdwords.h"

#define NOT_FOUND L"'%1' is not recognized as an internal or external command,\noperable program or batch file.\n"
#define SYNTAX L"The syntax of the command is incorrect.\n"
#define FILE_NOT_FOUND L"File Not Found"

/* Wine's number (programs/cmd/wcmd.h) and the text. The sources, as they were read on 2 December 2026:
 * SYNTAX: github.com/dotnet/coreclr/pull/21803
 * 1014: github.com/kkkgo/KMS_VL_ALL/issues/6, where " - " and the label follow, which Wine does not hand on
 * 1021: github.com/bmrf/tron/pull/50
 * 1028, 1036, 1037: the head of "dir", github.com/Ashwanthbala/C2-agent/issues/87
 * 1031: "pause" in Microsoft's "Windows commands"
 * 1033: "ver" in the same
 * 1040: zzz.buzz/2016/12/27/file-not-found-errors-in-cmd-exe
 * 1042: github.com/sergeiown/batch_PDF_compressor/issues/7
 * 1045: "Rules for how CMD.EXE parses numbers", dostips.com/forum
 * 1047: github.com/TechTank/AlwaysActiveHours/issues/12
 * FILE_NOT_FOUND: zzz.buzz/2016/12/27/file-not-found-errors-in-cmd-exe */
static const struct { UINT id; const WCHAR *text; } WORDS[] = {
    {1010, SYNTAX},
    {1011, SYNTAX},
    {1014, L"The system cannot find the batch label specified\n"},
    {1021, L"Invalid attempt to call batch label outside of batch script.\n"},
    {1028, L" Volume Serial Number is %1!04X!-%2!04X!\n\n"},
    {1031, L"Press any key to continue . . . "},
    {1033, L"Microsoft Windows [Version %1!S!]\n"},
    {1036, L" Volume in drive %1!c! is %2\n"},
    {1037, L" Volume in drive %1!c! has no label.\n"},
    {1040, NOT_FOUND},
    {1042, L"Missing operand.\n"},
    {1045, L"Invalid number.  Numeric constants are either decimal (17),\nhexadecimal (0x11), or octal (021).\n"},
    {1047, L"%1 was unexpected at this time.\n"},
};

/* The head and the foot of "dir", which are in Wine's code (programs/cmd/directory.c); the source is that of 1028. */
static const struct { const WCHAR *wines, *text; } FORMATS[] = {
    {L"Directory of %1\n\n", L" Directory of %1\n\n"},
    {L"       1 file %1!25s! bytes\n", L"               1 File(s) %1!14s! bytes\n"},
    {L"%1!8d! files %2!24s! bytes\n", L"%1!16d! File(s) %2!14s! bytes\n"},
    {L"%1!8d! directory         ", L"%1!16d! Dir(s) "},
    {L"%1!8d! directories", L"%1!16d! Dir(s) "},
    {L" %1!18s! bytes free\n\n", L" %1!14s! bytes free\n"},
    {L"\n     Total files listed:\n%1!8d! files%2!25s! bytes\n",
     L"\n     Total Files Listed:\n%1!16d! File(s) %2!14s! bytes\n"},
    {L"%1!8d! directories %2!18s! bytes free\n\n", L"%1!16d! Dir(s)  %2!14s! bytes free\n"},
};

int WINAPI load_text(HINSTANCE module, UINT id, WCHAR *out, int room);

int WINAPI load_text(HINSTANCE module, UINT id, WCHAR *out, int room)
{
    static int (WINAPI *load)(HINSTANCE, UINT, WCHAR *, int);

    for (unsigned i = 0; room > 0 && i < sizeof WORDS / sizeof *WORDS; i++)
        if (WORDS[i].id == id) {
            lstrcpynW(out, WORDS[i].text, room);
            return lstrlenW(out);
        }
    if (!load) load = (void *)GetProcAddress(GetModuleHandleW(L"kernelbase.dll"), "LoadStringW");
    return load(module, id, out, room);
}

/* Whether "dir" has said which folder it lists and nothing since: an error that follows is its own, for which Windows'
 * cmd has a text of its own where Wine's takes the system's. */
static BOOL is_listing;

/* The program that a line begins with, which is all of the line that Windows names. */
static WCHAR *program_of(const WCHAR *line)
{
    WCHAR *name = HeapAlloc(GetProcessHeap(), 0, (lstrlenW(line) + 1) * sizeof *name);
    int quoted = 0, i;

    if (!name) return NULL;
    for (i = 0; line[i] && (quoted || (line[i] != ' ' && line[i] != '\t')); i++) {
        if (line[i] == '"') quoted = !quoted;
        name[i] = line[i];
    }
    name[i] = 0;
    return name;
}

DWORD WINAPI say_as_windows(DWORD flags, const void *source, DWORD id, DWORD language, WCHAR *out, DWORD room,
                            va_list *values)
{
    const WCHAR **value = values && !(flags & FORMAT_MESSAGE_ARGUMENT_ARRAY) ? *(const WCHAR ***)values : NULL;
    const WCHAR *line = NULL;
    WCHAR *name = NULL, root[] = L"C:\\";
    DWORD length;

    if (flags & FORMAT_MESSAGE_FROM_SYSTEM && id == ERROR_FILE_NOT_FOUND && is_listing) {
        flags ^= FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_FROM_STRING;
        source = FILE_NOT_FOUND;
    }
    is_listing = FALSE;
    if (flags & FORMAT_MESSAGE_FROM_STRING)
        for (unsigned i = 0; i < sizeof FORMATS / sizeof *FORMATS; i++)
            if (!lstrcmpW(source, FORMATS[i].wines)) {
                source = FORMATS[i].text;
                is_listing = i == 0;
                break;
            }
    if (flags & FORMAT_MESSAGE_FROM_STRING && value && !lstrcmpW(source, NOT_FOUND) && (name = program_of(line = *value)))
        *value = name;
    if (is_listing && value && lstrlenW(*value) == 2) { /* a drive's first folder, which Windows names with its \ */
        line = *value;
        root[0] = *line;
        *value = root;
    }
    length = FormatMessageW(flags, source, id, language, out, room, values);
    if (flags & FORMAT_MESSAGE_FROM_SYSTEM && flags & FORMAT_MESSAGE_ALLOCATE_BUFFER && length > 2) {
        WCHAR *text = *(WCHAR **)out; /* cmd ends the line a second time, Windows' does not */

        if (text[length - 1] == '\n' && text[length - 2] == '\r') text[length -= 2] = 0;
    }
    if (line) *value = line;
    if (name) HeapFree(GetProcessHeap(), 0, name);
    return length;
}
