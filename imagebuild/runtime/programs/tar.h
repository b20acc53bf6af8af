/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of tar.exe share: what was asked, one entry of an archive, and the ports between reading, writing
 * and the disk. */
#ifndef WCOW_TAR_H
#define WCOW_TAR_H

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#define LONGEST_NAME 4096  /* characters of a name in an archive */
#define CHUNK 65536

enum format { BY_DEFAULT, TAR, ZIP };
enum kind { PLAIN, FOLDER, SYMLINK, HARD_LINK, OTHER };

/* A member, or with `chdir` a folder to go to before the next. */
struct word {
    const WCHAR *text;
    BOOL chdir;
};

struct asked {
    char mode;  /* c, t or x */
    const WCHAR *file;
    BOOL verbose, gzip, keep_old, keep_newer, to_stdout, absolute, by_suffix, now, follow;
    int strip;
    enum format format;
    const WCHAR *folder;  /* -C of x and t */
    struct word *words;
    int word_count;
    const WCHAR **excluded;
    int excluded_count;
    BOOL *found;  /* of each word */
};

struct entry {
    WCHAR name[LONGEST_NAME], link[LONGEST_NAME];
    enum kind kind;
    unsigned long long size;
    unsigned mode;
    FILETIME modified;
};

/* An archive that is read. `next` gives 1, 0 at the end, -1 for an error that has been told; `data` gives how many
 * bytes of the entry's content it read, 0 at their end, -1. */
struct reader {
    int (*next)(struct reader *, struct entry *);
    long (*data)(struct reader *, void *, unsigned long);
};

/* The bytes of an archive, unpacked where gzip packed them. */
struct input;

extern struct asked want;
extern BOOL failed;  /* a member could not be done; the others are */

/* tar.c */
int complain(const char *format, ...);  /* writes "tar: ..." to standard error; gives -1 */
void say(FILE *, const WCHAR *);  /* in the console's code page */
BOOL is_match(const WCHAR *pattern, const WCHAR *name, BOOL anchored);
WCHAR *from_bytes(const char *bytes, int length, UINT page, WCHAR *out);  /* NULL: not of this code page, or too long */

/* tarinput.c */
struct input *open_input(const WCHAR *path);  /* NULL: told */
long take(struct input *, void *, unsigned long);  /* fewer bytes than asked: the end; -1: told */
BOOL is_zip(struct input *);
HANDLE input_file(struct input *);  /* seekable, at its beginning; for zip */

/* tarread.c, tarzip.c */
struct reader *tar_reader(struct input *);
struct reader *zip_reader(HANDLE);

/* tardisk.c */
void extract(struct reader *, struct entry *);
void finish_folders(void);

/* tarwrite.c */
int create(void);

/* tarpack.c: what cannot be written ends the program. */
void begin_archive(HANDLE);
void put_member(const struct entry *, const WCHAR *path, HANDLE content);  /* content: of a plain file, else NULL */
void end_archive(void);

#endif
