/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of wcowbase.dll share: its table of open files, paths of Linux, and what links are. */
#ifndef WCOW_BASE_H
#define WCOW_BASE_H

#define WIN32_LEAN_AND_MEAN
#define _KERNEL32_ /* its functions are ours */
#include <windows.h>
#include <winternl.h>

#include "linux.h"

#define LONG_PATH 4096
#define LONGEST_LINK 4000 /* LONGEST of links.py */

enum {
    NO_SUCH_FILE = (int)0xC000000F, NO_MORE_FILES = (int)0x80000006, OVERFLOWN = (int)0x80000005,
    MISMATCH = (int)0xC0000024, NAME_COLLISION = (int)0xC0000035, NAME_INVALID = (int)0xC0000033,
    PATH_NOT_FOUND = (int)0xC000003A, NAME_NOT_FOUND = (int)0xC0000034, DENIED = (int)0xC0000022,
    IS_DIRECTORY = (int)0xC00000BA, NOT_DIRECTORY = (int)0xC0000103, NOT_EMPTY = (int)0xC0000101,
    NOT_SAME_DEVICE = (int)0xC00000D4, NOT_A_LINK = (int)0xC0000275, TAG_INVALID = (int)0xC0000276,
    TAG_MISMATCH = (int)0xC0000277, DATA_INVALID = (int)0xC0000278, UNRESOLVED = (int)0xC0000280,
    TOO_SMALL = (int)0xC0000023, BAD_LENGTH = (int)0xC0000004, NO_MEMORY = (int)0xC0000017,
    FULL = (int)0xC000007F, WRITE_PROTECTED = (int)0xC00000A2, UNSUCCESSFUL = (int)0xC0000001,
    NO_DEVICE = (int)0xC00000CB, NOT_SUPPORTED = (int)0xC00000BB, INVALID = (int)0xC000000D,
};

enum kind { NO_LINK, FILE_LINK, DIRECTORY_LINK, JUNCTION };

/* A link as Windows has it: its target is in its raw form, with backslashes. */
struct link {
    enum kind kind;
    int relative;
    WCHAR target[LONG_PATH];
};

/* Wine's own, which every process has. */
extern NTSTATUS (WINAPI *unix_name)(const OBJECT_ATTRIBUTES *, char *, ULONG *, UINT);
extern int (CDECL *file_of)(HANDLE, unsigned, int *, unsigned *);
NTSYSAPI BOOLEAN NTAPI RtlEqualUnicodeString(const UNICODE_STRING *, const UNICODE_STRING *, BOOLEAN);
NTSYSAPI WCHAR NTAPI RtlUpcaseUnicodeChar(WCHAR);
NTSYSAPI ULONG NTAPI RtlGetFullPathName_U(const WCHAR *, ULONG, WCHAR *, WCHAR **);
int find_wines(void);
NTSYSAPI void NTAPI RtlSetLastWin32ErrorAndNtStatusFromNtStatus(NTSTATUS);
void *keep(SIZE_T size);
void give_back(void *block);

NTSTATUS status_of(long long error);
int to_utf8(const WCHAR *text, ULONG length, char *out, ULONG room);
int to_utf16(const char *text, WCHAR *out, ULONG room); /* characters, without the 0 behind them */

/* The path on Linux of a name as it is spelt; 0: it is none on a drive. */
int quick_path(const UNICODE_STRING *name, char *out);
/* The same, found as Wine finds names: STATUS_SUCCESS, or why there is none. */
NTSTATUS slow_path(const OBJECT_ATTRIBUTES *attr, char *out, UINT disposition);
/* The path of an open file; 0: it is none. */
int path_of(HANDLE handle, char *out);
/* The path by which a process opens what it has open already. */
void path_of_number(int fd, char *out);
/* What of a path on Linux is below its drive; NULL: it is on none. */
const char *drive_of(const char *path);
/* A path on Linux as an NT name: \??\C:\x; 0: it is on no drive. */
int nt_name(const char *path, WCHAR *out, ULONG room);

/* The text of a link in a folder, and the link that a text stands for: to_linux() and from_linux() of links.py. */
int text_of(enum kind kind, const WCHAR *target, const char *path, char *out);
int link_of(const char *text, const char *path, struct link *out);
/* What kind of link is at a path; NO_LINK for what is none, and for one that Windows does not know. */
enum kind kind_at(int at, const char *path);
ULONG tag_of(enum kind kind);
ULONG attributes_of(enum kind kind);
LONGLONG filetime(struct linux_time time);

/* An open file that is more to us than to Wine: a link itself, or a folder whose names are being read. */
struct opened {
    struct opened *next;
    HANDLE handle;
    char *link; /* its path; NULL: a folder */
    int leaves; /* the link goes when the handle is closed */
    struct listing *listing;
    WCHAR *pipes; /* of the folder of pipes: their names, each with its 0, and where the next one is */
    ULONG next_pipe;
};
extern volatile LONG opened_files;
struct opened *find_opened(HANDLE handle); /* under the lock */
struct opened *add_opened(HANDLE handle);
void lock_opened(void);
void unlock_opened(void);
int opened_link(HANDLE handle, char *path); /* its path; 0: it is no link */
void forget_listing(struct listing *listing);

/* The folder of all pipes (pipes.c), and their names. */
int is_pipe_root(HANDLE handle);
WCHAR *names_of_pipes(HANDLE root);

/* Creation times (times.c): Wine tells the time of the last change in their place. */
void keep_creation(HANDLE handle, LONGLONG time);
void tell_creation(int at, const char *path, LONGLONG *time);
void tell_creation_of(HANDLE handle, LONGLONG *time);
int has_creations(int folder);
NTSTATUS move_folder(HANDLE handle, const char *to, int replace);

#endif
