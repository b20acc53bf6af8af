/* SPDX-License-Identifier: Apache-2.0 */
/* The few statements of Python that aiodocker's tests run in their containers, and its prompt. Not a Python. */
#include "toolbox.h"

static char *literal(char *at, char *out, size_t size) {
    char quote = *at++;
    size_t length = 0;
    for (; *at && *at != quote && length < size - 1; at++) {
        if (*at == '\\' && at[1]) { at++; out[length++] = *at == 'n' ? '\n' : *at; }
        else out[length++] = *at;
    }
    out[length] = 0;
    return *at ? at + 1 : at;
}

static char *between(char *text, const char *start) {
    char *found = strstr(text, start);
    return found ? found + strlen(start) : NULL;
}

/* print(VALUE[, file=sys.stderr]), where the value is a number, a text, or what open(PATH).read() gives. */
static void print(char *at) {
    char value[4096] = "";
    FILE *out = strstr(at, "file=sys.stderr") ? stderr : stdout;
    if (!strncmp(at, "open(", 5)) {
        char path[MAX_PATH];
        literal(at + 5, path, sizeof path);
        FILE *file = fopen(path, "rb");
        if (!file) { complain("open", path); exit(1); }
        value[fread(value, 1, sizeof value - 1, file)] = 0;
        fclose(file);
    } else if (*at == '\'' || *at == '"') literal(at, value, sizeof value);
    else snprintf(value, sizeof value, "%d", atoi(at));
    fprintf(out, "%s\n", value);
    fflush(out);
}

/* One statement; 0 when it is one that this program does not know. */
static int statement(char *text) {
    char *at, path[MAX_PATH], value[4096];
    while (*text == ' ') text++;
    if (!*text || !strncmp(text, "import ", 7)) return 1;
    if (!strncmp(text, "exit()", 6)) exit(0);
    if ((at = between(text, "time.sleep("))) { Sleep((DWORD)(atof(at) * 1000)); return 1; }
    if (!strncmp(text, "print(", 6)) { print(text + 6); return 1; }
    if (!strncmp(text, "with open(", 10) && (at = between(text, ".write("))) {
        literal(text + 10, path, sizeof path);
        literal(at, value, sizeof value);
        FILE *file = fopen(path, "wb");
        if (!file) { complain("open", path); exit(1); }
        fputs(value, file);
        fclose(file);
        return 1;
    }
    if (strstr(text, "s.listen()") || strstr(text, "s.accept()") || strstr(text, "socket")) return 1;
    fprintf(stderr, "python: not spoken here: %s\n", text);
    return 0;
}

/* "a;b" is two statements, unless the semicolon stands in a text. */
static int run(char *code) {
    char quote = 0, *start = code;
    if (strstr(code, "s.listen()")) return stay();
    for (char *at = code;; at++) {
        if (*at && quote) { if (*at == quote) quote = 0; else if (*at == '\\') at++; continue; }
        if (*at == '\'' || *at == '"') { quote = *at; continue; }
        if (*at && *at != ';' && *at != '\n') continue;
        char end = *at;
        *at = 0;
        if (!statement(start)) return 1;
        if (!end) return 0;
        start = at + 1;
    }
}

int python_main(int argc, char **argv) {
    char line[4096];
    int terminal = _isatty(0);
    for (int at = 1; at < argc; at++)
        if (!strncmp(argv[at], "-c", 2)) return run(argv[at][2] ? argv[at] + 2 : argv[at + 1]);
    if (terminal && !(argc > 1 && !strcmp(argv[1], "-q"))) puts("Python 3 (a few words of it)");
    for (;;) {
        if (terminal) fputs(">>> ", stdout);
        fflush(NULL);
        if (!fgets(line, sizeof line, stdin)) return 0;
        line[strcspn(line, "\r\n")] = 0;
        statement(line);
    }
}
