/* SPDX-License-Identifier: Apache-2.0 */
/* Creation times, which Linux has no call to set (a part of wcowbase.dll): a program's is kept beside the file, as text
 * in an attribute, as Samba keeps others. A folder with such files is marked, so that others are listed at no cost. */
#include "base.h"

#define CREATED "user.wcow.created"
#define INSIDE "user.wcow.times"
#define DIGITS 16

static void mark(const char *path)
{
    char folder[LONG_PATH], *slash;
    int fd;

    strcpy(folder, path);
    if (!(slash = strrchr(folder, '/')) || slash == folder) return;
    *slash = 0;
    fd = linux_open((int)AT_CWD, folder, OPEN_DIRECTORY, 0);
    if (fd < 0) return;
    if (linux_fgetxattr(fd, INSIDE, NULL, 0) < 0) linux_fsetxattr(fd, INSIDE, "1", 1);
    linux_close(fd);
}

void keep_creation(HANDLE handle, LONGLONG time)
{
    static const char digits[] = "0123456789abcdef";
    char text[DIGITS], path[LONG_PATH];
    struct linux_stat found;
    int fd;

    if (!find_wines() || file_of(handle, 0, &fd, NULL)) return;
    for (int i = DIGITS; i--; time = (ULONGLONG)time >> 4) text[i] = digits[time & 15];
    /* an attribute can be written as long as the file can */
    if (linux_fsetxattr(fd, CREATED, text, DIGITS) == -LINUX_EACCES && !linux_stat(fd, "", &found, 0x1000)) {
        linux_fchmod(fd, (found.mode & 07777) | 0200);
        linux_fsetxattr(fd, CREATED, text, DIGITS);
        linux_fchmod(fd, found.mode & 07777);
    }
    linux_close(fd);
    if (path_of(handle, path)) mark(path);
}

static void read_creation(const char *text, int length, LONGLONG *time)
{
    ULONGLONG value = 0;

    if (length != DIGITS) return;
    for (int i = 0; i < DIGITS; i++) {
        int digit = text[i] >= '0' && text[i] <= '9' ? text[i] - '0'
                  : text[i] >= 'a' && text[i] <= 'f' ? text[i] - 'a' + 10 : -1;

        if (digit < 0) return;
        value = value << 4 | digit;
    }
    if ((LONGLONG)value > 0) *time = (LONGLONG)value;
}

void tell_creation(int at, const char *path, LONGLONG *time)
{
    char text[DIGITS];

    (void)at;
    read_creation(text, linux_getxattr(path, CREATED, text, sizeof text), time);
}

void tell_creation_of(HANDLE handle, LONGLONG *time)
{
    char text[DIGITS];
    int fd;

    if (!find_wines() || file_of(handle, 0, &fd, NULL)) return;
    read_creation(text, linux_fgetxattr(fd, CREATED, text, sizeof text), time);
    linux_close(fd);
}

int has_creations(int folder)
{
    return linux_fgetxattr(folder, INSIDE, NULL, 0) >= 0;
}
