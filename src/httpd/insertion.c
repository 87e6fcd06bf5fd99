#include "insertion.h"
#include "csrf.h"
#include "form.h"
#include "html_page.h"

#include <http_config.h>

static cp_span token_element(cp_span begin, const char *token,
                             apr_pool_t *pool)
{
    apr_size_t length = begin.length + CP_CSRF_MASKED_LENGTH + 2;
    char *element = apr_palloc(pool, length);
    char *to = cp_span_put(element, begin);

    to = cp_span_put(to, cp_span_make(token, CP_CSRF_MASKED_LENGTH));
    cp_span_put(to, CP_SPAN("\">"));
    return cp_span_make(element, length);
}

void cp_insertion_set_token(cp_insertion *add, const char *token,
                            apr_pool_t *pool)
{
    add->meta = token_element(CP_SPAN("<meta name=\"csrf-token\" content=\""),
                              token, pool);
    add->field = token_element(CP_SPAN("<input type=\"hidden\" name=\""
                                       CP_FORM_FIELD "\" value=\""), token,
                               pool);
}

/* What an application makes may be one visitor's, and is not remembered.
 * @return whether the bucket is a file and has all of a page */
static bool page_is_whole(apr_bucket *bucket, const apr_bucket_brigade *in,
                          cp_span *page)
{
    return bucket != APR_BRIGADE_SENTINEL(in)
           && (APR_BUCKET_IS_FILE(bucket) || APR_BUCKET_IS_MMAP(bucket))
           && APR_BUCKET_NEXT(bucket) != APR_BRIGADE_SENTINEL(in)
           && APR_BUCKET_IS_EOS(APR_BUCKET_NEXT(bucket))
           && bucket->length <= CP_HTML_PAGE_MAX
           && apr_bucket_read(bucket, &page->at, &page->length,
                              APR_BLOCK_READ) == APR_SUCCESS
           && APR_BUCKET_IS_EOS(APR_BUCKET_NEXT(bucket));
}

static apr_size_t place_size(const cp_insertion *add, cp_html_place place)
{
    return place == CP_HTML_FORM ? add->field.length
                                 : add->script.length + add->meta.length;
}

static char *place_write(char *to, const cp_insertion *add,
                         cp_html_place place)
{
    return place == CP_HTML_FORM
           ? cp_span_put(to, add->field)
           : cp_span_put(cp_span_put(to, add->script), add->meta);
}

/* Copies a page, with what is put in: to copy a few KB costs less than to
 * send them in pieces. */
static apr_bucket *page_write(cp_span page, const cp_insertion *add,
                              const cp_html_spots *spots,
                              apr_bucket_alloc_t *alloc)
{
    apr_size_t length = page.length;
    const char *from = page.at;
    char *text, *to;

    for (unsigned int i = 0; i < spots->count; i++) {
        length += place_size(add, spots->spots[i].place);
    }
    text = to = apr_bucket_alloc(length, alloc);
    for (unsigned int i = 0; i < spots->count; i++) {
        const char *at = page.at + spots->spots[i].at;

        to = cp_span_put(to, cp_span_make(from, (apr_size_t)(at - from)));
        to = place_write(to, add, spots->spots[i].place);
        from = at;
    }
    cp_span_put(to, cp_span_make(from, page.length
                                       - (apr_size_t)(from - page.at)));
    return apr_bucket_heap_create(text, length, apr_bucket_free, alloc);
}

bool cp_insertion_whole(const cp_insertion *add, const cp_html_origin *own,
                        request_rec *r, apr_bucket_brigade *in)
{
    apr_bucket *first = APR_BRIGADE_FIRST(in);
    cp_html_spots spots;
    cp_span page;

    if (!page_is_whole(first, in, &page)
        || !cp_html_page_read(page, own, &spots, r->pool)) {
        return false;
    }
    APR_BUCKET_INSERT_BEFORE(first, page_write(page, add, &spots,
                                               in->bucket_alloc));
    apr_bucket_delete(first);
    return true;
}

/* Before the code is gone that knows of them. */
static apr_status_t pages_forget(void *data)
{
    (void)data;
    cp_html_pages_forget();
    return APR_SUCCESS;
}

static void child_init(apr_pool_t *pchild, server_rec *main_server)
{
    (void)main_server;
    apr_pool_cleanup_register(pchild, NULL, pages_forget,
                              apr_pool_cleanup_null);
}

void cp_insertion_register(void)
{
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_MIDDLE);
}
