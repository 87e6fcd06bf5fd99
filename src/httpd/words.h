/**
 * @file words.h
 * @brief What directives are written with: words, times, key=value, hosts.
 */
#ifndef CP_WORDS_H
#define CP_WORDS_H

#include "config.h"

/** A message that names the directive, the value, and what is allowed. */
const char *cp_words_refuse(cmd_parms *cmd, const char *value,
                            const char *allowed);

/**
 * Splits key=value.
 * @param key  gets the key
 * @return the value, or NULL where there is no key or no `=`
 */
const char *cp_words_value(apr_pool_t *pool, const char *word,
                           const char **key);

/**
 * Splits a directive's arguments into words. Quotes, double or single, keep
 * blanks; they stand at a word's beginning or after its `=`, as in
 * purpose="To count". In them a backslash keeps a quote or a backslash.
 * @return an array of const char *, from the temporary pool, of words from the
 *         configuration's; NULL where a quote is not closed
 */
apr_array_header_t *cp_words_all(cmd_parms *cmd, const char *arguments);

/** A word's place in a list that NULL ends, in any case of letters; or -1. */
int cp_words_find(const char *const *words, const char *word);

/**
 * A time in seconds: a number with a unit s, m, h, d, w, M (30 days) or y
 * (365 days), or as in "6 months"; without a unit it is seconds.
 * @return -1 when it is none
 */
int cp_words_seconds(const char *text);

/** Whether it is a host name or address, of IPv6 in brackets; `*.` may stand
 *  before a name of two labels or more. */
bool cp_words_is_host(const char *host);

/** @return a port's number; 0 when it is none of 1 to 65535 */
apr_port_t cp_words_port(const char *digits);

/**
 * Takes a host and its port apart (RFC 3986 section 3.2), in small letters,
 * an IPv6 address in brackets and in one spelling. What the host consists of
 * otherwise is for the caller to check.
 * @param origin  gets host and port, 0 where none is said
 * @return false where it is not one host with at most one good port
 */
bool cp_words_authority(apr_pool_t *pool, const char *text,
                        cp_origin *origin);

/** Whether it is an http or https URL. */
bool cp_words_is_web_address(const char *value);

/**
 * Adds one key=value or key[language]=value, each key once.
 * @param is_known  whether there is such a key; its second argument is
 *                  whether the key has a language
 * @param allowed   what the message says is allowed
 * @return NULL, or what is wrong
 */
const char *cp_words_text(cmd_parms *cmd, apr_table_t *texts,
                          const char *word, bool (*is_known)(cp_span, bool),
                          const char *allowed);

/** Reads an origin; its host may begin with `*.`.
 *  @return NULL, or what is wrong */
const char *cp_words_origin(cmd_parms *cmd, const char *word,
                            cp_origin *origin);

/** The server that a directive is for. */
static inline cp_server_config *cp_words_server(cmd_parms *cmd)
{
    return cp_server_config_of(cmd->server);
}

#endif
