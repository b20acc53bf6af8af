/* SPDX-License-Identifier: Apache-2.0 */
/* tar.exe, which Windows has since Server 2019 (libarchive's bsdtar) and Wine lacks: tar, packed by gzip or not, and
 * zip. What it says and the codes it ends with are bsdtar's. */
#include <stdio.h>
#include <stdarg.h>
#include <stdlib.h>
#include <wchar.h>
#include <zlib.h>
#include "tar.h"

struct asked want = {.file = L"\\\\.\\tape0"};
BOOL failed;

int complain(const char *format, ...)
{
    va_list list;

    fflush(stdout);
    fprintf(stderr, "tar: ");
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fprintf(stderr, "\n");
    return -1;
}

void say(FILE *to, const WCHAR *text)
{
    static char bytes[LONGEST_NAME * 4];
    UINT page = GetConsoleOutputCP();

    if (WideCharToMultiByte(page ? page : CP_UTF8, 0, text, -1, bytes, sizeof bytes, NULL, NULL)) fputs(bytes, to);
}

WCHAR *from_bytes(const char *bytes, int length, UINT page, WCHAR *out)
{
    int made = MultiByteToWideChar(page, page == CP_UTF8 ? MB_ERR_INVALID_CHARS : 0, bytes, length, out,
                                   LONGEST_NAME - 1);

    if (!made && length) return NULL;
    out[made] = 0;
    return out;
}

static BOOL is_divider(WCHAR character)
{
    return character == '/' || character == '\\';
}

/* Whether a name is the pattern, or lies below what the pattern names. As bsdtar's, a * goes over slashes. */
static BOOL matches(const WCHAR *pattern, const WCHAR *name)
{
    for (;; pattern++, name++) {
        if (*pattern == '*') {
            while (*pattern == '*') pattern++;
            for (;; name++) {
                if (matches(pattern, name)) return TRUE;
                if (!*name) return FALSE;
            }
        }
        if (!*pattern) return !*name || is_divider(*name);
        if (is_divider(*pattern) && !pattern[1] && !*name) return TRUE;
        if (!*name) return FALSE;
        if (*pattern == '?') continue;
        if (*pattern == '[') {
            const WCHAR *at = pattern + 1;
            BOOL inverted = *at == '!' || *at == '^', inside = FALSE;

            if (inverted) at++;
            for (; *at && *at != ']'; at++) {
                if (at[1] == '-' && at[2] && at[2] != ']') {
                    inside |= *name >= at[0] && *name <= at[2];
                    at += 2;
                } else {
                    inside |= *at == *name;
                }
            }
            if (*at == ']') {
                if (inside == inverted) return FALSE;
                pattern = at;
                continue;
            }
        }
        if (*pattern != *name && !(is_divider(*pattern) && is_divider(*name))) return FALSE;
        if (is_divider(*pattern) && !pattern[1]) return TRUE;
    }
}

BOOL is_match(const WCHAR *pattern, const WCHAR *name, BOOL anchored)
{
    while (pattern[0] == '.' && is_divider(pattern[1]) && pattern[2]) pattern += 2;
    while (name[0] == '.' && is_divider(name[1]) && name[2]) name += 2;
    if (matches(pattern, name)) return TRUE;
    if (anchored) return FALSE;
    for (; *name; name++) if (is_divider(*name) && matches(pattern, name + 1)) return TRUE;
    return FALSE;
}

static BOOL is_wanted(const struct entry *entry)
{
    BOOL wanted = !want.word_count;

    for (int i = 0; i < want.excluded_count; i++) if (is_match(want.excluded[i], entry->name, FALSE)) return FALSE;
    for (int i = 0; i < want.word_count; i++)
        if (is_match(want.words[i].text, entry->name, TRUE)) wanted = want.found[i] = TRUE;
    return wanted;
}

/* One line of -t, with -v as ls -l has it. */
static void show(const struct entry *entry)
{
    static const char *letters = "rwxrwxrwx", *months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char mode[11] = "----------";
    FILETIME local;
    SYSTEMTIME time;

    if (want.verbose) {
        mode[0] = entry->kind == FOLDER ? 'd' : entry->kind == SYMLINK ? 'l' : entry->kind == HARD_LINK ? 'h' : '-';
        for (int i = 0; i < 9; i++) if (entry->mode >> (8 - i) & 1) mode[i + 1] = letters[i];
        FileTimeToLocalFileTime(&entry->modified, &local);
        FileTimeToSystemTime(&local, &time);
        printf("%s  0 0      0 %11llu %.3s %2d  %d ", mode, entry->size, months + 3 * (time.wMonth - 1), time.wDay,
               time.wYear);
    }
    say(stdout, entry->name);
    if (want.verbose && *entry->link) {
        fputs(entry->kind == HARD_LINK ? " link to " : " -> ", stdout);
        say(stdout, entry->link);
    }
    fputs("\n", stdout);
}

static int read_archive(void)
{
    static struct entry entry;
    struct input *input = open_input(want.file);
    struct reader *reader;
    int got;

    if (!input) return 1;
    if (is_zip(input)) {
        HANDLE file = input_file(input);

        reader = file ? zip_reader(file) : NULL;
    } else {
        reader = tar_reader(input);
    }
    if (!reader) return 1;
    if (want.folder && !SetCurrentDirectoryW(want.folder)) {
        fprintf(stderr, "tar: could not chdir to '");
        say(stderr, want.folder);
        fprintf(stderr, "'\n");
        return 1;
    }
    while ((got = reader->next(reader, &entry)) > 0) {
        if (!is_wanted(&entry)) continue;
        if (want.mode == 't') show(&entry);
        else extract(reader, &entry);
    }
    finish_folders();
    for (int i = 0; i < want.word_count; i++) {
        if (want.found[i]) continue;
        fprintf(stderr, "tar: ");
        say(stderr, want.words[i].text);
        fprintf(stderr, ": Not found in archive\n");
        failed = TRUE;
    }
    if (got < 0 || failed) {
        complain("Error exit delayed from previous errors.");
        return 1;
    }
    return 0;
}

static const struct { const WCHAR *name; WCHAR letter; BOOL takes; } WORDS[] = {
    {L"extract", 'x', FALSE}, {L"get", 'x', FALSE}, {L"create", 'c', FALSE}, {L"list", 't', FALSE},
    {L"file", 'f', TRUE}, {L"directory", 'C', TRUE}, {L"cd", 'C', TRUE}, {L"gzip", 'z', FALSE}, {L"gunzip", 'z', FALSE},
    {L"ungzip", 'z', FALSE}, {L"verbose", 'v', FALSE}, {L"strip-components", 1, TRUE}, {L"exclude", 2, TRUE},
    {L"format", 3, TRUE}, {L"auto-compress", 'a', FALSE}, {L"to-stdout", 'O', FALSE}, {L"keep-old-files", 'k', FALSE},
    {L"keep-newer-files", 4, FALSE}, {L"absolute-paths", 'P', FALSE}, {L"touch", 'm', FALSE},
    {L"dereference", 'L', FALSE}, {L"no-same-owner", 'o', FALSE}, {L"no-same-permissions", 5, FALSE},
    {L"same-owner", 5, FALSE}, {L"same-permissions", 'p', FALSE}, {L"preserve-permissions", 'p', FALSE},
    {L"numeric-owner", 5, FALSE}, {L"unlink", 5, FALSE}, {L"unlink-first", 5, FALSE}, {L"fast-read", 'q', FALSE},
    {L"bzip2", 'j', FALSE}, {L"bunzip2", 'j', FALSE}, {L"xz", 'J', FALSE}, {L"zstd", 6, FALSE}, {L"version", 7, FALSE},
    {L"help", 'h', FALSE},
};

static int usage(void)
{
    fprintf(stderr, "Usage:\n  List:    tar -tf <archive-filename>\n  Extract: tar -xf <archive-filename>\n"
            "  Create:  tar -cf <archive-filename> [filenames...]\n  Help:    tar --help\n");
    return 1;
}

static int set_mode(char mode)
{
    if (want.mode && want.mode != mode) return complain("Can't specify both -%c and -%c", want.mode, mode);
    want.mode = mode;
    return 0;
}

static int packer(const char *name)
{
    return complain("%s is not in this sandbox's tar: it has gzip, and reads and writes tar and zip", name);
}

static void add_word(const WCHAR *text, BOOL chdir)
{
    want.words = realloc(want.words, (want.word_count + 1) * sizeof *want.words);
    want.words[want.word_count++] = (struct word){text, chdir};
}

static int set_format(const WCHAR *name)
{
    if (!wcscmp(name, L"zip")) want.format = ZIP;
    else if (!wcscmp(name, L"ustar") || !wcscmp(name, L"pax") || !wcscmp(name, L"posix") || !wcscmp(name, L"restricted")
             || !wcscmp(name, L"paxr") || !wcscmp(name, L"gnutar") || !wcscmp(name, L"tar")) want.format = TAR;
    else return complain("Can't use format %ls: Invalid format", name);
    return 0;
}

/* One option, with its value where it takes one. 0, or -1: told; 1: done, and the program ends well. */
static int option(WCHAR letter, const WCHAR *value)
{
    switch (letter) {
    case 'x': case 't': case 'c': return set_mode((char)letter);
    case 'r': case 'u':
        return complain("-%c is not in this sandbox's tar, which makes, lists and extracts archives", letter);
    case 'f': want.file = value; return 0;
    case 'C':
        want.folder = value;
        add_word(value, TRUE);
        return 0;
    case 'z': want.gzip = TRUE; return 0;
    case 'v': want.verbose = TRUE; return 0;
    case 'a': want.by_suffix = TRUE; return 0;
    case 'O': want.to_stdout = TRUE; return 0;
    case 'k': want.keep_old = TRUE; return 0;
    case 4: want.keep_newer = TRUE; return 0;
    case 'P': want.absolute = TRUE; return 0;
    case 'm': want.now = TRUE; return 0;
    case 'L': case 'H': want.follow = TRUE; return 0;
    case 'o': case 'p': case 'q': case 'U': case 'n': case 'l': case 'S': case 5: return 0;
    case 'j': return packer("bzip2");
    case 'J': return packer("xz");
    case 6: return packer("zstd");
    case 1: want.strip = _wtoi(value); return 0;
    case 2:
        want.excluded = realloc(want.excluded, (want.excluded_count + 1) * sizeof *want.excluded);
        want.excluded[want.excluded_count++] = value;
        return 0;
    case 3: return set_format(value);
    case 7: printf("bsdtar 3.5.2 - wcow zlib/%s\n", zlibVersion()); return 1;
    case 'h': usage(); return 1;
    default:
        complain("Option -%lc is not supported", letter);
        usage();
        return -1;
    }
}

static BOOL takes_value(WCHAR letter)
{
    return letter == 'f' || letter == 'C' || letter == 'b' || letter == 'T' || letter == 'X' || letter == 's';
}

static int long_option(const WCHAR *word, int argc, WCHAR **argv, int *at)
{
    const WCHAR *equals = wcschr(word, '='), *value = equals ? equals + 1 : NULL;
    size_t length = equals ? (size_t)(equals - word) : wcslen(word);

    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++) {
        if (wcslen(WORDS[i].name) != length || wcsncmp(WORDS[i].name, word, length)) continue;
        if (WORDS[i].takes && !value) {
            if (*at + 1 >= argc) return complain("Option --%ls requires an argument", WORDS[i].name);
            value = argv[++*at];
        }
        return option(WORDS[i].letter, value);
    }
    complain("Option --%.*ls is not supported", (int)length, word);
    usage();
    return -1;
}

/* Letters behind a dash, or of the first word without one, whose values are the words that follow. */
static int letters(const WCHAR *word, BOOL dashed, int argc, WCHAR **argv, int *at)
{
    for (; *word; word++) {
        const WCHAR *value = NULL;
        int done;

        if (takes_value(*word)) {
            if (dashed && word[1]) value = word + 1;
            else if (*at + 1 < argc) value = argv[++*at];
            else return complain("Option -%lc requires an argument", *word);
        }
        done = option(*word, value);
        if (done) return done;
        if (value == word + 1) return 0;
    }
    return 0;
}

int wmain(int argc, WCHAR **argv)
{
    BOOL only_words = FALSE;

    for (int at = 1; at < argc; at++) {
        const WCHAR *word = argv[at];
        int done = 0;

        if (only_words || (word[0] == '-' && !word[1])) add_word(word, FALSE);
        else if (!wcscmp(word, L"--")) only_words = TRUE;
        else if (word[0] == '-' && word[1] == '-') done = long_option(word + 2, argc, argv, &at);
        else if (word[0] == '-') done = letters(word + 1, TRUE, argc, argv, &at);
        else if (at == 1) done = letters(word, FALSE, argc, argv, &at);
        else add_word(word, FALSE);
        if (done) return done < 0;
    }
    if (!want.mode) {
        complain("Must specify one of -c, -r, -t, -u, -x");
        return usage();
    }
    if (want.mode == 'c') return create();
    int kept = 0;  /* a folder to go to is no member */
    for (int i = 0; i < want.word_count; i++) if (!want.words[i].chdir) want.words[kept++] = want.words[i];
    want.word_count = kept;
    want.found = calloc(kept + 1, sizeof *want.found);
    return read_archive();
}
