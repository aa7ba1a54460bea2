/*
 * Copyright (C) the ngx_http_push_module authors
 *
 * Floor 3: NAMEs and PATTERNs of directives, compiled into parts.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_push_compile.h"
#include "ngx_http_push_conf.h"
#include "ngx_http_push_ctx.h"
#include "ngx_http_push_name.h"


static char *ngx_http_push_compile_check_name(ngx_conf_t *cf,
    ngx_http_push_loc_conf_t *lcf, ngx_str_t *value);
static char *ngx_http_push_compile_note(ngx_conf_t *cf, ngx_str_t *name);
static ngx_int_t ngx_http_push_compile_add_pieces(ngx_conf_t *cf,
    ngx_array_t *parts, ngx_http_push_part_t *part, ngx_uint_t fold);
static char *ngx_http_push_compile_cut(ngx_conf_t *cf, ngx_str_t *text,
    ngx_array_t *parts);
static size_t ngx_http_push_compile_cut_variable(u_char *p, u_char *last);
static char *ngx_http_push_compile_value(ngx_conf_t *cf, ngx_str_t *text,
    ngx_http_complex_value_t **value);


char *
ngx_http_push_compile_name(ngx_conf_t *cf, ngx_http_push_loc_conf_t *lcf,
    ngx_str_t *value)
{
    char                  *rv;
    ngx_str_t              head;
    ngx_array_t           *parts;
    ngx_http_push_part_t  *part;

    parts = ngx_array_push(lcf->names);
    if (parts == NULL) {
        return NGX_CONF_ERROR;
    }

    rv = ngx_http_push_compile_cut(cf, value, parts);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    part = parts->elts;

    if (parts->nelts == 0 || (parts->nelts == 1 && part[0].value == NULL)) {
        return ngx_http_push_compile_check_name(cf, lcf, value);
    }

    ngx_str_null(&head);

    if (part[0].value == NULL) {
        head.data = (u_char *) part[0].piece.p;
        head.len = part[0].piece.len;
    }

    return ngx_http_push_compile_note(cf, &head);
}


/* a NAME without variables: what is wrong with it is known now */

static char *
ngx_http_push_compile_check_name(ngx_conf_t *cf,
    ngx_http_push_loc_conf_t *lcf, ngx_str_t *value)
{
    int          code;
    char        *rv;
    u_char      *p, *end, *last;
    ngx_str_t    name;
    ngx_uint_t   n;

    n = 0;
    last = value->data + value->len;

    for (p = value->data; p < last; p = end + 1) {

        end = lcf->split ? ngx_strlchr(p, last, lcf->split) : NULL;

        if (end == NULL) {
            end = last;
        }

        if (end == p) {
            continue;
        }

        name.data = ngx_pnalloc(cf->pool, end - p);
        if (name.data == NULL) {
            return NGX_CONF_ERROR;
        }

        code = ngx_http_push_name_unescape(name.data, p, end - p, &name.len);

        if (code == NGX_HTTP_PUSH_NAME_OK) {
            code = ngx_http_push_name_check(name.data, name.len);
        }

        if (code != NGX_HTTP_PUSH_NAME_OK) {
            return ngx_http_push_conf_fail(cf,
                                    "invalid channel name \"%*s\": %s",
                                    (size_t) (end - p), p,
                                    ngx_http_push_name_reason(code));
        }

        if (name.len == 1
            && ngx_http_push_name_reserved(name.data, name.len, NULL, 0)
               == NGX_HTTP_PUSH_NAME_PRIVATE)
        {
            return ngx_http_push_conf_fail(cf,
                                    "invalid channel name \"%V\": nothing "
                                    "follows the reserved character", &name);
        }

        rv = ngx_http_push_compile_note(cf, &name);
        if (rv != NGX_CONF_OK) {
            return rv;
        }

        n++;
    }

    if (n == 0) {
        return ngx_http_push_conf_fail(cf,
                                      "empty channel name \"%V\", 1 to %d "
                                      "bytes expected", value,
                                      NGX_HTTP_PUSH_NAME_MAX);
    }

    return NGX_CONF_OK;
}


/* reserved beginnings depend on push_redis, which may come later */

static char *
ngx_http_push_compile_note(ngx_conf_t *cf, ngx_str_t *name)
{
    ngx_str_t                  *value;
    ngx_http_push_note_t       *note;
    ngx_http_push_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_push_module);

    note = ngx_array_push(&mcf->notes);
    if (note == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    note->directive = value[0];
    note->name = *name;
    note->file = cf->conf_file->file.name;
    note->line = cf->conf_file->line;

    return NGX_CONF_OK;
}


char *
ngx_http_push_compile_pattern(ngx_conf_t *cf, ngx_http_push_allow_t *allow,
    ngx_str_t *value)
{
    char                  *rv;
    ngx_int_t              rc;
    ngx_uint_t             i;
    ngx_array_t            cut, *parts;
    ngx_http_push_part_t  *part;

    if (value->len == 0) {
        return ngx_http_push_conf_fail(cf, "empty pattern \"\"");
    }

    rv = ngx_http_push_compile_cut(cf, value, &cut);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    parts = ngx_array_push(allow->patterns);
    if (parts == NULL) {
        return NGX_CONF_ERROR;
    }

    if (ngx_array_init(parts, cf->pool, cut.nelts,
                       sizeof(ngx_http_push_part_t))
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    part = cut.elts;

    for (i = 0; i < cut.nelts; i++) {
        rc = ngx_http_push_compile_add_pieces(cf, parts, &part[i],
                                              allow->fold);
        if (rc == NGX_ERROR) {
            return NGX_CONF_ERROR;
        }

        if (rc == NGX_DECLINED) {
            return ngx_http_push_conf_fail(cf,
                                     "pattern \"%V\" is too long, at most %d "
                                     "texts, variables, \"*\" and \"**\" "
                                     "expected", value,
                                     NGX_HTTP_PUSH_NAME_MAX_PIECES);
        }
    }

    return NGX_CONF_OK;
}


/* NGX_DECLINED: more than a pattern may have */

static ngx_int_t
ngx_http_push_compile_add_pieces(ngx_conf_t *cf, ngx_array_t *parts,
    ngx_http_push_part_t *part, ngx_uint_t fold)
{
    u_char                      *p;
    size_t                       i, n;
    ngx_http_push_part_t        *add;
    ngx_http_push_name_piece_t   pieces[NGX_HTTP_PUSH_NAME_MAX_PIECES];

    n = 1;
    pieces[0] = part->piece;

    if (part->value == NULL) {
        p = (u_char *) part->piece.p;

        if (fold) {
            p = ngx_pnalloc(cf->pool, part->piece.len);
            if (p == NULL) {
                return NGX_ERROR;
            }

            ngx_strlow(p, (u_char *) part->piece.p, part->piece.len);
        }

        if (ngx_http_push_name_compile(p, part->piece.len, pieces,
                                       NGX_HTTP_PUSH_NAME_MAX_PIECES, &n)
            != NGX_HTTP_PUSH_NAME_OK)
        {
            return NGX_DECLINED;
        }
    }

    if (parts->nelts + n > NGX_HTTP_PUSH_NAME_MAX_PIECES) {
        return NGX_DECLINED;
    }

    for (i = 0; i < n; i++) {
        add = ngx_array_push(parts);
        if (add == NULL) {
            return NGX_ERROR;
        }

        add->value = part->value;
        add->piece = pieces[i];
    }

    return NGX_OK;
}


/* own text and variables of a NAME or PATTERN, each a part */

static char *
ngx_http_push_compile_cut(ngx_conf_t *cf, ngx_str_t *text, ngx_array_t *parts)
{
    char                      *rv;
    u_char                    *p, *last;
    ngx_str_t                  s;
    ngx_http_push_part_t      *part;
    ngx_http_complex_value_t  *value;

    if (ngx_array_init(parts, cf->pool, 2, sizeof(ngx_http_push_part_t))
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    /* nginx judges the syntax, so that below it is known to be good */

    rv = ngx_http_push_compile_value(cf, text, &value);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    p = text->data;
    last = text->data + text->len;

    for ( /* void */ ; p < last; p += s.len) {

        s.data = p;
        value = NULL;

        if (*p == '$') {
            s.len = ngx_http_push_compile_cut_variable(p, last);

            rv = ngx_http_push_compile_value(cf, &s, &value);
            if (rv != NGX_CONF_OK) {
                return rv;
            }

        } else {
            s.data = ngx_strlchr(p, last, '$');
            s.len = (s.data ? s.data : last) - p;
        }

        part = ngx_array_push(parts);
        if (part == NULL) {
            return NGX_CONF_ERROR;
        }

        part->value = value;
        part->piece.kind = NGX_HTTP_PUSH_NAME_LITERAL;
        part->piece.p = p;
        part->piece.len = s.len;
    }

    return NGX_CONF_OK;
}


/* "${name}", "$1" or "$name", as ngx_http_script_compile() reads them */

static size_t
ngx_http_push_compile_cut_variable(u_char *p, u_char *last)
{
    u_char  *q, ch;

    q = p + 1;

    if (q < last && *q >= '1' && *q <= '9') {
        return 2;
    }

    if (q < last && *q == '{') {
        q = ngx_strlchr(q, last, '}');

        return (q ? q + 1 : last) - p;
    }

    for ( /* void */ ; q < last; q++) {
        ch = *q;

        if ((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z')
            || (ch >= '0' && ch <= '9') || ch == '_')
        {
            continue;
        }

        break;
    }

    return q - p;
}


static char *
ngx_http_push_compile_value(ngx_conf_t *cf, ngx_str_t *text,
    ngx_http_complex_value_t **value)
{
    ngx_http_compile_complex_value_t  ccv;

    *value = ngx_palloc(cf->pool, sizeof(ngx_http_complex_value_t));
    if (*value == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = text;
    ccv.complex_value = *value;

    if (ngx_http_compile_complex_value(&ccv) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}
