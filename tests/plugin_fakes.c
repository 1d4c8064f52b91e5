#define _XOPEN_SOURCE 700 /* realpath */
#include "tests/plugin_fakes.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char folder[PATH_MAX];

void plugin_fakes_find(const char *program)
{
    if (!realpath(program, folder)) {
        perror(program);
        exit(1);
    }
    for (int i = 0; i < 2; i++)
        *strrchr(folder, '/') = '\0';
}

const char *plugin_fake(const char *name)
{
    static char path[PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/plugins/%s.so", folder, name);
    return path;
}
