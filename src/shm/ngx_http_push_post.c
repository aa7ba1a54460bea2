/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 1: what is published becomes one step for everybody, under one
 * locking: its offset, its place in the history and in all mailboxes.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_push_audience.h"
#include "ngx_http_push_post.h"
#include "ngx_http_push_slots.h"


#define NGX_HTTP_PUSH_POST_APART   (64 * 1024)    /* filled without the lock */
#define NGX_HTTP_PUSH_POST_ROUND   (8 * 1024)     /* bytes, at least, that a
                                                     round of evictions gives */
#define NGX_HTTP_PUSH_POST_OFFSET  ((uint64_t) -1)
#define NGX_HTTP_PUSH_POST_EVICTIONS  64


/* what is made before anybody sees it */

typedef struct {
    ngx_http_push_segment_t           *seg;
    ngx_http_push_post_t              *post;
    ngx_http_push_audience_channel_t  *audience;
    ngx_http_push_segment_msg_t       *m;
    ngx_http_push_store_block_t       *block;
    ngx_http_push_history_channel_t   *kept;
    ngx_str_t                          header;
    uint64_t                           epoch;
    ngx_atomic_uint_t                  incarnation;
    ngx_uint_t                         rounds;
    unsigned                           filled:1;
} ngx_http_push_post_job_t;


static ngx_int_t ngx_http_push_post_measure(ngx_http_push_post_job_t *job);
static ngx_int_t ngx_http_push_post_make_locked(
    ngx_http_push_post_job_t *job);
static ngx_int_t ngx_http_push_post_address_locked(
    ngx_http_push_post_job_t *job);
static ngx_int_t ngx_http_push_post_keep_locked(
    ngx_http_push_post_job_t *job);
static ngx_uint_t ngx_http_push_post_apart_locked(
    ngx_http_push_post_job_t *job);
static void ngx_http_push_post_fill(ngx_http_push_post_job_t *job);
static ngx_int_t ngx_http_push_post_again_locked(
    ngx_http_push_post_job_t *job);
static void ngx_http_push_post_discard_locked(ngx_http_push_post_job_t *job);
static ngx_uint_t ngx_http_push_post_link_locked(
    ngx_http_push_post_job_t *job, uint16_t *rung);
static void ngx_http_push_post_number_locked(ngx_http_push_post_job_t *job);
static ngx_int_t ngx_http_push_post_recognize_locked(
    ngx_http_push_post_job_t *job);
static void ngx_http_push_post_remember_locked(
    ngx_http_push_post_job_t *job);


static u_char  ngx_http_push_post_zeros[] = "0000000000000000";


/*
 * A large message is filled without the lock.  Until it is linked it stands in
 * sh->making and sh->history.draft, where it is found again if this process is
 * killed.
 */

ngx_int_t
ngx_http_push_post(ngx_http_push_segment_t *seg, ngx_http_push_post_t *post)
{
    u_char                    buf[NGX_HTTP_PUSH_ENVELOPE_HEADER_MAX];
    uint16_t                  rung[NGX_HTTP_PUSH_SLOTS_MAX];
    ngx_int_t                 rc;
    ngx_uint_t                i, n;
    ngx_http_push_post_job_t  job;

    ngx_memzero(&job, sizeof(ngx_http_push_post_job_t));

    job.seg = seg;
    job.post = post;
    job.header.data = buf;
    job.rounds = 2 + post->letter.body.len / NGX_HTTP_PUSH_POST_ROUND;

    rc = ngx_http_push_post_measure(&job);
    if (rc != NGX_OK) {
        return rc;
    }

    n = 0;

    do {
        ngx_http_push_segment_lock(seg);

        rc = ngx_http_push_post_make_locked(&job);

        if (rc == NGX_OK && ngx_http_push_post_apart_locked(&job)) {

            ngx_http_push_segment_unlock(seg);

            ngx_http_push_post_fill(&job);
            ngx_http_push_segment_leave(seg);

            ngx_http_push_segment_lock(seg);

            rc = ngx_http_push_post_again_locked(&job);
        }

        if (rc == NGX_OK) {
            n = ngx_http_push_post_link_locked(&job, rung);
        }

        ngx_http_push_segment_unlock(seg);

    } while (rc == NGX_BUSY && job.rounds-- != 0);

    for (i = 0; i < n; i++) {
        ngx_http_push_slots_ring(rung[i]);
    }

    return rc;
}


/* the header of what is kept is written when its offset is known */

static ngx_int_t
ngx_http_push_post_measure(ngx_http_push_post_job_t *job)
{
    ngx_http_push_post_t  *post;

    post = job->post;

    post->subscribers = 0;
    post->known = 0;
    post->self = 0;

    ngx_http_push_position_reset(&post->position);

    if (post->keep) {
        post->env.epoch.data = ngx_http_push_post_zeros;
        post->env.epoch.len = NGX_HTTP_PUSH_HISTORY_EPOCH;
        post->env.offset = NGX_HTTP_PUSH_POST_OFFSET;
    }

    post->letter.reserve = ngx_http_push_envelope_header_size(&post->env);

    if (post->letter.reserve == 0) {
        return NGX_HTTP_PUSH_POST_BAD;
    }

    if (post->letter.reserve + post->letter.body.len > job->seg->message_max) {
        return NGX_DECLINED;
    }

    if (!post->keep) {
        job->header.len = post->letter.reserve;

        (void) ngx_http_push_envelope_write_header(job->header.data,
                                                   &post->env);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_push_post_make_locked(ngx_http_push_post_job_t *job)
{
    ngx_int_t  rc;

    job->m = NULL;
    job->block = NULL;
    job->kept = NULL;
    job->filled = 0;

    rc = ngx_http_push_post_recognize_locked(job);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_push_post_address_locked(job);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_push_post_keep_locked(job);
    if (rc != NGX_OK) {
        ngx_http_push_post_discard_locked(job);
    }

    return rc;
}


static ngx_int_t
ngx_http_push_post_address_locked(ngx_http_push_post_job_t *job)
{
    ngx_http_push_segment_t         *seg;
    ngx_http_push_mailbox_letter_t  *letter;

    seg = job->seg;
    letter = &job->post->letter;

    job->audience = ngx_http_push_audience_find_locked(seg, &letter->channel,
                                                       letter->hash);

    if (job->audience == NULL && seg->sh->everything == 0) {
        return NGX_OK;
    }

    if (letter->patient && ngx_http_push_mailbox_full_locked(seg)) {
        return NGX_AGAIN;
    }

    job->m = ngx_http_push_mailbox_create_locked(seg, letter);

    if (job->m == NULL) {
        return letter->patient ? NGX_AGAIN : NGX_ERROR;
    }

    return NGX_OK;
}


/* NGX_BUSY: no room, or none yet */

static ngx_int_t
ngx_http_push_post_keep_locked(ngx_http_push_post_job_t *job)
{
    ngx_int_t              rc;
    ngx_http_push_post_t  *post;

    post = job->post;

    if (!post->keep) {
        return NGX_OK;
    }

    rc = ngx_http_push_history_open_locked(job->seg, &post->item,
                                           post->letter.reserve
                                           + post->letter.body.len,
                                           &job->block, &job->kept);

    if (rc == NGX_DECLINED) {
        job->rounds = 0;
    }

    return (rc == NGX_OK) ? NGX_OK : NGX_BUSY;
}


/*
 * 1: to be filled, then ngx_http_push_segment_leave() to be called.  One at a
 * time, and of a quarter of the largest size at most, so that the arena has
 * room for the largest one beside it.
 */

static ngx_uint_t
ngx_http_push_post_apart_locked(ngx_http_push_post_job_t *job)
{
    ngx_http_push_segment_t     *seg;
    ngx_http_push_segment_sh_t  *sh;

    seg = job->seg;
    sh = seg->sh;

    if ((job->m == NULL && job->block == NULL)
        || job->post->letter.body.len < NGX_HTTP_PUSH_POST_APART
        || job->post->letter.body.len > seg->message_max / 4
        || sh->making != NULL
        || sh->history.draft != NULL)
    {
        return 0;
    }

    sh->making = job->m;
    sh->maker = seg->slot;
    sh->history.draft = job->block;
    sh->history.drafter = seg->slot;

    job->incarnation = sh->incarnation;

    return ngx_http_push_segment_enter(seg, sh->incarnation);
}


static void
ngx_http_push_post_fill(ngx_http_push_post_job_t *job)
{
    ngx_http_push_mailbox_letter_t  *letter;

    letter = &job->post->letter;

    if (job->m != NULL) {
        ngx_http_push_mailbox_fill(job->m, letter);
    }

    if (job->block != NULL) {
        ngx_http_push_store_fill(job->block, letter->reserve, &letter->body);
    }

    job->filled = 1;
}


/*
 * Meanwhile the slabs may be others, somebody may have joined or left, the
 * history may have been forgotten, and the same may have been published.
 */

static ngx_int_t
ngx_http_push_post_again_locked(ngx_http_push_post_job_t *job)
{
    ngx_int_t                        rc;
    ngx_http_push_segment_sh_t      *sh;
    ngx_http_push_mailbox_letter_t  *letter;

    sh = job->seg->sh;
    letter = &job->post->letter;

    if (sh->incarnation != job->incarnation) {
        return ngx_http_push_post_make_locked(job);
    }

    sh->making = NULL;
    sh->history.draft = NULL;

    job->audience = ngx_http_push_audience_find_locked(job->seg,
                                                       &letter->channel,
                                                       letter->hash);

    rc = ngx_http_push_post_recognize_locked(job);

    if (rc == NGX_OK) {
        rc = ngx_http_push_post_keep_locked(job);
    }

    if (rc == NGX_OK && job->m == NULL
        && (job->audience != NULL || sh->everything != 0))
    {
        job->m = ngx_http_push_mailbox_create_locked(job->seg, letter);

        if (job->m == NULL) {
            rc = letter->patient ? NGX_AGAIN : NGX_ERROR;

        } else {
            ngx_http_push_mailbox_fill(job->m, letter);
        }
    }

    if (rc != NGX_OK) {
        ngx_http_push_post_discard_locked(job);
    }

    return rc;
}


static void
ngx_http_push_post_discard_locked(ngx_http_push_post_job_t *job)
{
    if (job->m != NULL) {
        ngx_http_push_mailbox_discard_locked(job->seg, job->m);
        job->m = NULL;
    }

    if (job->block != NULL) {
        ngx_http_push_store_destroy_locked(job->seg, job->block);
        job->block = NULL;
    }
}


/* nothing fails from here on; returns how many slots are to be rung */

static ngx_uint_t
ngx_http_push_post_link_locked(ngx_http_push_post_job_t *job, uint16_t *rung)
{
    ngx_uint_t                       n;
    ngx_http_push_post_t            *post;
    ngx_http_push_mailbox_letter_t  *letter;

    post = job->post;
    letter = &post->letter;
    n = 0;

    if (post->keep) {
        ngx_http_push_post_number_locked(job);

        ngx_http_push_history_append_locked(job->seg, job->kept, &post->item,
                                            job->block, &job->header,
                                            &letter->body);
    }

    if (post->forget) {
        post->known = ngx_http_push_history_forget_locked(job->seg,
                                                          &letter->channel,
                                                          letter->hash);
    }

    letter->subscribers = 0;
    letter->known = 0;
    letter->self = 0;

    if (job->m != NULL) {

        if (!job->filled) {
            ngx_http_push_mailbox_fill(job->m, letter);
        }

        ngx_http_push_mailbox_seal(job->m, &job->header);

        n = ngx_http_push_mailbox_link_locked(job->seg, job->audience, job->m,
                                              letter, rung);
    }

    post->subscribers = letter->subscribers;
    post->known |= letter->known;
    post->self = letter->self;

    ngx_http_push_post_remember_locked(job);

    return n;
}


static void
ngx_http_push_post_number_locked(ngx_http_push_post_job_t *job)
{
    u_char                *last;
    ngx_http_push_post_t  *post;

    post = job->post;

    job->epoch = job->kept->epoch;

    ngx_http_push_history_position(job->kept, &post->position);

    post->env.epoch.data = post->position.epoch;
    post->env.epoch.len = post->position.len;
    post->env.offset = ++post->position.offset;

    last = ngx_http_push_envelope_write_header(job->header.data, &post->env);

    job->header.len = last - job->header.data;
}


static ngx_int_t
ngx_http_push_post_recognize_locked(ngx_http_push_post_job_t *job)
{
    ngx_http_push_post_t    *post;
    ngx_http_push_repeat_t  *rp;

    post = job->post;

    if (!post->once) {
        return NGX_OK;
    }

    rp = ngx_http_push_repeat_find_locked(job->seg, &post->mark);

    if (rp == NULL) {
        return NGX_OK;
    }

    if (!ngx_http_push_repeat_same(rp, &post->mark)) {
        return NGX_ABORT;
    }

    post->subscribers = rp->subscribers;

    if (rp->offset != 0) {
        post->position.offset = rp->offset;
        post->position.len = NGX_HTTP_PUSH_HISTORY_EPOCH;

        ngx_http_push_history_write_epoch(post->position.epoch, rp->epoch);
    }

    return NGX_DONE;
}


/* without room for it a repeat will be sent again: that is no reason to fail */

static void
ngx_http_push_post_remember_locked(ngx_http_push_post_job_t *job)
{
    ngx_uint_t               i;
    ngx_http_push_post_t    *post;
    ngx_http_push_repeat_t  *rp;

    post = job->post;

    if (!post->once) {
        return;
    }

    rp = ngx_http_push_repeat_create_locked(job->seg, &post->mark);

    for (i = 0; rp == NULL && i < NGX_HTTP_PUSH_POST_EVICTIONS; i++) {

        if (ngx_http_push_history_evict_locked(job->seg) != NGX_OK) {
            break;
        }

        rp = ngx_http_push_repeat_create_locked(job->seg, &post->mark);
    }

    if (rp == NULL) {
        return;
    }

    rp->subscribers = post->subscribers;

    if (post->keep) {
        rp->epoch = job->epoch;
        rp->offset = post->position.offset;
    }
}
