/* SPDX-License-Identifier: Apache-2.0 */
/* System calls of Linux, for what Wine does not do: a program in Wine is a Linux process. Each returns what the kernel
 * returns, a negative number for an error. */
#ifndef WCOW_LINUX_H
#define WCOW_LINUX_H

#define AT_CWD (-100L) /* AT_FDCWD */
#define AT_NOFOLLOW 0x100 /* AT_SYMLINK_NOFOLLOW */
#define AT_DIRECTORY 0x200 /* AT_REMOVEDIR */
#define OPEN_DIRECTORY 0x90000 /* O_RDONLY | O_DIRECTORY | O_CLOEXEC */
#define OPEN_FILE 0x80000 /* O_RDONLY | O_CLOEXEC */
#define OPEN_NEW 0x800C1 /* O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC */
#define KEEP_TARGET 1 /* RENAME_NOREPLACE */
#define TIME_KEPT 0x3FFFFFFELL /* UTIME_OMIT */
#define DIRECTORY_MODE 0040000
#define LINK_MODE 0120000
#define KIND_MODE 0170000
#define WRITABLE 0222

enum { LINUX_ENOENT = 2, LINUX_EINTR = 4, LINUX_EACCES = 13, LINUX_EEXIST = 17, LINUX_EXDEV = 18, LINUX_ENOTDIR = 20,
       LINUX_EINVAL = 22, LINUX_EROFS = 30, LINUX_ENOTEMPTY = 39, LINUX_EPERM = 1, LINUX_ENOSPC = 28 };

struct linux_time { long long seconds, nanoseconds; };

struct linux_stat {
    unsigned long long device, inode, links;
    unsigned mode, user, group, unused;
    unsigned long long special, size, block, blocks;
    struct linux_time accessed, modified, changed;
    long long rest[3];
};

struct linux_entry {
    unsigned long long inode, next;
    unsigned short length;
    unsigned char kind;
    char name[];
};
#define ENTRY_LINK 10 /* DT_LNK */
#define ENTRY_DIRECTORY 4 /* DT_DIR */

static inline long long linux_call(long number, long long a, long long b, long long c, long long d, long long e)
{
    long long result;
    register long long r10 __asm__("r10") = d;
    register long long r8 __asm__("r8") = e;

    __asm__ volatile("syscall" : "=a"(result) : "a"((long long)number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    return result;
}

#define AT(pointer) ((long long)(pointer))
#define CALL(name, parameters, ...)                                          \
    static inline int linux_##name parameters { return (int)linux_call(__VA_ARGS__); }

CALL(close, (int fd), 3, fd, 0, 0, 0, 0)
CALL(read, (int fd, void *out, unsigned size), 0, fd, AT(out), size, 0, 0)
CALL(fchmod, (int fd, unsigned mode), 91, fd, mode, 0, 0, 0)
CALL(entries, (int fd, void *out, unsigned size), 217, fd, AT(out), size, 0, 0)
CALL(open, (int at, const char *path, int flags, int mode), 257, at, AT(path), flags, mode, 0)
CALL(mkdir, (const char *path, int mode), 83, AT(path), mode, 0, 0, 0)
CALL(stat, (int at, const char *path, struct linux_stat *out, int flags), 262, at, AT(path), AT(out), flags, 0)
CALL(unlink, (const char *path, int flags), 263, AT_CWD, AT(path), flags, 0, 0)
CALL(rename, (const char *from, const char *to, int flags), 316, AT_CWD, AT(from), AT_CWD, AT(to), flags)
CALL(symlink, (const char *text, const char *path), 88, AT(text), AT(path), 0, 0, 0)
CALL(readlink, (int at, const char *path, char *out, int size), 267, at, AT(path), AT(out), size, 0)
CALL(utimes, (int at, const char *path, const struct linux_time times[2], int flags),
     280, at, AT(path), AT(times), flags, 0)
CALL(getxattr, (const char *path, const char *name, void *out, int size), 191, AT(path), AT(name), AT(out), size, 0)
CALL(setxattr, (const char *path, const char *name, const void *value, int size),
     188, AT(path), AT(name), AT(value), size, 0)
CALL(chmod, (const char *path, unsigned mode), 90, AT(path), mode, 0, 0, 0)
CALL(fgetxattr, (int fd, const char *name, void *out, int size), 193, fd, AT(name), AT(out), size, 0)
CALL(fsetxattr, (int fd, const char *name, const void *value, int size), 190, fd, AT(name), AT(value), size, 0)
#undef CALL
#undef AT

#endif
