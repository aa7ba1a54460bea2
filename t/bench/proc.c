
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Benchmark: what the kernel knows about the server's processes.
 */


#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "proc.h"


static pid_t ngx_http_push_proc_parent(pid_t pid);
static void ngx_http_push_proc_cpu(pid_t pid,
    ngx_http_push_proc_sample_t *sample);
static void ngx_http_push_proc_memory(pid_t pid,
    ngx_http_push_proc_sample_t *sample);


int
ngx_http_push_proc_add(ngx_http_push_proc_set_t *set, pid_t pid, int children)
{
    DIR            *dir;
    pid_t           child;
    struct dirent  *de;

    if (ngx_http_push_proc_parent(pid) == -1
        || set->n == NGX_HTTP_PUSH_PROC_MAX)
    {
        return 0;
    }

    set->pids[set->n++] = pid;

    if (!children) {
        return 1;
    }

    dir = opendir("/proc");

    if (dir == NULL) {
        return 0;
    }

    for ( ;; ) {
        de = readdir(dir);

        if (de == NULL || set->n == NGX_HTTP_PUSH_PROC_MAX) {
            break;
        }

        child = (pid_t) atol(de->d_name);

        if (child > 0 && ngx_http_push_proc_parent(child) == pid) {
            set->pids[set->n++] = child;
        }
    }

    (void) closedir(dir);

    return 1;
}


void
ngx_http_push_proc_sample(const ngx_http_push_proc_set_t *set,
    ngx_http_push_proc_sample_t *sample, int memory)
{
    int  i;

    memset(sample, 0, sizeof(ngx_http_push_proc_sample_t));

    for (i = 0; i < set->n; i++) {
        ngx_http_push_proc_cpu(set->pids[i], sample);

        if (memory) {
            ngx_http_push_proc_memory(set->pids[i], sample);
        }
    }
}


uint64_t
ngx_http_push_proc_clock(const ngx_http_push_proc_set_t *set)
{
    int              i;
    uint64_t         ns;
    clockid_t        id;
    struct timespec  ts;

    ns = 0;

    for (i = 0; i < set->n; i++) {

        if (clock_getcpuclockid(set->pids[i], &id) == 0
            && clock_gettime(id, &ts) == 0)
        {
            ns += (uint64_t) ts.tv_sec * 1000000000 + (uint64_t) ts.tv_nsec;
        }
    }

    return ns;
}


uint64_t
ngx_http_push_proc_available(void)
{
    char                 line[256];
    FILE                *f;
    unsigned long long   kb;

    f = fopen("/proc/meminfo", "r");

    if (f == NULL) {
        return UINT64_MAX;
    }

    kb = UINT64_MAX / 1024;

    while (fgets(line, sizeof(line), f)) {

        if (sscanf(line, "MemAvailable: %llu", &kb) == 1) {
            break;
        }
    }

    (void) fclose(f);

    return (uint64_t) kb * 1024;
}


void
ngx_http_push_proc_unsent(uint16_t port, uint64_t *largest, uint64_t *sum)
{
    char      line[512];
    FILE     *f;
    unsigned  local, state, queue;

    *largest = 0;
    *sum = 0;

    f = fopen("/proc/net/tcp", "r");

    if (f == NULL) {
        return;
    }

    while (fgets(line, sizeof(line), f)) {

        if (sscanf(line, "%*d: %*x:%x %*x:%*x %x %x:", &local, &state, &queue)
            != 3)
        {
            continue;
        }

        /* of a listening socket the same column is its backlog */

        if (local != port || state == 10) {
            continue;
        }

        *sum += queue;

        if (queue > *largest) {
            *largest = queue;
        }
    }

    (void) fclose(f);
}


static pid_t
ngx_http_push_proc_parent(pid_t pid)
{
    int    parent;
    char   name[64], line[512];
    char  *p;
    FILE  *f;

    (void) snprintf(name, sizeof(name), "/proc/%d/stat", (int) pid);
    f = fopen(name, "r");

    if (f == NULL) {
        return -1;
    }

    p = fgets(line, sizeof(line), f);
    (void) fclose(f);

    if (p == NULL) {
        return -1;
    }

    /* the name in parentheses may contain anything */

    p = strrchr(line, ')');

    if (p == NULL || sscanf(p + 1, " %*c %d", &parent) != 1) {
        return -1;
    }

    return (pid_t) parent;
}


static void
ngx_http_push_proc_cpu(pid_t pid, ngx_http_push_proc_sample_t *sample)
{
    DIR                 *dir;
    char                 name[320], line[512];
    char                *p;
    FILE                *f;
    struct dirent       *de;
    unsigned long long   ns, user, system;

    (void) snprintf(name, sizeof(name), "/proc/%d/task", (int) pid);
    dir = opendir(name);

    if (dir == NULL) {
        return;
    }

    sample->alive++;

    for ( ;; ) {
        de = readdir(dir);

        if (de == NULL) {
            break;
        }

        (void) snprintf(name, sizeof(name), "/proc/%d/task/%s/schedstat",
                        (int) pid, de->d_name);
        f = (de->d_name[0] == '.') ? NULL : fopen(name, "r");

        if (f == NULL) {
            continue;
        }

        if (fscanf(f, "%llu", &ns) == 1) {
            sample->cpu += ns;
        }

        (void) fclose(f);
    }

    (void) closedir(dir);

    (void) snprintf(name, sizeof(name), "/proc/%d/stat", (int) pid);
    f = fopen(name, "r");

    if (f == NULL) {
        return;
    }

    p = fgets(line, sizeof(line), f);
    (void) fclose(f);
    p = (p == NULL) ? NULL : strrchr(line, ')');

    if (p && sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u "
                           "%llu %llu", &user, &system) == 2)
    {
        sample->user += user;
        sample->system += system;
    }
}


static void
ngx_http_push_proc_memory(pid_t pid, ngx_http_push_proc_sample_t *sample)
{
    char                 name[64], line[256];
    FILE                *f;
    unsigned long long   kb;

    (void) snprintf(name, sizeof(name), "/proc/%d/smaps_rollup", (int) pid);
    f = fopen(name, "r");

    if (f == NULL) {
        return;
    }

    while (fgets(line, sizeof(line), f)) {

        /* not Pss: code that is paged in while it runs is no client's */

        if (sscanf(line, "Pss_Anon: %llu", &kb) == 1) {
            sample->pss += kb * 1024;

        } else if (sscanf(line, "Pss_Shmem: %llu", &kb) == 1) {
            sample->pss += kb * 1024;
            sample->zone += kb * 1024;

        } else if (sscanf(line, "Private_Clean: %llu", &kb) == 1
                   || sscanf(line, "Private_Dirty: %llu", &kb) == 1)
        {
            sample->uss += kb * 1024;
        }
    }

    (void) fclose(f);
}
