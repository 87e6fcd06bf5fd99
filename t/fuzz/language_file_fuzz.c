/**
 * @file language_file_fuzz.c
 * @brief A site's own language file, and what it makes of the phrases.
 */
#include "fuzz_sample.h"
#include "language_file.h"
#include "phrasebook.h"

static const cp_phrases *standard(void)
{
    static const cp_phrases *made;
    static apr_pool_t *pool;
    const char *error;

    if (!made) {
        __lsan_disable();
        apr_pool_create(&pool, NULL);
        made = cp_phrases_make(&error, pool);
        __lsan_enable();
        FUZZ_ASSERT(made);
    }
    return made;
}

/* Nothing is left unfilled, and no two texts read like one. */
static void phrases_check(const cp_phrases *phrases, const char *tag,
                          apr_pool_t *pool)
{
    static const char *const keys[] = {
        "page.title", "language.name", "rule.consent", "problem.later"
    };
    static const int seconds[] = { 1, 60, 86400, 1814400, 31536000 };
    const char *filled = cp_phrase_fill(cp_phrase(phrases, tag,
                                                  "banner.text"),
                                        "{categories}", "all", pool);
    const char *direction = cp_phrase(phrases, tag, "language.direction");

    FUZZ_ASSERT(!strcmp(direction, "ltr") || !strcmp(direction, "rtl"));
    FUZZ_ASSERT(!strpbrk(filled, "{}\n\r"));
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const char *text = cp_phrase(phrases, tag, keys[i]);

        FUZZ_ASSERT(text && *text && !strpbrk(text, "{}\n\r"));
    }
    for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
        const char *text = cp_phrase_time(phrases, tag, seconds[i], NULL,
                                          pool);

        FUZZ_ASSERT(text && *text && !strpbrk(text, "{}\n\r"));
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    static const char *const names[] = {
        "nb.json", "fr.json", "ar-EG.json", "ru.json", "en.json"
    };
    const char *name = names[size % (sizeof(names) / sizeof(names[0]))];
    sample *site = fuzz_begin();
    char *copy = fuzz_copy(data, size, false);
    apr_array_header_t *files = apr_array_make(site->pool, 1,
                                               sizeof(void *));
    const cp_phrases *built_in = standard();
    const cp_phrases *phrases = NULL;
    const char *error = NULL;
    const cp_language_file *file =
        cp_language_file_read(name, cp_span_make(copy, size), built_in,
                              &error, site->pool);

    free(copy);
    FUZZ_ASSERT(!file == !!error);
    if (file) {
        *(const cp_language_file **)apr_array_push(files) = file;
        phrases = cp_phrasebook_find(cp_phrasebook_make(built_in, site->pool,
                                                        site->pool),
                                     files, &error);
        FUZZ_ASSERT(!phrases == !!error);
    }
    if (phrases) {
        phrases_check(phrases, file->tag, site->pool);
    }
    fuzz_end(site);
    return 0;
}
