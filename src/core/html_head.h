/**
 * @file html_head.h
 * @brief The place in the head of a page that begins as nearly all do.
 */
#ifndef CP_HTML_HEAD_H
#define CP_HTML_HEAD_H

#include "span.h"

/**
 * Finds at a glance what a reader of html.h finds by reading: the place behind
 * `<!doctype html>`, `<html>` with quoted attributes or none, `<head>` and
 * `<meta charset="...">`, with nothing but blanks between them.
 * @param page  its first bytes
 * @return how many bytes lie before the place; 0 where it begins in any other
 *         way or where that much is not there: the reader has to find it
 */
apr_size_t cp_html_head_glance(cp_span page);

#endif
