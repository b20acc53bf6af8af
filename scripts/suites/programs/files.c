/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that read, list and change files. */
#include "toolbox.h"
#include <dirent.h>

static int copy_stream(FILE *from, FILE *to) {
    char block[65536];
    int got;
    fflush(to);
    /* Not fread: it waits for a whole block where a terminal or a pipe has a line. */
    while ((got = _read(_fileno(from), block, sizeof block)) > 0) {
        fwrite(block, 1, (size_t)got, to);
        fflush(to);
    }
    return 0;
}

/* A file for reading, "-" for stdin; complains in the name of a program. */
static FILE *open_input(const char *program, const char *path) {
    if (!strcmp(path, "-")) return stdin;
    struct _stat found;
    if (!_stat(path, &found) && (found.st_mode & _S_IFDIR)) errno = EISDIR;
    else {
        FILE *file = fopen(!strcmp(path, "/dev/null") ? "NUL" : path, "rb");
        if (file) return file;
    }
    complain(program, path);
    return NULL;
}

int cat_main(int argc, char **argv) {
    int code = 0;
    if (argc < 2) return copy_stream(stdin, stdout);
    for (int at = 1; at < argc; at++) {
        FILE *file = open_input("cat", argv[at]);
        if (!file) { code = 1; continue; }
        copy_stream(file, stdout);
        if (file != stdin) fclose(file);
    }
    return code;
}

int tail_main(int argc, char **argv) {
    int follow = 0, code = 0;
    for (int at = 1; at < argc; at++) {
        if (argv[at][0] == '-' && strpbrk(argv[at], "fF")) { follow = 1; continue; }
        if (argv[at][0] == '-') continue;
        FILE *file = open_input("tail", argv[at]);
        if (!file) return 1;
        copy_stream(file, stdout);
        while (follow && strcmp(argv[at], "/dev/null")) { Sleep(200); copy_stream(file, stdout); }
    }
    return follow ? stay() : code;
}

int pwd_main(int argc, char **argv) {
    char path[MAX_PATH];
    (void)argc, (void)argv;
    if (!_getcwd(path, sizeof path)) return complain("pwd", NULL);
    char *start = path[1] == ':' && (path[0] | 32) == 'c' ? path + 2 : path;
    for (char *at = start; *at; at++)
        if (*at == '\\') *at = '/';
    puts(start);
    return 0;
}

int env_main(int argc, char **argv) {
    (void)argc, (void)argv;
    for (char **one = environ; *one; one++) puts(*one);
    return 0;
}

int touch_main(int argc, char **argv) {
    for (int at = 1; at < argc; at++) {
        FILE *file = fopen(argv[at], "ab");
        if (!file) return complain("touch", argv[at]);
        fclose(file);
    }
    return 0;
}

int mkdir_main(int argc, char **argv) {
    int parents = 0;
    for (int at = 1; at < argc; at++) {
        if (!strcmp(argv[at], "-p")) { parents = 1; continue; }
        char path[MAX_PATH];
        snprintf(path, sizeof path, "%s", argv[at]);
        for (char *cut = path + 1; parents && *cut; cut++)
            if (*cut == '/') { *cut = 0; _mkdir(path); *cut = '/'; }
        if (_mkdir(path) && !(parents && errno == EEXIST)) {
            fprintf(stderr, "mkdir: can't create directory '%s': %s\n", argv[at], strerror(errno));
            return 1;
        }
    }
    return 0;
}

static int remove_tree(const char *path) {
    struct _stat found;
    if (_stat(path, &found)) return -1;
    if (!(found.st_mode & _S_IFDIR)) return remove(path);
    DIR *folder = opendir(path);
    struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        char below[MAX_PATH];
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
        remove_tree(below);
    }
    if (folder) closedir(folder);
    return _rmdir(path);
}

int rm_main(int argc, char **argv) {
    int force = 0, tree = 0;
    for (int at = 1; at < argc; at++) {
        if (argv[at][0] == '-') { force |= !!strchr(argv[at], 'f'); tree |= !!strpbrk(argv[at], "rR"); continue; }
        if ((tree ? remove_tree(argv[at]) : remove(argv[at])) && !force) return complain("rm", argv[at]);
    }
    return 0;
}

int cp_main(int argc, char **argv) {
    if (argc < 3) return 1;
    if (!CopyFileA(argv[argc - 2], argv[argc - 1], FALSE)) { errno = ENOENT; return complain("cp", argv[argc - 2]); }
    return 0;
}

int mv_main(int argc, char **argv) {
    if (argc < 3) return 1;
    return rename(argv[argc - 2], argv[argc - 1]) ? complain("mv", argv[argc - 2]) : 0;
}

static int by_name(const void *left, const void *right) {
    return strcmp(*(char *const *)left, *(char *const *)right);
}

int ls_main(int argc, char **argv) {
    int all = 0, slash = 0;
    const char *path = ".";
    for (int at = 1; at < argc; at++) {
        if (argv[at][0] != '-') { path = argv[at]; continue; }
        all |= !!strchr(argv[at], 'a');
        slash |= !!strchr(argv[at], 'p');
    }
    struct _stat found;
    if (_stat(path, &found)) return complain("ls", path);
    if (!(found.st_mode & _S_IFDIR)) { puts(path); return 0; }
    DIR *folder = opendir(path);
    if (!folder) return complain("ls", path);
    char *names[4096];
    size_t count = 0;
    for (struct dirent *entry; (entry = readdir(folder)) && count < 4096;) {
        if (entry->d_name[0] == '.' && !all) continue;
        char full[MAX_PATH], shown[MAX_PATH];
        snprintf(full, sizeof full, "%s/%s", path, entry->d_name);
        int directory = slash && !_stat(full, &found) && (found.st_mode & _S_IFDIR);
        snprintf(shown, sizeof shown, "%s%s", entry->d_name, directory ? "/" : "");
        names[count++] = _strdup(shown);
    }
    closedir(folder);
    qsort(names, count, sizeof *names, by_name);
    for (size_t at = 0; at < count; at++) puts(names[at]);
    return 0;
}

static void walk(const char *path, char kind) {
    struct _stat found;
    if (_stat(path, &found)) return;
    int directory = !!(found.st_mode & _S_IFDIR);
    if (!kind || (kind == 'd') == directory) puts(path);
    if (!directory) return;
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        char below[MAX_PATH];
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
        walk(below, kind);
    }
    if (folder) closedir(folder);
}

int find_main(int argc, char **argv) {
    const char *path = argc > 1 ? argv[1] : ".";
    char kind = argc > 3 && !strcmp(argv[2], "-type") ? argv[3][0] : 0;
    walk(path, kind);
    return 0;
}

int wc_main(int argc, char **argv) {
    int got;
    long lines = 0;
    char block[65536];
    FILE *file = argc > 1 && argv[argc - 1][0] != '-' ? open_input("wc", argv[argc - 1]) : stdin;
    if (!file) return 1;
    while ((got = _read(_fileno(file), block, sizeof block)) > 0)
        for (int at = 0; at < got; at++) lines += block[at] == '\n';
    printf("%ld\n", lines);
    return 0;
}

int grep_main(int argc, char **argv) {
    int fold = 0, quiet = 0, at = 1, seen = 1;
    for (; at < argc && argv[at][0] == '-'; at++) { fold |= !!strchr(argv[at], 'i'); quiet |= !!strchr(argv[at], 'q'); }
    if (at >= argc) return 2;
    char *wanted = _strdup(argv[at++]);
    if (fold) _strlwr(wanted);
    FILE *file = at < argc ? open_input("grep", argv[at]) : stdin;
    if (!file) return 2;
    char line[8192], folded[8192];
    while (fgets(line, sizeof line, file)) {
        strcpy(folded, line);
        if (fold) _strlwr(folded);
        if (!strstr(folded, wanted)) continue;
        seen = 0;
        if (!quiet) fputs(line, stdout);
    }
    return seen;
}
