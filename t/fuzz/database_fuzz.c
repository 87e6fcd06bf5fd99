/**
 * @file database_fuzz.c
 * @brief An Open Cookie Database's CSV, look-ups of what stands in it, and
 *        the lines that are made of it.
 */
#include "fuzz_sample.h"
#include "database.h"
#include "suggestion.h"

/* One line that an httpd.conf reads as what it says. */
static void line_check(const sample *with, const cp_known *known,
                       cp_span name)
{
    cp_sighting sighting = { .counts = { 1, 0, 0 } };
    cp_suggestion suggestion;
    const char *line;
    int quotes = 0;

    sighting.cut = name.length > CP_INVENTORY_NAME_MAX;
    memcpy(sighting.name, name.at, sighting.cut ? CP_INVENTORY_NAME_MAX
                                                : name.length);
    suggestion = cp_suggest(&sighting, known, with->site.policy, with->pool);
    if (suggestion.refusal) {
        return;
    }
    line = cp_suggestion_line(&suggestion, with->pool);
    FUZZ_ASSERT(strncmp(line, "CookiePolicyCookie ", 19) == 0);
    for (const char *c = line; *c; c++) {
        FUZZ_ASSERT((unsigned char)*c >= ' ' && *c != 0x7f);
        FUZZ_ASSERT(!strchr("\\$%@", *c));
        quotes += *c == '"';
    }
    FUZZ_ASSERT(quotes == 2 * (!!suggestion.provider
                               + !!suggestion.purpose));
}

/* What is found fits what was looked for, and is text that ends. */
static void known_check(const cp_known *known, cp_span name)
{
    const char *texts[] = {
        known->platform, known->category, known->domain, known->description,
        known->retention, known->controller
    };
    cp_span own = cp_span_of(known->name);

    FUZZ_ASSERT(own.length > 0 && own.length <= CP_DATABASE_NAME_MAX);
    FUZZ_ASSERT(own.length == name.length
                || (known->wildcard && own.length < name.length));
    FUZZ_ASSERT(memcmp(own.at, name.at, own.length) == 0);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        FUZZ_ASSERT(!texts[i] || *texts[i]);
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    sample *site = fuzz_begin();
    char *copy = fuzz_copy(data, size, false);
    const char *error = NULL;
    const cp_database *database = cp_database_parse(cp_span_make(copy, size),
                                                    "fuzz", &error,
                                                    site->pool);

    FUZZ_ASSERT(!database == !!error);
    for (size_t i = 0; database && i < size && i < 2000; i++) {
        for (size_t length = 1; length < 300 && i + length <= size;
             length = length * 2 + 1) {
            cp_span name = cp_span_make(copy + i, length);
            const cp_known *known = cp_database_find(database, name);

            if (known) {
                known_check(known, name);
                line_check(site, known, name);
            }
        }
    }
    free(copy);
    fuzz_end(site);
    return 0;
}
