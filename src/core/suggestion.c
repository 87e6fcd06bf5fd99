#include "suggestion.h"
#include "visit.h"

#include <limits.h>
#include <apr_lib.h>

#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ" \
    "abcdefghijklmnopqrstuvwxyz0123456789._-"
/* So that a pattern stays within what CookiePolicyCookie takes. */
#define BEGINNING_MAX 80

#define ORIGIN_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789.:/-"

/* --- Texts ------------------------------------------------------------ */

/* Decodes one character. @return its length, or 0 where it is no UTF-8 */
static apr_size_t utf8_read(const unsigned char *at, unsigned int *character)
{
    static const unsigned int least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    apr_size_t length = at[0] < 0x80 ? 1 : (at[0] & 0xe0) == 0xc0 ? 2
                        : (at[0] & 0xf0) == 0xe0 ? 3
                        : (at[0] & 0xf8) == 0xf0 ? 4 : 0;

    if (length < 2) {
        *character = at[0];
        return length;
    }
    *character = at[0] & (0x7fu >> length);
    for (apr_size_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
        *character = *character << 6 | (at[i] & 0x3fu);
    }
    return *character < least[length] || *character > 0x10ffff
           || (*character >= 0xd800 && *character <= 0xdfff) ? 0 : length;
}

/* What breaks a line, hides, or turns the direction of what follows. */
static bool is_treacherous(unsigned int c)
{
    return c < ' ' || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c
           || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e)
           || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff
           || (c >= 0xfff0 && c <= 0xffff) || c >= 0xe0000;
}

/* Variables and the parameters of macros begin with these. */
static bool is_special(unsigned int c)
{
    return c == '$' || c == '%' || c == '@';
}

const char *cp_suggestion_text(const char *text, apr_pool_t *pool)
{
    const unsigned char *at = (const unsigned char *)text;
    char *safe = apr_palloc(pool, CP_SUGGESTION_TEXT_MAX + 1);
    apr_size_t length = 0;

    while (at && *at) {
        unsigned int c = 0;
        apr_size_t size = utf8_read(at, &c);

        if (size && is_treacherous(c)) {
            c = ' ';
        }
        if (size == 0 || is_special(c)
            || (c == ' ' && (length == 0 || safe[length - 1] == ' '))) {
            at += size ? size : 1;
            continue;
        }
        if (length + size > CP_SUGGESTION_TEXT_MAX) {
            break;
        }
        if (c < 0x80) {
            safe[length++] = c == '"' ? '\'' : c == '\\' ? '/' : (char)c;
        }
        else {
            memcpy(safe + length, at, size);
            length += size;
        }
        at += size;
    }
    while (length && safe[length - 1] == ' ') {
        length--;
    }
    safe[length] = '\0';
    return length ? safe : NULL;
}

const char *cp_suggestion_lifetime(const char *text, apr_pool_t *pool)
{
    static const struct {
        const char *word;
        const char *unit;
        int seconds;
    } units[] = {
        { "second", "s", 1 }, { "minute", "m", 60 }, { "min", "m", 60 },
        { "hour", "h", 3600 }, { "day", "d", 86400 },
        { "week", "w", 604800 }, { "month", "M", 2592000 },
        { "year", "y", 31536000 },
    };
    char *word = NULL;
    apr_int64_t number;
    apr_size_t length;

    if (!text || strcasecmp(text, "session") == 0) {
        return text ? "session" : NULL;
    }
    number = apr_isdigit(*text) ? apr_strtoi64(text, &word, 10) : 0;
    if (number < 1 || number > INT_MAX) {
        return NULL;
    }
    word += strspn(word, " ");
    length = strlen(word);
    if (length > 3 && (word[length - 1] == 's' || word[length - 1] == 'S')) {
        length--;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strlen(units[i].word) == length
            && strncasecmp(word, units[i].word, length) == 0
            && number <= INT_MAX / units[i].seconds) {
            return apr_psprintf(pool, "%d%s", (int)number, units[i].unit);
        }
    }
    return NULL;
}

/* --- Categories ------------------------------------------------------- */

static bool is_managed(const char *name)
{
    for (int i = 0; i < CP_MANAGED_COUNT; i++) {
        if (strcmp(cp_rooms[i]->name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* A category of the policy by the name that the database uses, or the
 * standard one that says the same. @return NULL when there is none */
static const char *category_find(const char *word, const cp_policy *policy,
                                 apr_pool_t *pool)
{
    static const struct {
        const char *word;
        const char *category;
    } standard[] = {
        { "analytics", "statistics" }, { "marketing", "third-party" },
        { "functional", "first-party" },
        { "personalization", "first-party" }, { "security", "necessary" },
    };
    char *lower = apr_pstrdup(pool, word);

    for (char *c = lower; *c; c++) {
        *c = (char)apr_tolower(*c);
    }
    if (cp_policy_category(policy, cp_span_of(lower)) >= 0) {
        return lower;
    }
    for (size_t i = 0; i < sizeof(standard) / sizeof(standard[0]); i++) {
        if (strcmp(standard[i].word, lower) == 0) {
            return standard[i].category;
        }
    }
    return NULL;
}

static void category_suggest(cp_suggestion *suggestion,
                             const cp_known *known, const cp_policy *policy,
                             apr_pool_t *pool)
{
    if (is_managed(suggestion->name)) {
        suggestion->category = "necessary";
        return;
    }
    suggestion->category = known && known->category
                           ? category_find(known->category, policy, pool)
                           : NULL;
    if (!suggestion->category) {
        suggestion->category = "first-party";   /* it needs consent */
        suggestion->guessed = true;
    }
}

/* --- Names ------------------------------------------------------------ */

static bool is_plain(const char *name)
{
    return *name && name[strspn(name, NAME_CHARACTERS)] == '\0'
           && strcasecmp(name, "None");
}

/* A pattern for all names that begin so; no backslash, which would have to
 * pass through two readers. */
static const char *pattern_of(const char *beginning, apr_pool_t *pool)
{
    char *pattern = apr_palloc(pool, strlen(beginning) * 3 + 3);
    char *out = pattern;

    *out++ = '~';
    *out++ = '^';
    for (; *beginning; beginning++) {
        if (*beginning == '.') {
            *out++ = '[';
            *out++ = '.';
            *out++ = ']';
        }
        else {
            *out++ = *beginning;
        }
    }
    *out = '\0';
    return pattern;
}

static cp_suggestion origin_suggest(const char *origin)
{
    cp_suggestion suggestion = { .name = origin, .category = "third-party" };

    if ((strncmp(origin, "http://", 7) && strncmp(origin, "https://", 8))
        || origin[strspn(origin, ORIGIN_CHARACTERS)]
        || strchr(strstr(origin, "://") + 3, '/')) {
        suggestion.refusal = "it is no origin";
    }
    return suggestion;
}

cp_suggestion cp_suggest(const cp_sighting *sighting, const cp_known *known,
                         const cp_policy *policy, apr_pool_t *pool)
{
    cp_suggestion suggestion = { .name = sighting->name };

    if (sighting->counts[CP_SIDE_THIRD_PARTY]) {
        return origin_suggest(sighting->name);
    }
    if (sighting->cut) {
        suggestion.refusal = "the name is too long";
    }
    else if (!is_plain(sighting->name)) {
        suggestion.refusal = "the name has other characters than letters, "
                             "digits, dot, hyphen and underscore, or is "
                             "the word None";
    }
    else if (!known && !sighting->counts[CP_SIDE_APPLICATION]) {
        suggestion.refusal = "only browsers brought it, so anybody may have "
                             "made it up, and the database does not know it";
    }
    if (suggestion.refusal) {
        return suggestion;
    }
    if (known && known->wildcard && is_plain(known->name)
        && strlen(known->name) <= BEGINNING_MAX) {
        suggestion.name = pattern_of(known->name, pool);
    }
    category_suggest(&suggestion, known, policy, pool);
    if (known) {
        suggestion.provider = cp_suggestion_text(known->controller
                                                 ? known->controller
                                                 : known->platform, pool);
        suggestion.purpose = cp_suggestion_text(known->description, pool);
        suggestion.lifetime = cp_suggestion_lifetime(known->retention, pool);
    }
    return suggestion;
}

const char *cp_suggestion_line(const cp_suggestion *suggestion,
                               apr_pool_t *pool)
{
    const char *line = apr_pstrcat(pool, "CookiePolicyCookie ",
                                   suggestion->name, " ",
                                   suggestion->category, NULL);

    if (suggestion->provider) {
        line = apr_pstrcat(pool, line, " provider=\"", suggestion->provider,
                           "\"", NULL);
    }
    if (suggestion->purpose) {
        line = apr_pstrcat(pool, line, " purpose=\"", suggestion->purpose,
                           "\"", NULL);
    }
    if (suggestion->lifetime) {
        line = apr_pstrcat(pool, line, " lifetime=", suggestion->lifetime,
                           NULL);
    }
    return line;
}
