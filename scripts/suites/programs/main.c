/* SPDX-License-Identifier: Apache-2.0 */
/* The table of names, and the way from a program's name to what it does. */
#include "toolbox.h"

static const struct { const char *name; Applet run; } APPLETS[] = {
    {"[", test_main}, {"ash", sh_main}, {"bash", sh_main}, {"cat", cat_main}, {"chmod", true_main}, {"chown", true_main},
    {"cp", cp_main}, {"date", date_main}, {"echo", echo_main}, {"env", env_main}, {"false", false_main},
    {"find", find_main}, {"grep", grep_main}, {"hello", hello_main}, {"helloworld", helloworld_main}, {"ls", ls_main},
    {"mkdir", mkdir_main}, {"mv", mv_main}, {"nginx", nginx_main}, {"nslookup", nslookup_main}, {"ping", ping_main},
    {"printf", printf_main}, {"ps", true_main}, {"pwd", pwd_main}, {"python", python_main}, {"rm", rm_main}, {"sh", sh_main},
    {"sleep", sleep_main}, {"socat", socat_main}, {"stay", stay_main}, {"tail", tail_main}, {"test", test_main},
    {"top", stay_main}, {"touch", touch_main}, {"true", true_main}, {"wc", wc_main}, {"wget", wget_main},
};

Applet find_applet(const char *name) {
    for (size_t at = 0; at < sizeof APPLETS / sizeof *APPLETS; at++)
        if (!strcmp(APPLETS[at].name, name)) return APPLETS[at].run;
    return NULL;
}

char *base_name(const char *path) {
    const char *start = path;
    for (const char *at = path; *at; at++)
        if (*at == '/' || *at == '\\' || *at == ':') start = at + 1;
    char *name = _strdup(start);
    _strlwr(name);
    size_t length = strlen(name);
    if (length > 4 && !strcmp(name + length - 4, ".exe")) name[length - 4] = 0;
    return name;
}

int complain(const char *name, const char *path) {
    fprintf(stderr, "%s: %s%s%s\n", name, path ? path : "", path ? ": " : "", strerror(errno));
    return 1;
}

int stay(void) {
    fflush(NULL);
    for (;;) Sleep(INFINITE);
}

int main(int argc, char **argv) {
    WSADATA data;
    WSAStartup(MAKEWORD(2, 2), &data);
    /* Lines end as on Linux: that is what the tests compare. */
    _setmode(0, _O_BINARY);
    _setmode(1, _O_BINARY);
    _setmode(2, _O_BINARY);
    setvbuf(stderr, NULL, _IOFBF, 4096);  /* unbuffered, each character is a write of its own */
    char own[MAX_PATH];
    GetModuleFileNameA(NULL, own, sizeof own);
    char *name = base_name(own);
    Applet run = find_applet(name);
    if (!run && argc > 1 && (run = find_applet(argv[1]))) argc--, argv++;
    if (!run) {
        fprintf(stderr, "toolbox: no applet %s\n", name);
        return 127;
    }
    setvbuf(stdout, NULL, _IOFBF, 65536);
    int code = run(argc, argv);
    fflush(NULL);
    return code;
}
