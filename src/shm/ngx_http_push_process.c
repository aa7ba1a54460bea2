/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: who of the processes that share memory still lives, and a lock
 * that outlives its holder.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_process.h"


#define NGX_HTTP_PUSH_PROCESS_LINK    32     /* of the target of /proc/self */
#define NGX_HTTP_PUSH_PROCESS_STAT    1024   /* of /proc/<pid>/stat is read */
#define NGX_HTTP_PUSH_PROCESS_FIELD   22     /* starttime, proc(5) */
#define NGX_HTTP_PUSH_PROCESS_SPIN    1024
#define NGX_HTTP_PUSH_PROCESS_YIELDS  32     /* between looks at the holder */
#define NGX_HTTP_PUSH_PROCESS_SLEEP   1024   /* yields before it naps */


static ngx_int_t ngx_http_push_process_read(ngx_pid_t pid, u_char *state,
    uint64_t *started);
static ngx_uint_t ngx_http_push_process_visible(void);
static ngx_uint_t ngx_http_push_process_try(ngx_atomic_t *lock);


uint64_t
ngx_http_push_process_started(ngx_pid_t pid)
{
    u_char    state;
    uint64_t  started;

    if (ngx_http_push_process_read(pid, &state, &started) != NGX_OK) {
        return 0;
    }

    return started;
}


ngx_uint_t
ngx_http_push_process_gone(ngx_pid_t pid, uint64_t started)
{
    u_char    state;
    uint64_t  now;

    if (ngx_http_push_process_missing(pid)) {
        return 1;
    }

    if (ngx_http_push_process_read(pid, &state, &now) != NGX_OK) {
        return 0;
    }

    if (state == 'Z' || state == 'X') {
        return 1;
    }

    return started != 0 && started != now;
}


ngx_uint_t
ngx_http_push_process_missing(ngx_pid_t pid)
{
    return kill(pid, 0) == -1 && ngx_errno == NGX_ESRCH;
}


/*
 * The second field is the program's name in parentheses, which may itself
 * hold anything: what follows its last one is read.
 */

static ngx_int_t
ngx_http_push_process_read(ngx_pid_t pid, u_char *state, uint64_t *started)
{
    u_char      *p, *last, buf[NGX_HTTP_PUSH_PROCESS_STAT];
    ssize_t      n;
    ngx_fd_t     fd;
    ngx_uint_t   field;

    if (!ngx_http_push_process_visible()) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf(buf, "/proc/%P/stat%Z", pid);

    fd = ngx_open_file(buf, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);
    if (fd == NGX_INVALID_FILE) {
        return NGX_ERROR;
    }

    n = ngx_read_fd(fd, buf, sizeof(buf));

    (void) ngx_close_file(fd);

    if (n <= 0) {
        return NGX_ERROR;
    }

    last = buf + n;

    for (p = last; p > buf && p[-1] != ')'; p--) { /* void */ }

    if (p == buf || last - p < 2) {
        return NGX_ERROR;
    }

    *state = p[1];

    for (field = 2; field < NGX_HTTP_PUSH_PROCESS_FIELD; field++) {

        p = ngx_strlchr(p, last, ' ');
        if (p == NULL) {
            return NGX_ERROR;
        }

        p++;
    }

    for (*started = 0; p < last && *p >= '0' && *p <= '9'; p++) {
        *started = *started * 10 + (*p - '0');
    }

    return NGX_OK;
}


/* a container may have no /proc, or one in which the pids are others */

static ngx_uint_t
ngx_http_push_process_visible(void)
{
    u_char             buf[NGX_HTTP_PUSH_PROCESS_LINK];
    ssize_t            n;
    static ngx_pid_t   asked;
    static ngx_uint_t  visible;

    if (asked != ngx_pid) {
        asked = ngx_pid;

        n = readlink("/proc/self", (char *) buf, sizeof(buf));

        visible = (n > 0 && ngx_atoi(buf, n) == (ngx_int_t) ngx_pid);
    }

    return visible;
}


void
ngx_http_push_process_lock(ngx_atomic_t *lock)
{
    ngx_uint_t         i;
    ngx_atomic_uint_t  holder;

    for (i = 0; !ngx_http_push_process_try(lock); i++) {

        if (i % NGX_HTTP_PUSH_PROCESS_YIELDS
            == NGX_HTTP_PUSH_PROCESS_YIELDS - 1)
        {
            holder = *lock;

            if (holder != 0
                && ngx_http_push_process_gone((ngx_pid_t) holder, 0)
                && ngx_atomic_cmp_set(lock, holder, ngx_pid))
            {
                return;
            }
        }

        /* who holds it this long is stopped, or swapped out */

        if (i < NGX_HTTP_PUSH_PROCESS_SLEEP) {
            ngx_sched_yield();

        } else {
            ngx_msleep(1);
        }
    }
}


/*
 * Our own pid in it was left there by a dead process that had the same one:
 * the lock is never taken twice.
 */

static ngx_uint_t
ngx_http_push_process_try(ngx_atomic_t *lock)
{
    ngx_uint_t  i, n;

    if (*lock == (ngx_atomic_uint_t) ngx_pid
        || (*lock == 0 && ngx_atomic_cmp_set(lock, 0, ngx_pid)))
    {
        return 1;
    }

    if (ngx_ncpu == 1) {
        return 0;
    }

    for (n = 1; n < NGX_HTTP_PUSH_PROCESS_SPIN; n <<= 1) {

        for (i = 0; i < n; i++) {
            ngx_cpu_pause();
        }

        if (*lock == 0 && ngx_atomic_cmp_set(lock, 0, ngx_pid)) {
            return 1;
        }
    }

    return 0;
}


void
ngx_http_push_process_unlock(ngx_atomic_t *lock)
{
    (void) ngx_atomic_cmp_set(lock, ngx_pid, 0);
}
