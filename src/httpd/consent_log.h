/**
 * @file consent_log.h
 * @brief The proof of consent: one JSON line for each choice.
 */
#ifndef CP_CONSENT_LOG_H
#define CP_CONSENT_LOG_H

#include "exchange.h"
#include "preferences.h"

/** What CookiePolicyConsentLog says where none is kept, on purpose. */
#define CP_CONSENT_LOG_NONE "none"

typedef struct cp_consent_log cp_consent_log;

/** Where a choice was made. */
typedef enum cp_source {
    CP_SOURCE_PAGE,
    CP_SOURCE_BANNER,
    CP_SOURCE_API
} cp_source;

/** What a visitor chose, beside what was in force before. */
typedef struct cp_consent {
    cp_source source;
    const char *language;       /* that it was asked in; NULL: the visitor's */
    const char *previous_id;    /* of the consent before; may be empty */
    const char *id;             /* of this one; empty: nothing granted */
    const cp_choice *choices;   /* one for each category of the policy */
} cp_consent;

/**
 * Opens the logs of all hosts, each file or program once, and writes into
 * each what the digests of its hosts' policies stand for, once as long as the
 * server runs. Warns where a host asks for consent and keeps no log.
 * @param pool  the configuration's
 * @return OK; or, after logging why, HTTP_INTERNAL_SERVER_ERROR at a start
 *         where one cannot be opened (on a reload that host's choices then
 *         cannot be written)
 */
int cp_consent_log_open(server_rec *main_server, apr_pool_t *pool);

/**
 * Writes a line.
 * @return false when the host keeps a log and the line could not be written,
 *         which is logged once a minute at most
 */
bool cp_consent_log_write(const cp_exchange *exchange,
                          const cp_consent *consent);

/** Registers what a child does with the logs that it inherits. */
void cp_consent_log_register(void);

#endif
