#include "accept.h"
#include "quality.h"

/* How closely a range names a form, from farthest to closest. */
typedef enum closeness {
    NOT_AT_ALL,
    EVERYTHING,
    ALL_OF_ITS_KIND,
    ANOTHER_VARIANT,
    EXACTLY
} closeness;

typedef struct range {
    cp_span type;
    cp_span subtype;
    bool varied;                /* it has parameters that no offer has */
    int quality;
    int place;
} range;

/* What became of one offer. */
typedef struct standing {
    closeness close;
    int quality;
    int place;
} standing;

static bool is_word(cp_span text, const char *word)
{
    return text.length == strlen(word)
           && strncasecmp(text.at, word, text.length) == 0;
}

/* Takes off what stands before a separator that is in no quotes. */
static cp_span part_take(cp_span *rest, char separator)
{
    const char *end = rest->at + rest->length;
    const char *at = rest->at;
    cp_span part;
    bool quoted = false;

    for (; at < end && (quoted || *at != separator); at++) {
        if (*at == '"') {
            quoted = !quoted;
        }
        else if (quoted && *at == '\\' && at + 1 < end) {
            at++;
        }
    }
    part = cp_span_make(rest->at, (apr_size_t)(at - rest->at));
    at += at < end;
    *rest = cp_span_make(at, (apr_size_t)(end - at));
    return cp_span_trimmed(part);
}

static bool is_weight(cp_span parameter)
{
    return parameter.length >= 2 && parameter.at[1] == '='
           && (parameter.at[0] == 'q' || parameter.at[0] == 'Q');
}

/* Behind the weight there is nothing that has a meaning. */
static void parameters_read(range *read, cp_span rest)
{
    while (rest.length) {
        cp_span parameter = part_take(&rest, ';');

        if (is_weight(parameter)) {
            read->quality = cp_quality_read(parameter);
            return;
        }
        read->varied = read->varied
                       || (parameter.length
                           && !is_word(parameter, "charset=utf-8"));
    }
}

/* @return false when it is none. A lone asterisk is sent by some. */
static bool range_read(range *read, cp_span element, int place)
{
    cp_span name = part_take(&element, ';');
    const char *slash = name.length ? memchr(name.at, '/', name.length)
                                    : NULL;

    *read = (range){ .type = name, .subtype = CP_SPAN("*"),
                     .quality = CP_QUALITY_MAX, .place = place };
    if (slash) {
        read->type.length = (apr_size_t)(slash - name.at);
        read->subtype = cp_span_make(slash + 1,
                                     name.length - read->type.length - 1);
    }
    parameters_read(read, element);
    return slash ? read->type.length && read->subtype.length
                 : is_word(name, "*");
}

static closeness closeness_of(const range *named, cp_medium offer)
{
    static const struct {
        const char *type;
        const char *subtype;
    } names[] = {
        [CP_MEDIUM_HTML] = { "text", "html" },
        [CP_MEDIUM_JSON] = { "application", "json" },
        [CP_MEDIUM_PLAIN] = { "text", "plain" },
    };
    bool of_its_kind = is_word(named->type, names[offer].type);

    if (of_its_kind && is_word(named->subtype, names[offer].subtype)) {
        return named->varied ? ANOTHER_VARIANT : EXACTLY;
    }
    if (!is_word(named->subtype, "*")) {
        return NOT_AT_ALL;
    }
    return of_its_kind ? ALL_OF_ITS_KIND
           : is_word(named->type, "*") ? EVERYTHING : NOT_AT_ALL;
}

/* Of ranges that name it equally closely the best counts. */
static void standing_improve(standing *offer, const range *named,
                             closeness close)
{
    if (close > offer->close
        || (close && close == offer->close
            && named->quality > offer->quality)) {
        *offer = (standing){ close, named->quality, named->place };
    }
}

static bool is_better(const standing *one, const standing *other)
{
    if (one->quality != other->quality) {
        return one->quality > other->quality;
    }
    if (one->close != other->close) {
        return one->close > other->close;
    }
    return one->place < other->place;
}

cp_medium cp_accept_choose(const char *accept, const cp_medium *offers)
{
    standing standings[CP_MEDIUM_PLAIN + 1] = { 0 };
    cp_span rest = cp_span_of(accept ? accept : "");
    cp_medium best = CP_MEDIUM_NONE;
    int place = 0;

    while (rest.length) {
        range named;

        if (range_read(&named, part_take(&rest, ','), place)) {
            place++;
            for (int i = 0; offers[i]; i++) {
                standing_improve(&standings[offers[i]], &named,
                                 closeness_of(&named, offers[i]));
            }
        }
    }
    if (place == 0) {
        return offers[0];
    }
    for (int i = 0; offers[i]; i++) {
        if (is_better(&standings[offers[i]], &standings[best])) {
            best = offers[i];
        }
    }
    return standings[best].quality > 0 ? best : CP_MEDIUM_NONE;
}
