/* SPDX-License-Identifier: Apache-2.0 */
/* sftp-server.exe: files of a stand-in host for clients of ssh, by SFTP 3 on the standard streams
 * (draft-ietf-secsh-filexfer-02, which OpenSSH speaks, with three of its extensions).
 *
 * It runs on the host, as OpenSSH for Windows has it: names, links, attributes and errors are Windows' own, and a file
 * that the host cannot reach, ssh does not reach either. A path is /C:/folder/file, C:/folder/file or C:\folder\file;
 * one without a drive is of the folder in which the program was started; / holds the drive.
 */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define MOST 0x42000      /* bytes of a message: OpenSSH's SFTP_MAX_MSG_LENGTH is 256 KiB and a head */
#define PIECE 0x40000     /* bytes that one read gives */
#define OPENED 128
#define ENTRIES 100       /* of a folder in one answer */
#define LONGEST 32768
#define UNIX_EPOCH 116444736000000000ULL

enum { INIT = 1, VERSION, OPEN, CLOSE, READ, WRITE, LSTAT, FSTAT, SETSTAT, FSETSTAT, OPENDIR, READDIR, REMOVE, MKDIR,
       RMDIR, REALPATH, STAT, RENAME, READLINK, SYMLINK, STATUS = 101, HANDLE_IS, DATA, NAME, ATTRS, EXTENDED = 200 };
enum { OK, END, NO_FILE, DENIED, FAILURE, BAD_MESSAGE, UNSUPPORTED = 8 };
enum { HAS_SIZE = 1, HAS_OWNER = 2, HAS_MODE = 4, HAS_TIMES = 8, HAS_MORE = (int)0x80000000 };
enum { FOR_READ = 1, FOR_WRITE = 2, FOR_APPEND = 4, CREATE = 8, TRUNCATE = 16, EXCLUSIVE = 32 };

struct attributes { DWORD flags, mode, accessed, modified; ULONGLONG size; };
struct opened { int used, append, root; HANDLE file, search; WIN32_FIND_DATAW next; };

static unsigned char in[MOST], out[MOST];
static DWORD at, length, used;
static int broken;              /* the message ended before what it must hold */
static struct opened opened[OPENED];
static WCHAR first[LONGEST], second[LONGEST];

/* --- numbers and texts of a message --- */

static DWORD number(void)
{
    if (length - at < 4) return broken = 1, 0;
    at += 4;
    return (DWORD)in[at - 4] << 24 | in[at - 3] << 16 | in[at - 2] << 8 | in[at - 1];
}

static ULONGLONG big(void)
{
    ULONGLONG high = number();

    return high << 32 | number();
}

static unsigned char *text(DWORD *size)
{
    *size = number();
    if (*size > length - at) return *size = 0, broken = 1, in;
    at += *size;
    return in + at - *size;
}

static void put(DWORD value)
{
    for (int shift = 24; shift >= 0; shift -= 8) out[used++] = (unsigned char)(value >> shift);
}

static void put_big(ULONGLONG value)
{
    put((DWORD)(value >> 32));
    put((DWORD)value);
}

static void put_text(const void *bytes, DWORD size)
{
    put(size);
    memcpy(out + used, bytes, size);
    used += size;
}

static void begin(int kind, DWORD request)
{
    used = 4;
    out[used++] = (unsigned char)kind;
    put(request);
}

static void status(DWORD request, int code, const char *words)
{
    begin(STATUS, request);
    put(code);
    put_text(words, (DWORD)strlen(words));
    put_text("", 0);
}

static void failed(DWORD request, DWORD error)
{
    WCHAR words[512];
    char narrow[1536];
    DWORD size = FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL, error, 0, words, 512,
                                NULL);

    while (size && (words[size - 1] == '\n' || words[size - 1] == '\r')) size--;
    narrow[WideCharToMultiByte(CP_UTF8, 0, words, size, narrow, sizeof narrow - 1, NULL, NULL)] = 0;
    status(request, error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND || error == ERROR_INVALID_NAME
           ? NO_FILE : error == ERROR_ACCESS_DENIED || error == ERROR_SHARING_VIOLATION ? DENIED
           : error == ERROR_HANDLE_EOF || error == ERROR_NO_MORE_FILES ? END : FAILURE, narrow);
}

static void done(DWORD request, BOOL well)
{
    if (well) status(request, OK, "");
    else failed(request, GetLastError());
}

/* --- paths --- */

/* A path of a message as Windows has it; 0 when it is none. The root is an empty one. */
static int path(WCHAR *into)
{
    DWORD size;
    unsigned char *bytes = text(&size);
    WCHAR *start = into;
    int count = size && !memchr(bytes, 0, size)
        ? MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, (char *)bytes, size, into, LONGEST - 3) : 0;

    into[count] = 0;
    if (broken || (size && !count)) return 0;
    for (WCHAR *one = into; *one; one++)
        if (*one == '/') *one = '\\';
    if (*start == '\\' && (!start[1] || !wcscmp(start + 1, L"..") || !wcscmp(start + 1, L"."))) return *into = 0, 1;
    if (start[0] == '\\' && start[1] && start[2] == ':') start++;
    memmove(into, start, (wcslen(start) + 1) * sizeof *into);
    if (!*into) wcscpy(into, L".");
    if (into[1] == ':' && !into[2]) wcscat(into, L"\\");
    return 1;
}

/* The same as clients see it: /C:/folder. */
static DWORD shown(const WCHAR *from, char *into, DWORD room)
{
    DWORD size = WideCharToMultiByte(CP_UTF8, 0, from, -1, into + 1, room - 1, NULL, NULL);

    into[0] = '/';
    for (char *one = into; *one; one++)
        if (*one == '\\') *one = '/';
    return size; /* the slash for the NUL */
}

/* --- attributes --- */

static DWORD seconds(FILETIME time)
{
    ULONGLONG ticks = (ULONGLONG)time.dwHighDateTime << 32 | time.dwLowDateTime;

    return ticks < UNIX_EPOCH ? 0 : (DWORD)((ticks - UNIX_EPOCH) / 10000000);
}

static FILETIME time_of(DWORD when)
{
    ULONGLONG ticks = when * 10000000ULL + UNIX_EPOCH;

    return (FILETIME){(DWORD)ticks, (DWORD)(ticks >> 32)};
}

static DWORD mode_of(DWORD attributes, int follow)
{
    DWORD rights = attributes & FILE_ATTRIBUTE_READONLY && !(attributes & FILE_ATTRIBUTE_DIRECTORY) ? 0444 : 0666;

    if (!follow && attributes & FILE_ATTRIBUTE_REPARSE_POINT) return 0120777;
    return attributes & FILE_ATTRIBUTE_DIRECTORY ? 040777 : 0100000 | rights;
}

static void put_attributes(DWORD mode, ULONGLONG size, FILETIME accessed, FILETIME modified)
{
    put(HAS_SIZE | HAS_OWNER | HAS_MODE | HAS_TIMES);
    put_big(size);
    put(0);
    put(0);
    put(mode);
    put(seconds(accessed));
    put(seconds(modified));
}

static struct attributes attributes(void)
{
    struct attributes got = {.flags = number()};
    DWORD count, size;

    if (got.flags & HAS_SIZE) got.size = big();
    if (got.flags & HAS_OWNER) number(), number();
    if (got.flags & HAS_MODE) got.mode = number();
    if (got.flags & HAS_TIMES) got.accessed = number(), got.modified = number();
    if (got.flags & HAS_MORE)
        for (count = number(); count && !broken; count--) text(&size), text(&size);
    return got;
}

static int tell(DWORD request, HANDLE file, int follow)
{
    BY_HANDLE_FILE_INFORMATION found;

    if (!GetFileInformationByHandle(file, &found)) return 0;
    begin(ATTRS, request);
    put_attributes(mode_of(found.dwFileAttributes, follow), (ULONGLONG)found.nFileSizeHigh << 32 | found.nFileSizeLow,
                   found.ftLastAccessTime, found.ftLastWriteTime);
    return 1;
}

static HANDLE look(const WCHAR *name, DWORD access, int follow)
{
    return CreateFileW(name, access, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, OPEN_EXISTING,
                       FILE_FLAG_BACKUP_SEMANTICS | (follow ? 0 : FILE_FLAG_OPEN_REPARSE_POINT), NULL);
}

static void stat_path(DWORD request, int follow)
{
    HANDLE file;

    if (!path(first)) return status(request, NO_FILE, "The path is not UTF-8.");
    if (!*first) {
        begin(ATTRS, request);
        return put_attributes(040555, 0, (FILETIME){0, 0}, (FILETIME){0, 0});
    }
    file = look(first, FILE_READ_ATTRIBUTES, follow);
    if (file == INVALID_HANDLE_VALUE || !tell(request, file, follow)) failed(request, GetLastError());
    if (file != INVALID_HANDLE_VALUE) CloseHandle(file);
}

/* What a client wishes of a file: times and size through its handle, being read-only by name. */
static BOOL change(HANDLE file, struct attributes wanted)
{
    LARGE_INTEGER size = {.QuadPart = (LONGLONG)wanted.size};
    FILETIME accessed = time_of(wanted.accessed), modified = time_of(wanted.modified);

    if (wanted.flags & HAS_SIZE && (!SetFilePointerEx(file, size, NULL, FILE_BEGIN) || !SetEndOfFile(file))) return 0;
    return !(wanted.flags & HAS_TIMES) || SetFileTime(file, NULL, &accessed, &modified);
}

static BOOL change_mode(const WCHAR *name, DWORD mode)
{
    DWORD now = GetFileAttributesW(name), then;

    if (now == INVALID_FILE_ATTRIBUTES) return 0;
    if (now & FILE_ATTRIBUTE_DIRECTORY) return 1; /* a folder's read-only bit says something else */
    then = mode & 0200 ? now & ~(DWORD)FILE_ATTRIBUTE_READONLY : now | FILE_ATTRIBUTE_READONLY;
    return then == now || SetFileAttributesW(name, then);
}

static void set_path(DWORD request)
{
    int named = path(first);
    struct attributes wanted = attributes();
    DWORD access = FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES | (wanted.flags & HAS_SIZE ? GENERIC_WRITE : 0);
    HANDLE file;
    BOOL well = 1;

    if (!named || !*first) return status(request, named ? DENIED : NO_FILE, "");
    if (wanted.flags & (HAS_SIZE | HAS_TIMES)) {
        file = look(first, access, 1);
        well = file != INVALID_HANDLE_VALUE && change(file, wanted);
        if (file != INVALID_HANDLE_VALUE) {
            DWORD error = GetLastError();

            CloseHandle(file);
            SetLastError(error);
        }
    }
    done(request, well && (!(wanted.flags & HAS_MODE) || change_mode(first, wanted.mode)));
}

/* --- what is open --- */

static struct opened *find(void)
{
    DWORD size, which;
    unsigned char *bytes = text(&size);

    if (broken || size != 4) return NULL;
    memcpy(&which, bytes, 4);
    return which < OPENED && opened[which].used ? opened + which : NULL;
}

static struct opened *keep(DWORD request)
{
    for (DWORD i = 0; i < OPENED; i++)
        if (!opened[i].used) {
            memset(opened + i, 0, sizeof *opened);
            opened[i].used = 1;
            opened[i].file = opened[i].search = INVALID_HANDLE_VALUE;
            begin(HANDLE_IS, request);
            put_text(&i, 4);
            return opened + i;
        }
    status(request, FAILURE, "Too many files are open.");
    return NULL;
}

static void open_file(DWORD request)
{
    int named = path(first);
    DWORD wanted = number(), how;
    struct attributes given = attributes();
    HANDLE file;
    struct opened *one;

    if (!named || !*first) return status(request, named ? DENIED : NO_FILE, "");
    how = !(wanted & CREATE) ? wanted & TRUNCATE ? TRUNCATE_EXISTING : OPEN_EXISTING
        : wanted & EXCLUSIVE ? CREATE_NEW : wanted & TRUNCATE ? CREATE_ALWAYS : OPEN_ALWAYS;
    file = CreateFileW(first, (wanted & FOR_READ ? GENERIC_READ : 0)
                       | (wanted & (FOR_WRITE | FOR_APPEND) ? GENERIC_WRITE : 0) | FILE_WRITE_ATTRIBUTES,
                       FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, how, FILE_ATTRIBUTE_NORMAL, NULL);
    if (file == INVALID_HANDLE_VALUE && !(wanted & (FOR_WRITE | FOR_APPEND))) /* a read-only file has no such right */
        file = CreateFileW(first, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, how,
                           FILE_ATTRIBUTE_NORMAL, NULL);
    if (file == INVALID_HANDLE_VALUE) return failed(request, GetLastError());
    given.flags &= ~(DWORD)HAS_SIZE; /* what a client tells of its own file */
    change(file, given);
    if (!(one = keep(request))) CloseHandle(file);
    else one->file = file, one->append = !!(wanted & FOR_APPEND);
}

static void open_folder(DWORD request)
{
    HANDLE search = INVALID_HANDLE_VALUE;
    WIN32_FIND_DATAW entry;
    struct opened *one;

    if (!path(first)) return status(request, NO_FILE, "");
    if (*first) {
        wcscat(first, first[wcslen(first) - 1] == '\\' ? L"*" : L"\\*");
        search = FindFirstFileW(first, &entry);
        if (search == INVALID_HANDLE_VALUE) return failed(request, GetLastError());
    }
    if (!(one = keep(request))) {
        if (search != INVALID_HANDLE_VALUE) FindClose(search);
        return;
    }
    one->search = search;
    if (*first) one->next = entry;
    else {
        one->root = 1;
        wcscpy(one->next.cFileName, L"C:");
        one->next.dwFileAttributes = FILE_ATTRIBUTE_DIRECTORY;
    }
}

static void put_entry(const WIN32_FIND_DATAW *entry)
{
    static const char *const months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    ULONGLONG size = (ULONGLONG)entry->nFileSizeHigh << 32 | entry->nFileSizeLow;
    DWORD mode = mode_of(entry->dwFileAttributes, 0);
    char name[3 * MAX_PATH + 1], line[4 * MAX_PATH];
    SYSTEMTIME when;

    WideCharToMultiByte(CP_UTF8, 0, entry->cFileName, -1, name, sizeof name, NULL, NULL);
    FileTimeToSystemTime(&entry->ftLastWriteTime, &when);
    snprintf(line, sizeof line, "%c%s    1 0        0        %10llu %.3s %2u  %4u %s",
             (mode & 0170000) == 040000 ? 'd' : (mode & 0170000) == 0120000 ? 'l' : '-',
             mode & 0200 ? mode & 0100 ? "rwxrwxrwx" : "rw-rw-rw-" : "r--r--r--", size,
             months + 3 * (when.wMonth >= 1 && when.wMonth <= 12 ? when.wMonth - 1 : 0), when.wDay, when.wYear, name);
    put_text(name, (DWORD)strlen(name));
    put_text(line, (DWORD)strlen(line));
    put_attributes(mode, size, entry->ftLastAccessTime, entry->ftLastWriteTime);
}

static void read_folder(DWORD request)
{
    struct opened *one = find();
    DWORD count = 0;

    if (!one || (one->search == INVALID_HANDLE_VALUE && !one->root)) return status(request, FAILURE, "Not a folder.");
    begin(NAME, request);
    put(0);
    while (count < ENTRIES && *one->next.cFileName) {
        put_entry(&one->next);
        count++;
        if (one->root || !FindNextFileW(one->search, &one->next)) *one->next.cFileName = 0;
    }
    if (!count) return status(request, END, "");
    for (int i = 0; i < 4; i++) out[9 + i] = (unsigned char)(count >> (24 - 8 * i));
}

static void read_file(DWORD request)
{
    struct opened *one = find();
    ULONGLONG where = big();
    DWORD size = number(), got = 0;
    OVERLAPPED place = {.Offset = (DWORD)where, .OffsetHigh = (DWORD)(where >> 32)};

    if (!one || one->file == INVALID_HANDLE_VALUE) return status(request, FAILURE, "Not a file.");
    begin(DATA, request);
    if (!ReadFile(one->file, out + used + 4, size < PIECE ? size : PIECE, &got, &place)) {
        return failed(request, GetLastError());
    }
    if (!got) return status(request, END, "");
    put(got);
    used += got;
}

static void write_file(DWORD request)
{
    struct opened *one = find();
    ULONGLONG where = big();
    DWORD size, wrote = 0;
    unsigned char *bytes = text(&size);
    OVERLAPPED place = {.Offset = (DWORD)where, .OffsetHigh = (DWORD)(where >> 32)};

    if (!one || one->file == INVALID_HANDLE_VALUE) return status(request, FAILURE, "Not a file.");
    if (one->append) place.Offset = place.OffsetHigh = 0xFFFFFFFF;
    done(request, WriteFile(one->file, bytes, size, &wrote, &place) && wrote == size);
}

static void close_opened(DWORD request)
{
    struct opened *one = find();

    if (!one) return status(request, FAILURE, "Nothing is open by this handle.");
    if (one->file != INVALID_HANDLE_VALUE) CloseHandle(one->file);
    if (one->search != INVALID_HANDLE_VALUE) FindClose(one->search);
    one->used = 0;
    status(request, OK, "");
}

/* --- names --- */

static void real_path(DWORD request)
{
    static char name[3 * LONGEST + 2];
    DWORD size = 1;

    if (!path(first)) return status(request, NO_FILE, "");
    strcpy(name, "/");
    if (*first) {
        if (!GetFullPathNameW(first, LONGEST, second, NULL)) return failed(request, GetLastError());
        if (wcslen(second) > 3 && second[wcslen(second) - 1] == '\\') second[wcslen(second) - 1] = 0;
        size = shown(second, name, sizeof name);
    }
    begin(NAME, request);
    put(1);
    put_text(name, size);
    put_text(name, size);
    put(0);
}

static void read_link(DWORD request)
{
    static char name[3 * LONGEST + 2];
    HANDLE file;
    DWORD got = 0, size;
    WCHAR *start = second;

    if (!path(first) || !*first) return status(request, NO_FILE, "");
    if (!(GetFileAttributesW(first) & FILE_ATTRIBUTE_REPARSE_POINT)) return status(request, FAILURE, "Not a link.");
    file = look(first, FILE_READ_ATTRIBUTES, 1);
    if (file != INVALID_HANDLE_VALUE) got = GetFinalPathNameByHandleW(file, second, LONGEST, VOLUME_NAME_DOS);
    if (!got || got >= LONGEST) failed(request, GetLastError());
    else {
        if (!wcsncmp(start, L"\\\\?\\", 4)) start += 4;
        size = shown(start, name, sizeof name);
        begin(NAME, request);
        put(1);
        put_text(name, size);
        put_text(name, size);
        put(0);
    }
    if (file != INVALID_HANDLE_VALUE) CloseHandle(file);
}

static void rename_path(DWORD request, DWORD how)
{
    if (!path(first) || !path(second) || !*first || !*second) return status(request, NO_FILE, "");
    done(request, MoveFileExW(first, second, how | MOVEFILE_COPY_ALLOWED));
}

static void extended(DWORD request)
{
    DWORD size;
    char *name = (char *)text(&size);

    if (size == 24 && !memcmp(name, "posix-rename@openssh.com", 24)) return rename_path(request, MOVEFILE_REPLACE_EXISTING);
    if (size == 20 && !memcmp(name, "hardlink@openssh.com", 20)) {
        if (!path(first) || !path(second) || !*first || !*second) return status(request, NO_FILE, "");
        return done(request, CreateHardLinkW(second, first, NULL));
    }
    if (size == 17 && !memcmp(name, "fsync@openssh.com", 17)) {
        struct opened *one = find();

        if (!one || one->file == INVALID_HANDLE_VALUE) return status(request, FAILURE, "Not a file.");
        return done(request, FlushFileBuffers(one->file));
    }
    status(request, UNSUPPORTED, "Unknown extension.");
}

/* --- messages --- */

static void greet(void)
{
    static const char *const offered[] = {"posix-rename@openssh.com", "1", "hardlink@openssh.com", "1",
                                          "fsync@openssh.com", "1"};

    used = 4;
    out[used++] = VERSION;
    put(3);
    for (unsigned i = 0; i < sizeof offered / sizeof *offered; i++) put_text(offered[i], (DWORD)strlen(offered[i]));
}

static void answer(int kind, DWORD request)
{
    struct opened *one;
    struct attributes wanted;

    switch (kind) {
    case OPEN: return open_file(request);
    case CLOSE: return close_opened(request);
    case READ: return read_file(request);
    case WRITE: return write_file(request);
    case LSTAT: return stat_path(request, 0);
    case STAT: return stat_path(request, 1);
    case FSTAT:
        one = find();
        if (!one || one->file == INVALID_HANDLE_VALUE) return status(request, FAILURE, "Not a file.");
        if (!tell(request, one->file, 1)) failed(request, GetLastError());
        return;
    case SETSTAT: return set_path(request);
    case FSETSTAT:
        one = find();
        wanted = attributes();
        if (!one || one->file == INVALID_HANDLE_VALUE) return status(request, FAILURE, "Not a file.");
        return done(request, change(one->file, wanted));
    case OPENDIR: return open_folder(request);
    case READDIR: return read_folder(request);
    case REMOVE: return path(first) && *first ? done(request, DeleteFileW(first)) : status(request, NO_FILE, "");
    case MKDIR:
        return path(first) && *first ? done(request, CreateDirectoryW(first, NULL)) : status(request, NO_FILE, "");
    case RMDIR:
        return path(first) && *first ? done(request, RemoveDirectoryW(first)) : status(request, NO_FILE, "");
    case REALPATH: return real_path(request);
    case RENAME: return rename_path(request, 0);
    case READLINK: return read_link(request);
    case EXTENDED: return extended(request);
    }
    status(request, UNSUPPORTED, "Unknown message.");
}

static int transfer(int write, unsigned char *bytes, DWORD size)
{
    HANDLE stream = GetStdHandle(write ? STD_OUTPUT_HANDLE : STD_INPUT_HANDLE);

    for (DWORD part = 0; size; bytes += part, size -= part)
        if (!(write ? WriteFile(stream, bytes, size, &part, NULL) : ReadFile(stream, bytes, size, &part, NULL)) || !part)
            return 0;
    return 1;
}

int wmain(void)
{
    unsigned char head[4];
    int kind;

    while (transfer(0, head, 4)) {
        length = (DWORD)head[0] << 24 | head[1] << 16 | head[2] << 8 | head[3];
        if (!length || length > MOST || !transfer(0, in, length)) return 1;
        at = 1, broken = 0, kind = in[0];
        if (kind == INIT) greet();
        else {
            DWORD request = number();

            answer(kind, request);
            if (broken) status(request, BAD_MESSAGE, "The message ends too early.");
        }
        for (int i = 0; i < 4; i++) out[i] = (unsigned char)((used - 4) >> (24 - 8 * i));
        if (!transfer(1, out, used)) return 1;
    }
    return 0;
}
