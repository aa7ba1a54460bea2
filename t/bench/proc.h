
/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Benchmark: what the kernel knows about the server's processes.  CPU time is
 * counted by the scheduler, so that a busy machine does not change it much.
 */


#ifndef _NGX_HTTP_PUSH_PROC_H_INCLUDED_
#define _NGX_HTTP_PUSH_PROC_H_INCLUDED_


#include <stdint.h>
#include <sys/types.h>


#define NGX_HTTP_PUSH_PROC_MAX  512


typedef struct {
    int       n;
    pid_t     pids[NGX_HTTP_PUSH_PROC_MAX];
} ngx_http_push_proc_set_t;


typedef struct {
    uint64_t  cpu;      /* ns on a CPU, all threads */
    uint64_t  user;     /* clock ticks, coarse: only for the proportion */
    uint64_t  system;
    uint64_t  pss;      /* bytes of data; shared ones divided by their users */
    uint64_t  zone;     /* the part of pss that is shared memory */
    uint64_t  uss;      /* bytes that nobody else maps, code included */
    int       alive;    /* processes that were found */
} ngx_http_push_proc_sample_t;


/* takes the process, and its children if wanted; 0 when it does not exist */
int ngx_http_push_proc_add(ngx_http_push_proc_set_t *set, pid_t pid,
    int children);

/* sums over the set; memory is slow to read, so only when asked for */
void ngx_http_push_proc_sample(const ngx_http_push_proc_set_t *set,
    ngx_http_push_proc_sample_t *sample, int memory);

/*
 * ns on a CPU of the set up to this very moment: cheaper than a sample, and
 * exact while a process runs.
 */
uint64_t ngx_http_push_proc_clock(const ngx_http_push_proc_set_t *set);

/* bytes that the machine can still give */
uint64_t ngx_http_push_proc_available(void);

/*
 * What the kernel holds for the sockets of one local port whose peers have
 * not taken it yet: the largest and the sum.
 */
void ngx_http_push_proc_unsent(uint16_t port, uint64_t *largest,
    uint64_t *sum);


#endif /* _NGX_HTTP_PUSH_PROC_H_INCLUDED_ */
