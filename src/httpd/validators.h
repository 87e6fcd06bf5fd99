/**
 * @file validators.h
 * @brief ETag and Last-Modified of a page that a banner was put into
 *        (RFC 9110 section 8.8), and the conditions that name them.
 *
 * The page that goes out is not the one that lies on the disk or at the
 * backend, so that it has another ETag: a mark, made of the banner's name, is
 * put before its closing quote. A request that brings it back names the
 * page without it, too, before anybody compares.
 */
#ifndef CP_VALIDATORS_H
#define CP_VALIDATORS_H

#include "exchange.h"
#include "fields.h"

/**
 * Before anything is known of the answer: conditions that name a page with
 * today's mark name the page without it, too; those of a page from before the
 * banner, or with another one, are dropped, so that it is sent anew. The part
 * that a request asks for is put aside, so that nobody makes it out of what
 * lies on the disk or at the backend.
 * @param asked  what the request says
 * @param page   whether the answer may be a page
 */
void cp_validators_ask(cp_exchange *exchange, request_rec *r,
                       const cp_conditions *asked, bool page);

/** The answer begins: what was put aside is there again, for httpd to make the
 *  part out of what is sent. */
void cp_validators_answered(cp_exchange *exchange, request_rec *r);

/**
 * The answer is a page with the banner in it, or confirms one: its ETag gets
 * the mark, and it was last modified when httpd read its configuration, if
 * not later.
 * @param fields  of the answer, which get other values
 */
void cp_validators_mark(const cp_exchange *exchange, const request_rec *r,
                        const cp_page_fields *fields);

/** Whether a request asked to have a page confirmed that has the mark.
 *  @param none_match  its If-None-Match, or NULL */
bool cp_validators_asked(const cp_exchange *exchange, const char *none_match);

#endif
