/* SPDX-License-Identifier: Apache-2.0 */
/* Renaming a folder that comes from the image (a part of wcowbase.dll).
 *
 * Linux' overlay renames no such folder (EXDEV), only files. So a new folder is made, everything is moved into it, and
 * the old one is removed.
 */
#include "base.h"

#define DEEPEST 128

static int move_all(char *from, char *to, int depth);

static int copy_facts(const char *from, const char *to)
{
    static const char *const KEPT[] = {"user.DOSATTRIB", "user.wcow.created", "user.wcow.times",
                                       "user.wcow.security"};
    struct linux_stat found;
    struct linux_time times[2];
    char value[LONG_PATH];
    int fd, size;

    if (linux_stat(AT_CWD, from, &found, AT_NOFOLLOW)) return -1;
    if ((fd = linux_open((int)AT_CWD, to, OPEN_DIRECTORY, 0)) < 0) return fd;
    for (unsigned i = 0; i < sizeof KEPT / sizeof *KEPT; i++)
        if ((size = linux_getxattr(from, KEPT[i], value, sizeof value)) > 0) linux_fsetxattr(fd, KEPT[i], value, size);
    times[0] = found.accessed, times[1] = found.modified;
    linux_fchmod(fd, found.mode & 07777);
    linux_utimes((int)AT_CWD, to, times, 0);
    linux_close(fd);
    return 0;
}

/* One name of a folder, below both paths. */
static int move_one(char *from, char *to, const char *name, int is_folder, int depth)
{
    size_t from_end = strlen(from), to_end = strlen(to);
    int error;

    if (from_end + strlen(name) + 2 > LONG_PATH || to_end + strlen(name) + 2 > LONG_PATH) return -LINUX_EINVAL;
    strcat(strcat(from, "/"), name);
    strcat(strcat(to, "/"), name);
    error = linux_rename(from, to, KEEP_TARGET);
    if (error == -LINUX_EXDEV && is_folder) error = move_all(from, to, depth + 1);
    from[from_end] = to[to_end] = 0;
    return error;
}

static int move_all(char *from, char *to, int depth)
{
    char names[2048] __attribute__((aligned(8)));
    long long got, moved;
    int fd, error = linux_mkdir(to, 0777);

    if (error || depth > DEEPEST) return error ? error : -LINUX_EINVAL;
    copy_facts(from, to); /* times are told once more when all is in it */
    do { /* what was moved away makes others be passed over: until nothing is left */
        moved = 0;
        if ((fd = linux_open((int)AT_CWD, from, OPEN_DIRECTORY, 0)) < 0) return fd;
        while (!error && (got = linux_entries(fd, names, sizeof names)) > 0)
            for (char *at = names; !error && at < names + got; at += ((struct linux_entry *)at)->length) {
                struct linux_entry *one = (struct linux_entry *)at;

                if (!strcmp(one->name, ".") || !strcmp(one->name, "..")) continue;
                error = move_one(from, to, one->name, one->kind == ENTRY_DIRECTORY, depth);
                moved++;
            }
        linux_close(fd);
    } while (!error && moved);
    copy_facts(from, to);
    return error ? error : linux_unlink(from, AT_DIRECTORY);
}

NTSTATUS move_folder(HANDLE handle, const char *to, int replace)
{
    char from[LONG_PATH], there[LONG_PATH];
    struct linux_stat found;
    size_t length;

    (void)replace; /* no folder is replaced */
    if (!path_of(handle, from) || linux_stat(AT_CWD, from, &found, AT_NOFOLLOW)
        || (found.mode & KIND_MODE) != DIRECTORY_MODE)
        return NOT_SAME_DEVICE;
    if (!linux_stat(AT_CWD, to, &found, AT_NOFOLLOW)) return NAME_COLLISION;
    length = strlen(from);
    if (!strncmp(from, to, length) && to[length] == '/') return INVALID; /* into itself */
    return status_of(move_all(from, strcpy(there, to), 0));
}
