/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that say something, wait, or answer yes or no. */
#include "toolbox.h"

int true_main(int argc, char **argv) { (void)argc, (void)argv; return 0; }
int false_main(int argc, char **argv) { (void)argc, (void)argv; return 1; }

int stay_main(int argc, char **argv) {
    (void)argc, (void)argv;
    puts("Mem: top");
    fflush(NULL);
    return stay();
}

int sleep_main(int argc, char **argv) {
    fflush(NULL);
    if (argc < 2) return 1;
    if (!strcmp(argv[1], "infinity")) return stay();
    Sleep((DWORD)(atof(argv[1]) * 1000));
    return 0;
}

int hello_main(int argc, char **argv) {
    (void)argc, (void)argv;
    puts("\nHello from Docker!\nThis message shows that your installation appears to be working correctly.\n");
    return 0;
}

/* Write a text with the escapes of printf and of echo -e. */
static void escaped(const char *text) {
    for (; *text; text++) {
        if (*text != '\\' || !text[1]) { putchar(*text); continue; }
        switch (*++text) {
        case 'n': putchar('\n'); break;
        case 'r': putchar('\r'); break;
        case 't': putchar('\t'); break;
        default: putchar(*text);
        }
    }
}

int echo_main(int argc, char **argv) {
    int at = 1, line = 1, escapes = 0;
    for (; at < argc && argv[at][0] == '-' && argv[at][1] && strspn(argv[at] + 1, "ne") == strlen(argv[at] + 1); at++) {
        if (strchr(argv[at], 'n')) line = 0;
        if (strchr(argv[at], 'e')) escapes = 1;
    }
    for (int first = at; at < argc; at++) {
        if (at > first) putchar(' ');
        if (escapes) escaped(argv[at]); else fputs(argv[at], stdout);
    }
    if (line) putchar('\n');
    return 0;
}

int printf_main(int argc, char **argv) {
    int next = 2;
    for (const char *at = argc > 1 ? argv[1] : ""; *at; at++) {
        if (at[0] == '%' && at[1] == 's') { escaped(next < argc ? argv[next++] : ""); at++; }
        else if (at[0] == '\\' && at[1]) { char two[3] = {at[0], at[1], 0}; escaped(two); at++; }
        else putchar(*at);
    }
    return 0;
}

int date_main(int argc, char **argv) {
    SYSTEMTIME now;
    GetSystemTime(&now);
    if (argc > 1 && argv[1][0] == '+' && argv[1][1] == '%' && argv[1][2] == 's') {
        printf("%lld\n", (long long)time(NULL));
        return 0;
    }
    printf("%04d-%02d-%02dT%02d:%02d:%02d,%03d000000+00:00\n", now.wYear, now.wMonth, now.wDay, now.wHour, now.wMinute,
           now.wSecond, now.wMilliseconds);
    return 0;
}

int test_main(int argc, char **argv) {
    if (argc > 1 && !strcmp(argv[argc - 1], "]")) argc--;
    if (argc == 3) {
        struct _stat found;
        if (!strcmp(argv[1], "-n")) return !*argv[2];
        if (!strcmp(argv[1], "-z")) return !!*argv[2];
        if (_stat(argv[2], &found)) return 1;
        if (!strcmp(argv[1], "-f")) return !(found.st_mode & _S_IFREG);
        if (!strcmp(argv[1], "-d")) return !(found.st_mode & _S_IFDIR);
        return 0;
    }
    if (argc == 4) {
        long long left = atoll(argv[1]), right = atoll(argv[3]);
        if (!strcmp(argv[2], "-ge")) return !(left >= right);
        if (!strcmp(argv[2], "-le")) return !(left <= right);
        if (!strcmp(argv[2], "-gt")) return !(left > right);
        if (!strcmp(argv[2], "-lt")) return !(left < right);
        if (!strcmp(argv[2], "-eq")) return !(left == right);
        if (!strcmp(argv[2], "-ne")) return !(left != right);
        if (!strcmp(argv[2], "=")) return strcmp(argv[1], argv[3]) != 0;
        if (!strcmp(argv[2], "!=")) return strcmp(argv[1], argv[3]) == 0;
    }
    return argc > 1 && *argv[1] ? 0 : 1;
}
