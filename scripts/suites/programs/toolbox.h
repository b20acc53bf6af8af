/* SPDX-License-Identifier: Apache-2.0 */
/* One program under many names, as busybox is: what the tests of others run in their images. */
#ifndef TOOLBOX_H
#define TOOLBOX_H

#define _CRT_SECURE_NO_WARNINGS
#include <winsock2.h>
#include <ws2tcpip.h>
#include <windows.h>
#include <direct.h>
#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

typedef int (*Applet)(int argc, char **argv);

/* The applet of a name (without its folder and ".exe"), or NULL. */
Applet find_applet(const char *name);
/* The last part of a path without ".exe", lower case, in a buffer of its own. */
char *base_name(const char *path);
/* Say on stderr what is wrong, as busybox does: "NAME: PATH: REASON". Returns 1. */
int complain(const char *name, const char *path);
/* Sleep for ever, or until the process is ended from outside. */
int stay(void);

int sh_main(int argc, char **argv);
int cat_main(int argc, char **argv), cp_main(int argc, char **argv), env_main(int argc, char **argv);
int find_main(int argc, char **argv), grep_main(int argc, char **argv), ls_main(int argc, char **argv);
int mkdir_main(int argc, char **argv), mv_main(int argc, char **argv), pwd_main(int argc, char **argv);
int rm_main(int argc, char **argv), tail_main(int argc, char **argv), touch_main(int argc, char **argv);
int wc_main(int argc, char **argv);
int date_main(int argc, char **argv), echo_main(int argc, char **argv), false_main(int argc, char **argv);
int hello_main(int argc, char **argv), printf_main(int argc, char **argv), python_main(int argc, char **argv);
int sleep_main(int argc, char **argv), stay_main(int argc, char **argv), test_main(int argc, char **argv);
int true_main(int argc, char **argv);
int helloworld_main(int argc, char **argv), nginx_main(int argc, char **argv), nslookup_main(int argc, char **argv);
int ping_main(int argc, char **argv), socat_main(int argc, char **argv), wget_main(int argc, char **argv);

#endif
