/* SPDX-License-Identifier: Apache-2.0 */
/* Servers and clients: nginx's welcome page, a port that is passed on, names looked up. */
#include "toolbox.h"
#include <process.h>

typedef struct { char head[128], body[512]; } Page;
typedef struct { SOCKET from, to; } Pipe;

static SOCKET listening(int port) {
    SOCKET server = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons((u_short)port)};
    if (bind(server, (struct sockaddr *)&here, sizeof here) || listen(server, 64)) {
        fprintf(stderr, "port %d: error %d\n", port, WSAGetLastError());
        exit(1);
    }
    return server;
}

static SOCKET connected(const char *host, const char *port) {
    struct addrinfo wanted = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found = NULL;
    if (getaddrinfo(host, port, &wanted, &found) || !found) return INVALID_SOCKET;
    SOCKET one = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(one, found->ai_addr, (int)found->ai_addrlen)) { closesocket(one); one = INVALID_SOCKET; }
    freeaddrinfo(found);
    return one;
}

typedef struct { SOCKET socket; int port; void (*answer)(int port, const char *path, Page *page); } Server;
typedef struct { SOCKET socket; Server *server; } Visit;

static DWORD WINAPI visit(void *given) {
    Visit *one = given;
    char request[4096], path[1024] = "/";
    int length = 0, got;
    while (length < (int)sizeof request - 1 && (got = recv(one->socket, request + length, sizeof request - 1 - length, 0)) > 0) {
        request[length += got] = 0;
        if (strstr(request, "\r\n\r\n")) break;
    }
    if (length > 0) {
        Page page = {"200 OK", ""};
        char out[1024];
        sscanf(request, "%*s %1023s", path);
        one->server->answer(one->server->port, path, &page);
        int size = snprintf(out, sizeof out, "HTTP/1.1 %s\r\nContent-Type: text/html\r\nContent-Length: %d\r\n"
                            "Connection: close\r\n\r\n%s", page.head, (int)strlen(page.body), page.body);
        send(one->socket, out, size, 0);
    }
    shutdown(one->socket, SD_SEND);
    closesocket(one->socket);
    free(one);
    return 0;
}

static DWORD WINAPI serve(void *given) {
    Server *server = given;
    for (;;) {
        Visit *one = malloc(sizeof *one);
        one->socket = accept(server->socket, NULL, NULL);
        one->server = server;
        if (one->socket == INVALID_SOCKET) return 1;
        CloseHandle(CreateThread(NULL, 0, visit, one, 0, NULL));
    }
}

static void start(int port, void (*answer)(int, const char *, Page *)) {
    Server *server = malloc(sizeof *server);
    server->port = port;
    server->answer = answer;
    server->socket = listening(port);
    CloseHandle(CreateThread(NULL, 0, serve, server, 0, NULL));
}

static int codes[65536];

static void welcome(int port, const char *path, Page *page) {
    char file[MAX_PATH];
    if (codes[port]) { snprintf(page->head, sizeof page->head, "%d Told", codes[port]); return; }
    snprintf(file, sizeof file, "/usr/share/nginx/html%s", strcmp(path, "/") ? path : "/index.html");
    FILE *given = fopen(file, "rb");
    if (given) {
        page->body[fread(page->body, 1, sizeof page->body - 1, given)] = 0;
        fclose(given);
    } else if (!strcmp(path, "/")) strcpy(page->body, "<html><body><h1>Welcome to nginx!</h1></body></html>\n");
    else strcpy(page->head, "404 Not Found");
}

/* Port 80, and what files like "server { listen 81; location / { return 202; } }" in conf.d ask for. */
int nginx_main(int argc, char **argv) {
    (void)argc, (void)argv;
    WIN32_FIND_DATAA found;
    HANDLE search = FindFirstFileA("\\etc\\nginx\\conf.d\\*.conf", &found);
    if (search != INVALID_HANDLE_VALUE) do {
        char path[MAX_PATH + 32], text[1024], *at;
        int port = 0, code = 0;
        snprintf(path, sizeof path, "/etc/nginx/conf.d/%s", found.cFileName);
        FILE *file = fopen(path, "rb");
        if (!file) continue;
        text[fread(text, 1, sizeof text - 1, file)] = 0;
        fclose(file);
        if ((at = strstr(text, "listen "))) port = atoi(at + 7);
        if ((at = strstr(text, "return "))) code = atoi(at + 7);
        if (port > 0 && port < 65536) { codes[port] = code; start(port, welcome); }
    } while (FindNextFileA(search, &found));
    start(80, welcome);
    fputs("2026/01/01 00:00:00 [notice] 1#1: start worker processes\n", stderr);
    return stay();
}

static void pong(int port, const char *path, Page *page) {
    (void)port;
    strcpy(page->body, !strcmp(path, "/ping") ? "PONG" : "<h1>Hello world</h1>\n");
}

int helloworld_main(int argc, char **argv) {
    (void)argc, (void)argv;
    start(8080, pong);
    start(8081, pong);
    fputs("Ready, listening on 8080 and 8081\n", stderr);
    return stay();
}

static DWORD WINAPI pass(void *given) {
    Pipe *one = given;
    char block[16384];
    int got;
    while ((got = recv(one->from, block, sizeof block, 0)) > 0)
        if (send(one->to, block, got, 0) < 0) break;
    shutdown(one->to, SD_SEND);
    free(one);
    return 0;
}

/* socat TCP-LISTEN:PORT,… TCP:HOST:PORT */
static void forward(int port, const char *host, const char *target) {
    SOCKET server = listening(port);
    for (;;) {
        SOCKET client = accept(server, NULL, NULL), other = connected(host, target);
        if (other == INVALID_SOCKET) { closesocket(client); continue; }
        Pipe *there = malloc(sizeof *there), *back = malloc(sizeof *back);
        *there = (Pipe){client, other};
        *back = (Pipe){other, client};
        CloseHandle(CreateThread(NULL, 0, pass, there, 0, NULL));
        CloseHandle(CreateThread(NULL, 0, pass, back, 0, NULL));
    }
}

int socat_main(int argc, char **argv) {
    int port = 0;
    char *host = NULL, *target = NULL;
    for (int at = 1; at < argc; at++) {
        if (!_strnicmp(argv[at], "TCP-LISTEN:", 11)) port = atoi(argv[at] + 11);
        else if (!_strnicmp(argv[at], "TCP:", 4)) {
            host = _strdup(argv[at] + 4);
            target = strchr(host, ':');
            if (target) *target++ = 0;
        }
    }
    if (!port || !host || !target) { fputs("socat: wanted TCP-LISTEN:PORT TCP:HOST:PORT\n", stderr); return 1; }
    forward(port, host, target);
    return 1;
}

static int looked_up(const char *name, char *text, size_t size) {
    struct addrinfo wanted = {.ai_family = AF_INET}, *found = NULL;
    if (getaddrinfo(name, NULL, &wanted, &found) || !found) return 0;
    snprintf(text, size, "%s", inet_ntoa(((struct sockaddr_in *)found->ai_addr)->sin_addr));
    freeaddrinfo(found);
    return 1;
}

int nslookup_main(int argc, char **argv) {
    char address[64];
    if (argc < 2 || !looked_up(argv[1], address, sizeof address)) {
        fprintf(stderr, "nslookup: can't resolve '%s'\n", argc > 1 ? argv[1] : "");
        return 1;
    }
    printf("Name:      %s\nAddress 1: %s\n", argv[1], address);
    return 0;
}

/* One echo by Windows' own ping, told in busybox's words. */
int ping_main(int argc, char **argv) {
    char address[64];
    const char *name = argc > 1 ? argv[argc - 1] : "";
    if (!looked_up(name, address, sizeof address)) { fprintf(stderr, "ping: bad address '%s'\n", name); return 1; }
    fflush(NULL);
    int saved = _dup(1), null = _open("NUL", _O_WRONLY);
    _dup2(null, 1);
    intptr_t code = _spawnl(_P_WAIT, "C:\\windows\\system32\\ping.exe", "ping", "-n", "1", address, NULL);
    _dup2(saved, 1);
    printf("PING %s (%s): 56 data bytes\n", name, address);
    if (!code) printf("64 bytes from %s: seq=0 ttl=64 time=0.1 ms\n", address);
    return code ? 1 : 0;
}

int wget_main(int argc, char **argv) {
    char host[256] = "", path[1024] = "/", request[2048], block[8192], *body;
    const char *url = argc > 1 ? argv[argc - 1] : "";
    if (!strncmp(url, "http://", 7)) url += 7;
    sscanf(url, "%255[^/]%1023s", host, path);
    char *port = strchr(host, ':');
    if (port) *port++ = 0;
    SOCKET one = connected(host, port ? port : "80");
    if (one == INVALID_SOCKET) { fprintf(stderr, "wget: can't connect to remote host: %s\n", host); return 1; }
    int size = snprintf(request, sizeof request, "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n", path, host), length = 0, got;
    send(one, request, size, 0);
    while (length < (int)sizeof block - 1 && (got = recv(one, block + length, sizeof block - 1 - length, 0)) > 0) length += got;
    block[length] = 0;
    closesocket(one);
    if ((body = strstr(block, "\r\n\r\n"))) fputs(body + 4, stdout);
    return strncmp(block, "HTTP/1.1 2", 10) && strncmp(block, "HTTP/1.0 2", 10);
}
