/**
 * @file accept.h
 * @brief Which of the forms of an answer a client likes best.
 */
#ifndef CP_ACCEPT_H
#define CP_ACCEPT_H

/** The forms that our answers come in, all of them in UTF-8. */
typedef enum cp_medium {
    CP_MEDIUM_NONE,
    CP_MEDIUM_HTML,             /* text/html */
    CP_MEDIUM_JSON,             /* application/json */
    CP_MEDIUM_PLAIN             /* text/plain */
} cp_medium;

/**
 * Chooses by an Accept header (RFC 9110 section 12.5.1). Of each offer the
 * closest range counts: its type; its type with parameters that it has not;
 * all of its kind, like text; everything. The best quality wins. Of equals
 * the one that was named more closely, then the one that was named first,
 * then the one offered first.
 * @param accept  the header, several lines joined by commas; NULL, or
 *                without any range: all is accepted
 * @param offers  what there is, CP_MEDIUM_NONE behind the last
 * @return CP_MEDIUM_NONE when none of it is accepted
 */
cp_medium cp_accept_choose(const char *accept, const cp_medium *offers);

#endif
