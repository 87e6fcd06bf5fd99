#include "language.h"
#include "quality.h"

#include <stdlib.h>
#include <apr_lib.h>

/* Ranges of one Accept-Language header that are looked at. */
#define RANGES_MAX 32

static bool language_open(const cp_visit *visit)
{
    return visit->terms->languages != NULL;
}

bool cp_language_tag_is_good(const char *tag)
{
    if (!apr_isalpha(*tag) || strlen(tag) > CP_LANGUAGE_TAG_MAX) {
        return false;
    }
    for (const char *c = tag; *c; c++) {
        if (!apr_isalnum(*c) && (*c != '-' || !apr_isalnum(c[1]))) {
            return false;
        }
    }
    return true;
}

bool cp_language_is_known(const char *tag)
{
    static const char known[] =
        "aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca "
        "ce ch co cr cs cu cv cy da de dv dz ee el en eo es et eu fa ff fi "
        "fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie "
        "ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv "
        "kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na "
        "nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm "
        "rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw "
        "ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa "
        "wo xh yi yo za zh zu ";
    apr_size_t length = strcspn(tag, "-");
    char word[] = "xx ";

    if (!cp_language_tag_is_good(tag) || length < 2 || length > 3) {
        return false;
    }
    word[0] = (char)apr_tolower(tag[0]);
    word[1] = (char)apr_tolower(tag[1]);
    return length == 3 || strstr(known, word) != NULL;
}

/* The configured spelling of a tag, or NULL. */
static const char *tag_find(const cp_visit *visit, cp_span tag)
{
    for (const char *const *listed = visit->terms->languages; *listed;
         listed++) {
        if (strlen(*listed) == tag.length
            && strncasecmp(*listed, tag.at, tag.length) == 0) {
            return *listed;
        }
    }
    return NULL;
}

cp_span cp_language_shortened(cp_span range)
{
    while (range.length && range.at[range.length - 1] != '-') {
        range.length--;
    }
    range.length -= range.length > 0;
    if (range.length >= 2 && range.at[range.length - 2] == '-') {
        range.length -= 2;
    }
    return range;
}

static const char *range_look_up(const cp_visit *visit, cp_span range)
{
    const char *found = NULL;

    for (; range.length && !found; range = cp_language_shortened(range)) {
        found = tag_find(visit, range);
    }
    return found;
}

typedef struct weighted_range {
    cp_span range;
    int quality;                /* in thousandths */
    int place;
} weighted_range;

static int range_compare(const void *a, const void *b)
{
    const weighted_range *one = a;
    const weighted_range *two = b;

    return one->quality != two->quality ? two->quality - one->quality
                                        : one->place - two->place;
}

static int ranges_read(const char *header, weighted_range *ranges)
{
    int count = 0;

    while (*header && count < RANGES_MAX) {
        apr_size_t element = strcspn(header, ",");
        apr_size_t blanks = strspn(header, " \t");
        apr_size_t length;

        if (blanks < element) {
            length = strcspn(header + blanks, ",; \t");
            ranges[count].range = cp_span_make(header + blanks, length);
            length += blanks;
            length += strspn(header + length, " \t");
            ranges[count].quality =
                header[length] != ';' ? CP_QUALITY_MAX
                : cp_quality_read(cp_span_make(header + length + 1,
                                               element - length - 1));
            ranges[count].place = count;
            count++;
        }
        header += element;
        header += *header == ',';
    }
    return count;
}

/* Whether the visitor says of a language, or of all its kind, not to want
 * it. */
static bool is_unwanted(const char *language, const weighted_range *ranges,
                        int count)
{
    for (int i = 0; i < count; i++) {
        cp_span range = ranges[i].range;

        if (ranges[i].quality == 0 && range.length
            && strncasecmp(language, range.at, range.length) == 0
            && (language[range.length] == '\0'
                || language[range.length] == '-')) {
            return true;
        }
    }
    return false;
}

static const char *language_negotiate(const cp_visit *visit)
{
    const char *const *languages = visit->terms->languages;
    weighted_range ranges[RANGES_MAX];
    const char *found = NULL;
    int count;

    if (!visit->request.accept_language || !languages[1]) {
        return languages[0];
    }
    count = ranges_read(visit->request.accept_language, ranges);
    qsort(ranges, (size_t)count, sizeof(ranges[0]), range_compare);
    /* `*` finds nothing here: what is left to it is the fallback. */
    for (int i = 0; i < count && ranges[i].quality > 0 && !found; i++) {
        found = range_look_up(visit, ranges[i].range);
    }
    for (int i = 0; languages[i] && !found; i++) {
        found = is_unwanted(languages[i], ranges, count) ? NULL
                                                         : languages[i];
    }
    return found ? found : languages[0];
}

static void language_validate(cp_visit *visit)
{
    cp_verdict *verdict = &visit->verdicts[CP_LANGUAGE];

    if (!language_open(visit)) {
        return;
    }
    for (int i = 0; i < verdict->received_count; i++) {
        const char *tag = tag_find(visit, verdict->received[i]);

        if (tag) {
            verdict->reason = CP_VALID;
            verdict->value = tag;
            return;
        }
        verdict->reason = CP_UNLISTED;
    }
}

static void language_issue(cp_visit *visit)
{
    visit->verdicts[CP_LANGUAGE].value = language_negotiate(visit);
}

static void language_hear(cp_visit *visit, const cp_set_cookie *cookie)
{
    if (!cookie->deletes) {
        cp_language_choose(visit, cp_cookie_unquoted(cookie->value));
    }
}

bool cp_language_choose(cp_visit *visit, cp_span tag)
{
    cp_verdict *verdict = &visit->verdicts[CP_LANGUAGE];
    const char *listed = language_open(visit) ? tag_find(visit, tag) : NULL;

    if (!listed) {
        return false;
    }
    if (visit->request.welcomes
        && (verdict->reason != CP_VALID || verdict->value != listed)) {
        verdict->value = listed;
        verdict->issuance = CP_ISSUE_NOW;
    }
    return true;
}

const char *cp_language(const cp_visit *visit)
{
    const char *chosen = visit->verdicts[CP_LANGUAGE].value;

    return chosen || !language_open(visit) ? chosen
                                           : language_negotiate(visit);
}

const cp_room cp_language_room = {
    "django_language",
    1,
    CP_LANGUAGE_TAG_MAX,
    language_open,
    language_validate,
    language_issue,
    language_hear
};
