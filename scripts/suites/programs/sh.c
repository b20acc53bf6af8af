/* SPDX-License-Identifier: Apache-2.0 */
/* As much of sh as the tests' commands speak: quotes, variables, $( ), lists, pipes, redirections, while.
 *
 * The parts of a pipe run one after the other through a file: nothing here is a stream without an end. */
#include "toolbox.h"
#include <process.h>

enum { MAX_WORDS = 256, MAX_TEXT = 16384 };

static int last_code;
static int run_list(const char *text);

typedef struct { char *items[MAX_WORDS]; int count; char *file[3]; int append[3], same[3]; } Simple;

/* --- cutting a text into commands --- */

/* The end of the part that begins at `at`: the next of the operators outside quotes, backticks and parentheses. */
static const char *part_end(const char *at, const char *operators) {
    char quote = 0;
    int depth = 0;
    for (; *at; at++) {
        if (*at == '\\' && quote != '\'') { if (at[1]) at++; continue; }
        if (quote) { if (*at == quote) quote = 0; continue; }
        if (*at == '\'' || *at == '"' || *at == '`') { quote = *at; continue; }
        if (*at == '(') depth++;
        else if (*at == ')') depth--;
        else if (!depth && strchr(operators, *at)) {
            if (*at == '&' && at[-1] == '>') continue;
            return at;
        }
    }
    return at;
}

static char *cut(const char *from, const char *to) {
    char *out = malloc((size_t)(to - from) + 1);
    memcpy(out, from, (size_t)(to - from));
    out[to - from] = 0;
    return out;
}

/* --- words --- */

static char *output_of(const char *text) {
    char name[MAX_PATH], folder[MAX_PATH];
    GetTempPathA(sizeof folder, folder);
    GetTempFileNameA(folder, "sh", 0, name);
    fflush(NULL);
    int saved = _dup(1), file = _open(name, _O_RDWR | _O_CREAT | _O_TRUNC | _O_BINARY, 0600);
    _dup2(file, 1);
    run_list(text);
    fflush(NULL);
    _dup2(saved, 1);
    _close(saved);
    _lseek(file, 0, SEEK_SET);
    char *out = calloc(1, MAX_TEXT);
    int got = _read(file, out, MAX_TEXT - 1);
    _close(file);
    remove(name);
    while (got > 0 && out[got - 1] == '\n') out[--got] = 0;
    return out;
}

/* Expand "$…" or a backtick at `at` into `out`; gives where the text goes on. */
static const char *expand(const char *at, char *out) {
    char name[256];
    const char *end;
    if (*at == '`') {
        end = strchr(at + 1, '`');
        strcat(out, output_of(cut(at + 1, end)));
        return end + 1;
    }
    if (at[1] == '(') {
        end = part_end(at + 2, ")");
        int depth = 1;
        for (end = at + 2; *end && (depth += (*end == '(') - (*end == ')')); end++) {}
        strcat(out, output_of(cut(at + 2, end)));
        return *end ? end + 1 : end;
    }
    if (at[1] == '?') { sprintf(out + strlen(out), "%d", last_code); return at + 2; }
    const char *start = at + 1 + (at[1] == '{');
    size_t length = strspn(start, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    if (!length) { strcat(out, "$"); return at + 1; }
    snprintf(name, sizeof name, "%.*s", (int)length, start);
    const char *value = getenv(name);
    if (value) strcat(out, value);
    return start + length + (at[1] == '{');
}

/* One word, without its quotes and with its variables; NULL at the end. */
static char *word(const char **from, int *quoted) {
    const char *at = *from + strspn(*from, " \t\n");
    if (!*at) return NULL;
    char *out = calloc(1, MAX_TEXT);
    char quote = 0;
    *quoted = 0;
    for (; *at && (quote || !strchr(" \t\n<>", *at));) {
        if (quote != '\'' && *at == '\\' && at[1]) {
            if (quote && !strchr("$`\"\\", at[1])) strncat(out, at, 1);
            strncat(out, at + 1, 1);
            at += 2;
        } else if (quote ? *at == quote : *at == '\'' || *at == '"') { quote = quote ? 0 : *at; *quoted = 1; at++; }
        else if (quote != '\'' && (*at == '$' || *at == '`')) at = expand(at, out);
        else strncat(out, at++, 1);
    }
    *from = at;
    return out;
}

static void redirect(Simple *command, const char **at) {
    int target = **at == '<' ? 0 : 1, ignored;
    if ((*at)[0] == '2' || (*at)[0] == '1') { target = **at - '0'; (*at)++; }
    int append = (*at)[0] == '>' && (*at)[1] == '>';
    *at += 1 + append;
    if (**at == '&') { command->same[target] = (*at)[1] - '0'; *at += 2; return; }
    command->file[target] = word(at, &ignored);
    command->append[target] = append;
}

static void parse(const char *text, Simple *command) {
    memset(command, 0, sizeof *command);
    command->same[0] = command->same[1] = command->same[2] = -1;
    for (const char *at = text;;) {
        int quoted;
        at += strspn(at, " \t\n");
        if (!*at) return;
        if (*at == '<' || *at == '>' || ((*at == '1' || *at == '2') && at[1] == '>')) { redirect(command, &at); continue; }
        char *one = word(&at, &quoted);
        if (!one) return;
        if (*one || quoted) command->items[command->count++] = one;
    }
}

/* --- running --- */

static char *quoted_for_windows(const char *text) {
    char *out = malloc(strlen(text) * 2 + 3), *at = out;
    *at++ = '"';
    for (; *text; text++) { if (*text == '"') *at++ = '\\'; *at++ = *text; }
    *at++ = '"';
    *at = 0;
    return out;
}

static int spawn(Simple *command) {
    const char *arguments[MAX_WORDS + 1];
    for (int at = 0; at < command->count; at++) arguments[at] = quoted_for_windows(command->items[at]);
    arguments[command->count] = NULL;
    fflush(NULL);
    intptr_t code = _spawnvp(_P_WAIT, command->items[0], arguments);
    if (code != -1) return (int)code;
    fprintf(stderr, "sh: %s: not found\n", command->items[0]);
    return 127;
}

static int builtin(Simple *command, int *code) {
    const char *name = command->items[0];
    if (!strcmp(name, "exit")) { fflush(NULL); exit(command->count > 1 ? atoi(command->items[1]) : last_code); }
    if (!strcmp(name, "cd")) { *code = command->count > 1 && _chdir(command->items[1]) ? complain("cd", command->items[1]) : 0; return 1; }
    if (!strcmp(name, "trap") || !strcmp(name, "set") || !strcmp(name, ":")) { *code = 0; return 1; }
    if (!strcmp(name, "export") && command->count > 1) { *code = _putenv(command->items[1]); return 1; }
    if (!strcmp(name, "exec")) {
        command->count--;
        memmove(command->items, command->items + 1, sizeof *command->items * (size_t)command->count);
        return 0;
    }
    if (command->count == 1 && strchr(name, '=') && name[0] != '=') { *code = _putenv(name); return 1; }
    return 0;
}

static int run_words(Simple *command) {
    int code = 0;
    if (!command->count) return 0;
    if (builtin(command, &code)) return code;
    command->items[command->count] = NULL;
    Applet applet = find_applet(base_name(command->items[0]));
    if (!applet || applet == sh_main) return spawn(command);
    code = applet(command->count, command->items);
    fflush(NULL);
    return code;
}

static int run_simple(const char *text, int input, int output) {
    Simple command;
    int saved[3] = {-1, -1, -1}, code = 1;
    parse(text, &command);
    int given[3] = {input, output, -1};
    for (int fd = 0; fd < 3; fd++) {
        if (command.file[fd]) {
            const char *path = !strcmp(command.file[fd], "/dev/null") ? "NUL" : command.file[fd];
            given[fd] = _open(path, _O_BINARY | (fd ? _O_WRONLY | _O_CREAT | (command.append[fd] ? _O_APPEND : _O_TRUNC)
                                                    : _O_RDONLY), 0666);
            if (given[fd] < 0) { fprintf(stderr, "sh: can't create %s: %s\n", command.file[fd], strerror(errno)); return 1; }
        }
    }
    fflush(NULL);
    for (int fd = 0; fd < 3; fd++) {
        if (given[fd] < 0) continue;
        saved[fd] = _dup(fd);
        _dup2(given[fd], fd);
        if (command.file[fd]) _close(given[fd]);
    }
    for (int fd = 1; fd < 3; fd++)
        if (command.same[fd] >= 0) { if (saved[fd] < 0) saved[fd] = _dup(fd); _dup2(command.same[fd], fd); }
    code = run_words(&command);
    fflush(NULL);
    for (int fd = 0; fd < 3; fd++)
        if (saved[fd] >= 0) { _dup2(saved[fd], fd); _close(saved[fd]); }
    return code;
}

static int run_pipe(const char *text) {
    int input = -1, code = 0;
    for (const char *at = text;;) {
        const char *end = part_end(at, "|");
        int output = -1;
        char name[MAX_PATH], folder[MAX_PATH];
        if (*end) {
            GetTempPathA(sizeof folder, folder);
            GetTempFileNameA(folder, "sh", 0, name);
            output = _open(name, _O_RDWR | _O_CREAT | _O_TRUNC | _O_BINARY | _O_TEMPORARY, 0600);
        }
        code = run_simple(cut(at, end), input, output);
        if (input >= 0) _close(input);
        if (!*end) return code;
        _lseek(output, 0, SEEK_SET);
        input = output;
        at = end + 1;
    }
}

/* A list: "a; b", "a && b", "a || b", "while LIST; do LIST; done". */
static int run_list(const char *text) {
    int skip = 0;
    for (const char *at = text; *at;) {
        at += strspn(at, " \t\n;");
        if (!*at) break;
        if (!strncmp(at, "while ", 6)) {
            const char *body = strstr(at, "do "), *end = strstr(at, "done");
            if (!body || !end) { fputs("sh: syntax error\n", stderr); return last_code = 2; }
            char *condition = cut(at + 6, body), *work = cut(body + 3, end);
            while (!run_list(condition)) run_list(work);
            at = end + 4;
            continue;
        }
        const char *end = at;
        for (;; end++) {  /* a single bar is a pipe, and stays in this part */
            end = part_end(end, ";&|\n");
            if (*end != '|' || end[1] == '|') break;
        }
        if (!skip) last_code = run_pipe(cut(at, end));
        if (end[0] == '&' && end[1] == '&') { skip = last_code != 0; at = end + 2; }
        else if (end[0] == '|' && end[1] == '|') { skip = last_code == 0; at = end + 2; }
        else { skip = 0; at = *end ? end + 1 : end; }
    }
    return last_code;
}

/* What stands after "-C" in the command line, as it stands there: Windows images' shell form gives no argument vector. A
 * health check gives one: then all of it is one argument. */
static const char *raw_command(void) {
    const char *found = strstr(GetCommandLineA(), " -C ");
    return found ? found + 4 : "";
}

int sh_main(int argc, char **argv) {
    char line[MAX_TEXT];
    if (argc > 1 && !strcmp(argv[1], "-C")) return run_list(argc == 3 ? argv[2] : raw_command());
    for (int at = 1; at < argc - 1; at++)
        if (argv[at][0] == '-' && strchr(argv[at], 'c')) return run_list(argv[at + 1]);
    int terminal = _isatty(0);
    for (;;) {
        if (terminal) { fputs("/ # ", stdout); fflush(NULL); }
        if (!fgets(line, sizeof line, stdin)) return last_code;
        line[strcspn(line, "\r\n")] = 0;
        run_list(line);
        fflush(NULL);
    }
}
