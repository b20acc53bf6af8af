/* SPDX-License-Identifier: Apache-2.0 */
/* find.exe: the lines of files, or of standard input, that have a text in them. Wine's knows no switch.
 *
 * As that of Windows it wants the text in quotation marks ("" in it is one), and answers 0 where a line was found, 1 where
 * none was, 2 for a command that it does not understand. An empty text is in no line. Lines are compared as bytes; where
 * /I is asked of a text that is not ASCII, as letters of the console's code page. A file that begins with the mark of
 * UTF-16 is read as such.
 */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <string.h>

#define PIECE 0x10000 /* bytes that are read and written at once */
#define LONGEST 8192  /* characters of a command line of cmd's, so of a text or a name, too */

static struct {
    int without, count, numbers, any_case, plain; /* plain: the text is ASCII */
    WCHAR wide[LONGEST];
    char bytes[4 * LONGEST];
    int letters, size;
} text;

static char out[PIECE];
static DWORD held;
static ULONGLONG found;

static UINT page(void)
{
    static UINT known;

    if (!known && !(known = GetConsoleOutputCP())) known = GetOEMCP();
    return known;
}

/* --- output */

static void flush(void)
{
    DWORD wrote;

    for (DWORD at = 0; at < held; at += wrote)
        if (!WriteFile(GetStdHandle(STD_OUTPUT_HANDLE), out + at, held - at, &wrote, NULL)) break;
    held = 0;
}

static void put(const char *bytes, DWORD size)
{
    while (size) {
        DWORD part = min(size, PIECE - held);

        memcpy(out + held, bytes, part);
        held += part, bytes += part, size -= part;
        if (held == PIECE) flush();
    }
}

static void put_text(const char *bytes)
{
    put(bytes, lstrlenA(bytes));
}

static void put_number(ULONGLONG number)
{
    char digits[20], *at = digits + sizeof digits;

    do *--at = '0' + number % 10; while (number /= 10);
    put(at, digits + sizeof digits - at);
}

/* As Windows' find shows names: in capitals. */
static const char *shown(const WCHAR *name)
{
    static WCHAR capitals[LONGEST];
    static char bytes[4 * LONGEST];
    UINT of = CP_UTF8;

    if (!LCMapStringW(LOCALE_INVARIANT, LCMAP_UPPERCASE, name, -1, capitals, LONGEST)) return "";
    for (const WCHAR *at = capitals; *at; at++)
        if (*at > 127) of = page();
    return WideCharToMultiByte(of, 0, capitals, -1, bytes, sizeof bytes, NULL, NULL) ? bytes : "";
}

static void complain(const char *what, const char *name)
{
    DWORD wrote;

    flush();
    for (const char *part = what; part; part = part == what ? name : part == name ? "\r\n" : NULL)
        WriteFile(GetStdHandle(STD_ERROR_HANDLE), part, lstrlenA(part), &wrote, NULL);
}

static void misused(const char *why)
{
    complain(why, "");
    ExitProcess(2);
}

/* --- lines */

static char folded(char letter)
{
    return letter >= 'A' && letter <= 'Z' ? letter + 32 : letter;
}

static int has_bytes(const char *line, DWORD size)
{
    for (; size >= (DWORD)text.size; line++, size--) {
        int i = 0;

        while (i < text.size && (line[i] == text.bytes[i]
                                 || (text.any_case && folded(line[i]) == folded(text.bytes[i])))) i++;
        if (i == text.size) return 1;
    }
    return 0;
}

static int has_letters(const char *line, DWORD size)
{
    WCHAR *wide = size ? HeapAlloc(GetProcessHeap(), 0, size * sizeof *wide) : NULL;
    int letters = wide ? MultiByteToWideChar(page(), 0, line, size, wide, size) : 0;
    int there = letters && FindStringOrdinal(FIND_FROMSTART, wide, letters, text.wide, text.letters, TRUE) >= 0;

    if (wide) HeapFree(GetProcessHeap(), 0, wide);
    return there;
}

/* Count a line, and show it where lines are shown. */
static void take(const char *line, DWORD size, ULONGLONG number)
{
    int there;

    if (size && line[size - 1] == '\r') size--;
    there = text.size && (text.any_case && !text.plain ? has_letters(line, size) : has_bytes(line, size));
    if (there == text.without) return;
    found++;
    if (text.count) return;
    if (text.numbers) {
        put("[", 1);
        put_number(number);
        put("]", 1);
    }
    put(line, size);
    put("\r\n", 2);
}

static void take_wide(const WCHAR *line, DWORD letters, ULONGLONG number)
{
    DWORD room = letters * 4 + 1;
    char *bytes = HeapAlloc(GetProcessHeap(), 0, room);

    if (!bytes) return;
    take(bytes, letters ? WideCharToMultiByte(page(), 0, line, letters, bytes, room, NULL, NULL) : 0, number);
    HeapFree(GetProcessHeap(), 0, bytes);
}

/* Where a line ends in these bytes: its size without the end; size where it goes on behind them. */
static DWORD length(const char *from, DWORD size, int wide)
{
    for (DWORD at = 0; at + wide < size; at += 1 + wide)
        if (from[at] == '\n' && !(wide && from[at + 1])) return at;
    return size;
}

static void search(HANDLE file)
{
    DWORD room = PIECE, size = 0, got, seen = 0;
    char *bytes = HeapAlloc(GetProcessHeap(), 0, room), *larger;
    ULONGLONG number = 0;
    int wide = -1;

    while (bytes && ReadFile(file, bytes + size, room - size, &got, NULL) && got) {
        DWORD at = 0;

        size += got;
        if (wide < 0) {
            if (size < 2 && *bytes == '\xff') continue;
            if ((wide = size > 1 && bytes[0] == '\xff' && bytes[1] == '\xfe')) at = 2;
        }
        for (DWORD end; ; at = end + 1 + wide, seen = 0) { /* before at + seen there is no end of the line */
            end = at + seen + length(bytes + at + seen, size - at - seen, wide);
            if (end >= size) break;
            number++;
            if (wide) take_wide((WCHAR *)(bytes + at), (end - at) / 2, number);
            else take(bytes + at, end - at, number);
        }
        size -= at;
        memmove(bytes, bytes + at, size);
        seen = wide ? size & ~1u : size;
        flush(); /* what was found is seen before more is waited for */
        if (size == room) {
            if (!(larger = HeapReAlloc(GetProcessHeap(), 0, bytes, room * 2))) break;
            bytes = larger, room *= 2;
        }
    }
    if (bytes && size) {
        if (wide > 0) take_wide((WCHAR *)bytes, size / 2, number + 1);
        else take(bytes, size, number + 1);
    }
    if (bytes) HeapFree(GetProcessHeap(), 0, bytes);
}

/* --- files */

static void search_file(const WCHAR *name)
{
    ULONGLONG before = found;
    DWORD attributes = GetFileAttributesW(name);
    HANDLE file = CreateFileW(name, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                              OPEN_EXISTING, 0, NULL);

    if (file == INVALID_HANDLE_VALUE) {
        complain(attributes == INVALID_FILE_ATTRIBUTES ? "File not found - " : "Access denied - ", shown(name));
        return;
    }
    put_text("\r\n---------- ");
    put_text(shown(name));
    if (!text.count) put_text("\r\n");
    search(file);
    if (text.count) {
        put_text(": ");
        put_number(found - before);
        put_text("\r\n");
    }
    CloseHandle(file);
}

static void search_files(const WCHAR *name)
{
    static WCHAR one[LONGEST + MAX_PATH];
    WIN32_FIND_DATAW entry;
    HANDLE files;
    int folder = 0, some = 0;

    for (int i = 0; name[i]; i++) {
        some |= name[i] == '*' || name[i] == '?';
        if (name[i] == '\\' || name[i] == '/' || name[i] == ':') folder = i + 1;
    }
    if (!some) {
        search_file(name);
        return;
    }
    some = 0;
    files = FindFirstFileW(name, &entry);
    lstrcpynW(one, name, folder + 1);
    for (BOOL more = files != INVALID_HANDLE_VALUE; more; more = FindNextFileW(files, &entry))
        if (!(entry.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY)) {
            lstrcpyW(one + folder, entry.cFileName);
            search_file(one);
            some = 1;
        }
    if (files != INVALID_HANDLE_VALUE) FindClose(files);
    if (!some) complain("File not found - ", shown(name));
}

/* --- the command line */

static void help(void)
{
    put_text("FIND [/V] [/C] [/N] [/I] [/OFF[LINE]] \"string\" [[drive:][path]filename[ ...]]\r\n\r\n"
             "Shows the lines of files, or of what is piped or typed, that have the string in them.\r\n\r\n"
             "  /V  shows the lines that do not have it.\r\n"
             "  /C  shows how many lines they are, and not the lines.\r\n"
             "  /N  shows the number of each line.\r\n"
             "  /I  takes capitals and small letters for the same.\r\n"
             "  /OFF[LINE]  reads files that are offline, too.\r\n");
    flush();
    ExitProcess(0);
}

static int is_blank(WCHAR letter)
{
    return letter == ' ' || letter == '\t';
}

/* A switch, from behind its slash; the result is where it ends. */
static const WCHAR *take_switch(const WCHAR *at)
{
    WCHAR name[8];
    int length = 0;

    for (; at[length] && !is_blank(at[length]) && at[length] != '/' && at[length] != '"' && length < 7; length++)
        name[length] = at[length];
    name[length] = 0;
    if (!lstrcmpiW(name, L"v")) text.without = 1;
    else if (!lstrcmpiW(name, L"c")) text.count = 1;
    else if (!lstrcmpiW(name, L"n")) text.numbers = 1;
    else if (!lstrcmpiW(name, L"i")) text.any_case = 1;
    else if (!lstrcmpiW(name, L"?")) help();
    else if (lstrcmpiW(name, L"off") && lstrcmpiW(name, L"offline")) misused("FIND: Invalid switch");
    return at + length;
}

/* What stands in quotation marks, from behind the first of them. */
static const WCHAR *take_quoted(const WCHAR *at, WCHAR *to)
{
    for (; *at != '"' || at[1] == '"'; *to++ = *at++) {
        if (!*at) misused("FIND: Parameter format not correct");
        if (*at == '"') at++;
    }
    *to = 0;
    return at + 1;
}

static const WCHAR *take_word(const WCHAR *at, WCHAR *to)
{
    for (int quoted = 0; *at && (quoted || !is_blank(*at)); at++)
        if (*at == '"') quoted = !quoted;
        else *to++ = *at;
    *to = 0;
    return at;
}

static void set_text(void)
{
    text.plain = 1;
    for (text.letters = 0; text.wide[text.letters]; text.letters++)
        if (text.wide[text.letters] > 127) text.plain = 0;
    if (text.letters)
        text.size = WideCharToMultiByte(text.plain ? CP_UTF8 : page(), 0, text.wide, text.letters, text.bytes,
                                        sizeof text.bytes, NULL, NULL);
}

void entry(void)
{
    static WCHAR names[2 * LONGEST], program[LONGEST]; /* names one after the other, each with its 0 */
    const WCHAR *at = GetCommandLineW();
    WCHAR *end = names;
    int given = 0;

    if (lstrlenW(at) >= LONGEST) misused("FIND: Parameter format not correct");
    at = take_word(at, program);
    while (*at) {
        if (is_blank(*at)) at++;
        else if (*at == '/') at = take_switch(at + 1);
        else if (!given && *at != '"') misused("FIND: Parameter format not correct");
        else if (!given) given = 1, at = take_quoted(at + 1, text.wide);
        else {
            at = take_word(at, end);
            end += lstrlenW(end) + 1;
        }
    }
    if (!given) misused("FIND: Parameter format not correct");
    set_text();
    for (WCHAR *name = names; name < end; name += lstrlenW(name) + 1) search_files(name);
    if (end == names) {
        search(GetStdHandle(STD_INPUT_HANDLE));
        if (text.count) {
            put_number(found);
            put("\r\n", 2);
        }
    }
    flush();
    ExitProcess(!found);
}
