#include "choice.h"
#include "banner.h"
#include "consent_log.h"

/* The policy page is a form, and does not say so; a program sends JSON. */
static cp_source source_of(const cp_form_data *form)
{
    const char *source = cp_form_data_get(form, "source");

    if (source && strcmp(source, "banner") == 0) {
        return CP_SOURCE_BANNER;
    }
    if (source && strcmp(source, "page") == 0) {
        return CP_SOURCE_PAGE;
    }
    return form->json ? CP_SOURCE_API : CP_SOURCE_PAGE;
}

/* The banner goes by the page's language before the browser's, and says which
 * one it had. @return NULL for that of the answer */
static const char *language_of(const cp_exchange *exchange,
                               const cp_form_data *form, cp_source source)
{
    const char *tag = cp_form_data_get(form, "language");

    return source == CP_SOURCE_BANNER && tag && exchange->server->banner
           ? cp_banner_language(exchange->server->banner, cp_span_of(tag))
           : NULL;
}

/* Only what was refused. */
static void grants_drop(const cp_policy *policy, cp_choice *kept,
                        const cp_choice *choices)
{
    for (int i = 0; i < policy->category_count; i++) {
        kept[i] = choices[i] == CP_REFUSED ? CP_REFUSED : CP_UNDECIDED;
    }
}

int cp_choice_make(cp_exchange *exchange, const cp_choice *choices,
                   const cp_form_data *form)
{
    cp_visit *visit = exchange->visit;
    cp_choice kept[CP_CATEGORIES_MAX];
    cp_consent consent = { .source = source_of(form) };
    cp_draft draft;

    if (!cp_preferences_draw(visit, choices, &draft)) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    consent.language = language_of(exchange, form, consent.source);
    consent.previous_id = visit->preferences->id;
    consent.id = draft.preferences.id;
    consent.choices = draft.preferences.choices;
    if (cp_consent_log_write(exchange, &consent) || !*consent.id) {
        cp_preferences_commit(visit, &draft);
        return OK;
    }
    grants_drop(visit->site->policy, kept, choices);
    return cp_preferences_choose(visit, kept) ? HTTP_SERVICE_UNAVAILABLE
                                              : HTTP_INTERNAL_SERVER_ERROR;
}
