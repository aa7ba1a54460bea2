/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: who of the processes that share memory still lives, and a lock
 * that outlives its holder.  Owns nothing.
 */


#ifndef _NGX_HTTP_PUSH_PROCESS_H_INCLUDED_
#define _NGX_HTTP_PUSH_PROCESS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#if !(NGX_HAVE_ATOMIC_OPS)
#error ngx_http_push_module needs atomic operations
#endif


/*
 * When the process began, in the clock ticks of /proc; 0 where that cannot be
 * known.  Together with the pid it is an identity, which a pid alone is not.
 */
uint64_t ngx_http_push_process_started(ngx_pid_t pid);

/*
 * 1: there is no such process, what has its pid began at another time, or it
 * is a zombie.  started 0 compares nothing.  Opens a file: for a process that
 * lives it is not cheap.
 */
ngx_uint_t ngx_http_push_process_gone(ngx_pid_t pid, uint64_t started);

/* 1: there is no such pid; one system call, and zombies are there */
ngx_uint_t ngx_http_push_process_missing(ngx_pid_t pid);

/*
 * A word of shared memory that holds the pid of its holder, as nginx's own
 * mutex does.  A holder that was killed loses it to who waits, even where no
 * master knows of the lock; what he left behind is for the caller to find out.
 * Not recursive, and the holder may not sleep.
 */
void ngx_http_push_process_lock(ngx_atomic_t *lock);
void ngx_http_push_process_unlock(ngx_atomic_t *lock);


#endif /* _NGX_HTTP_PUSH_PROCESS_H_INCLUDED_ */
