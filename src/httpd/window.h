/**
 * @file window.h
 * @brief The beginning of a request's body, read ahead and given back.
 */
#ifndef CP_WINDOW_H
#define CP_WINDOW_H

#include <stdbool.h>
#include <httpd.h>
#include <apr_buckets.h>

/**
 * One buffer, whatever the packets and chunks in which the body came. It
 * lives as long as the request and all that it is redirected to.
 */
typedef struct cp_window {
    apr_pool_t *pool;
    apr_bucket_brigade *piece;  /* what one read brings */
    char *bytes;
    apr_size_t capacity;
    apr_size_t length;          /* read ahead */
    apr_size_t given;           /* and given back so far */
    bool complete;              /* it holds the whole body */
    bool shut;                  /* nobody gets anything of the body */
} cp_window;

/** An empty window on a request's body; the body is not touched. */
cp_window *cp_window_open(request_rec *r);

/** Whether nothing more can be read ahead. */
bool cp_window_full(const cp_window *window);

/**
 * Reads on, as much as is there, and waits where nothing is.
 * @return OK or the HTTP status for a body that cannot be read; the window is
 *         shut then
 */
int cp_window_read(cp_window *window, request_rec *r);

/**
 * Puts the filter in that gives back what was read ahead, byte by byte the
 * body as it came, unless it is there or all was given. An internal redirect
 * drops it: each request gets it anew.
 */
void cp_window_replay(cp_window *window, request_rec *r);

/**
 * From here on the request has no body for anybody. What is left of a short
 * one is read, so that the connection can go on; else the connection is
 * closed after the answer.
 */
void cp_window_shut(cp_window *window, request_rec *r);

void cp_window_register(void);

#endif
