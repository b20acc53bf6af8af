/* SPDX-License-Identifier: Apache-2.0
 * dockerd.exe as an installer sees it: --version, --validate, --register-service, --unregister-service, --run-service.
 * Its engine answers a few requests on the pipe, over containers in C:\engine\containers.txt (a line each: identifier,
 * name, image, restart policy, 1 when it runs). Where C:\engine\broken-VERSION is, the service ends at once. */
#include <stdio.h>
#include <string.h>
#include <windows.h>

#define STATE "C:\\engine\\containers.txt"
#define MOST 16

struct row { char id[64], name[64], image[128], policy[32]; int runs; };
static struct row rows[MOST];
static int count;
static SERVICE_STATUS_HANDLE handle;
static HANDLE stopping;
static char name[256] = "docker";

static void load(void)
{
    FILE *in = fopen(STATE, "r");
    count = 0;
    if (!in) return;
    while (count < MOST && fscanf(in, "%63s %63s %127s %31s %d", rows[count].id, rows[count].name, rows[count].image,
                                  rows[count].policy, &rows[count].runs) == 5) count++;
    fclose(in);
}

static void save(void)
{
    FILE *out = fopen(STATE, "w");
    if (!out) return;
    for (int i = 0; i < count; i++)
        fprintf(out, "%s %s %s %s %d\n", rows[i].id, rows[i].name, rows[i].image, rows[i].policy, rows[i].runs);
    fclose(out);
}

static int answer(const char *method, const char *path, char *body)
{
    load();
    strcpy(body, "{}");
    if (!strcmp(path, "/version")) { sprintf(body, "{\"Version\":\"%s\"}", VERSION); return 200; }
    if (strstr(path, "/prune")) return 200;
    if (!strncmp(path, "/containers/json", 16)) {
        char *at = body + sprintf(body, "[");
        for (int i = 0; i < count; i++)
            if (rows[i].runs || strstr(path, "all=1"))
                at += sprintf(at, "%s{\"Id\":\"%s\",\"Names\":[\"/%s\"],\"Image\":\"%s\",\"State\":\"%s\"}",
                              at[-1] == '[' ? "" : ",", rows[i].id, rows[i].name, rows[i].image,
                              rows[i].runs ? "running" : "exited");
        strcpy(at, "]");
        return 200;
    }
    for (int i = 0; i < count; i++) {
        char *found = strstr(path, rows[i].id);
        if (!found) continue;
        if (!strcmp(method, "DELETE")) { rows[i] = rows[--count]; save(); return 204; }
        if (strstr(found, "/stop")) { rows[i].runs = 0; save(); return 204; }
        if (strstr(found, "/start")) { rows[i].runs = 1; save(); return 204; }
        sprintf(body, "{\"Id\":\"%s\",\"State\":{\"Running\":%s},\"HostConfig\":{\"RestartPolicy\":{\"Name\":\"%s\"}}}",
                rows[i].id, rows[i].runs ? "true" : "false", rows[i].policy);
        return 200;
    }
    strcpy(body, "{\"message\":\"not found\"}");
    return 404;
}

static DWORD WINAPI serve(void *unused)
{
    static char request[65536], body[65536], whole[70000];
    for (;;) {
        HANDLE pipe = CreateNamedPipeA("\\\\.\\pipe\\docker_engine", PIPE_ACCESS_DUPLEX, PIPE_TYPE_BYTE,
                                       PIPE_UNLIMITED_INSTANCES, 65536, 65536, 0, NULL);
        DWORD had = 0, got;
        char method[16] = "", path[1024] = "";
        if (pipe == INVALID_HANDLE_VALUE) return 1;
        if (!ConnectNamedPipe(pipe, NULL) && GetLastError() != ERROR_PIPE_CONNECTED) { CloseHandle(pipe); continue; }
        while (had < sizeof(request) - 1 && ReadFile(pipe, request + had, sizeof(request) - 1 - had, &got, NULL)) {
            had += got;
            request[had] = 0;
            if (strstr(request, "\r\n\r\n")) break;
        }
        if (sscanf(request, "%15s %1023s", method, path) == 2) {
            int status = answer(method, path, body);
            if (status == 204) body[0] = 0;
            sprintf(whole, "HTTP/1.0 %d x\r\nContent-Type: application/json\r\n\r\n%s", status, body);
            WriteFile(pipe, whole, strlen(whole), &got, NULL);
            FlushFileBuffers(pipe);
        }
        DisconnectNamedPipe(pipe);
        CloseHandle(pipe);
    }
}

static void report(DWORD state, DWORD code)
{
    SERVICE_STATUS status = { SERVICE_WIN32_OWN_PROCESS, state, SERVICE_ACCEPT_STOP, code, 0, 0, 0 };
    SetServiceStatus(handle, &status);
}

static DWORD WINAPI control(DWORD code, DWORD type, void *data, void *context)
{
    if (code == SERVICE_CONTROL_STOP) { report(SERVICE_STOP_PENDING, 0); SetEvent(stopping); }
    return NO_ERROR;
}

static void WINAPI service(DWORD argc, char **argv)
{
    handle = RegisterServiceCtrlHandlerExA(name, control, NULL);
    if (GetFileAttributesA("C:\\engine\\broken-" VERSION) != INVALID_FILE_ATTRIBUTES) {
        report(SERVICE_STOPPED, 1);
        return;
    }
    stopping = CreateEventA(NULL, TRUE, FALSE, NULL);
    CreateThread(NULL, 0, serve, NULL, 0, NULL);
    report(SERVICE_RUNNING, 0);
    WaitForSingleObject(stopping, INFINITE);
    load();
    for (int i = 0; i < count; i++) rows[i].runs = 0;
    save();
    report(SERVICE_STOPPED, 0);
}

static int validate(const char *file)
{
    static char text[65536];
    FILE *in = fopen(file, "rb");
    if (!in) { fprintf(stderr, "open %s: The system cannot find the file specified.\n", file); return 1; }
    fread(text, 1, sizeof(text) - 1, in);
    fclose(in);
    if (strstr(text, "\"bad\"")) {
        fprintf(stderr, "unable to configure the Docker daemon with file %s: the following directives don't match any "
                "configuration option: bad\n", file);
        return 1;
    }
    fprintf(stderr, "configuration OK\n");
    return 0;
}

int main(int argc, char **argv)
{
    char line[4096], self[MAX_PATH];
    const char *verb = "", *config = "";
    SC_HANDLE manager, one;

    GetModuleFileNameA(NULL, self, MAX_PATH);
    sprintf(line, "\"%s\" --run-service", self);
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--service-name") && i + 1 < argc) { strcpy(name, argv[++i]); continue; }
        if (!strcmp(argv[i], "--config-file") && i + 1 < argc) config = argv[i + 1];
        if (!strcmp(argv[i], "--version") || !strcmp(argv[i], "--validate") || strstr(argv[i], "-service")) verb = argv[i];
        else sprintf(line + strlen(line), strchr(argv[i], ' ') ? " \"%s\"" : " %s", argv[i]);
    }
    if (!strcmp(verb, "--version")) { printf("Docker version %s, build 0000000\n", VERSION); return 0; }
    if (!strcmp(verb, "--validate")) return validate(config);
    if (!strcmp(verb, "--run-service")) {
        SERVICE_TABLE_ENTRYA table[] = { { name, service }, { NULL, NULL } };
        return StartServiceCtrlDispatcherA(table) ? 0 : 1;
    }
    manager = OpenSCManagerA(NULL, NULL, SC_MANAGER_ALL_ACCESS);
    if (!strcmp(verb, "--register-service")) {
        sprintf(line + strlen(line), " --service-name %s", name);
        one = CreateServiceA(manager, name, "Docker Engine", SERVICE_ALL_ACCESS, SERVICE_WIN32_OWN_PROCESS,
                             SERVICE_AUTO_START, SERVICE_ERROR_NORMAL, line, NULL, NULL, NULL, NULL, NULL);
    } else {
        one = OpenServiceA(manager, name, DELETE);
        if (one && !DeleteService(one)) one = NULL;
    }
    if (!one) { fprintf(stderr, "%s: error %lu\n", verb, GetLastError()); return 1; }
    CloseServiceHandle(one);
    return 0;
}
