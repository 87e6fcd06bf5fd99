/**
 * @file filters.h
 * @brief The output filters.
 *
 * CP_HTML stands before any compression and puts the banner's script and tokens
 * into pages.
 * CP_CONTENT stands before any cache: it takes the application's session
 * commands out, lets the rooms hear what the application wants, and says
 * what a cache must know; without mod_cache it is left out, and CP_ISSUE does
 * both. CP_ISSUE stands after any cache, just before the
 * protocol: it drops what may not pass and adds what is to be issued. These
 * two only look at headers and leave with the first bytes. CP_INTERIM stands at
 * the connection, where a request asks for an upgrade.
 */
#ifndef CP_FILTERS_H
#define CP_FILTERS_H

#include "exchange.h"

/** Puts the filters into a main request's chain. */
void cp_filters_insert(request_rec *r);

/** Puts CP_CONTENT in, where there is a cache. */
void cp_filter_content_insert(request_rec *r);

/** Where there is none, does what CP_CONTENT would have done. */
void cp_filter_content_stand_in(cp_exchange *exchange, request_rec *r);

/**
 * What CP_CONTENT does with the header, where the HTML side must have it done
 * before: commands are obeyed, the rooms hear. What was done is not done
 * again.
 */
void cp_filter_content_look(cp_exchange *exchange, request_rec *r);

/** Puts the HTML side in, where it is configured, and has the request ask for
 *  a page whole. */
void cp_filter_html_insert(cp_exchange *exchange, request_rec *r);

/** Watches for interim responses: to a request that asks for an upgrade, or
 *  waits for a 100. */
void cp_filter_interim_insert(const cp_exchange *exchange, request_rec *r);

void cp_filter_content_register(void);
void cp_filter_html_register(void);
void cp_filter_issue_register(void);
void cp_filter_interim_register(void);

#define CP_FILTER_CONTENT "CP_CONTENT"
#define CP_FILTER_HTML "CP_HTML"
#define CP_FILTER_ISSUE "CP_ISSUE"
#define CP_FILTER_INTERIM "CP_INTERIM"

#endif
