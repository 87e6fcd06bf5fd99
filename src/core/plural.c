/*
 * CLDR's rules for cardinal numbers, of which only whole ones are needed
 * here. Portuguese is that of Portugal.
 */
#include "plural.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* A number modulo something lies in a range; 0 stands for no modulus. */
typedef struct range {
    int modulus;
    int first;
    int last;
} range;

/* A category is that of the first rule whose languages have the number's
 * language, whose range has the number and whose exception has not. */
typedef struct rule {
    const char *languages;      /* each with a blank on both sides */
    cp_plural plural;
    range in;
    range except;
} rule;

#define NOT_TEENS { 100, 11, 19 }
#define NEVER { 0, -1, -1 }

static const rule rules[] = {
    /* The same for a million of something as for none. */
    { " ca es it pt ", CP_PLURAL_OTHER, { 0, 0, 0 }, NEVER },
    { " fr ", CP_PLURAL_ONE, { 0, 0, 1 }, NEVER },
    { " ca es fr it pt ", CP_PLURAL_MANY, { 1000000, 0, 0 }, NEVER },

    { " ar ", CP_PLURAL_ZERO, { 0, 0, 0 }, NEVER },
    { " ar ", CP_PLURAL_FEW, { 100, 3, 10 }, NEVER },
    { " ar ", CP_PLURAL_MANY, { 100, 11, 99 }, NEVER },

    { " cs sk ", CP_PLURAL_FEW, { 0, 2, 4 }, NEVER },

    { " ga ", CP_PLURAL_FEW, { 0, 3, 6 }, NEVER },
    { " ga ", CP_PLURAL_MANY, { 0, 7, 10 }, NEVER },

    { " be bs hr is mk ru sr uk ", CP_PLURAL_ONE, { 10, 1, 1 },
      { 100, 11, 11 } },
    { " be bs hr ru sr uk ", CP_PLURAL_FEW, { 10, 2, 4 }, { 100, 12, 14 } },
    { " be ru uk ", CP_PLURAL_MANY, { 1, 0, 0 }, NEVER },

    { " cy ", CP_PLURAL_ZERO, { 0, 0, 0 }, NEVER },
    { " cy ", CP_PLURAL_FEW, { 0, 3, 3 }, NEVER },
    { " cy ", CP_PLURAL_MANY, { 0, 6, 6 }, NEVER },

    { " gd ", CP_PLURAL_ONE, { 0, 11, 11 }, NEVER },
    { " gd ", CP_PLURAL_TWO, { 0, 12, 12 }, NEVER },
    { " gd ", CP_PLURAL_FEW, { 0, 3, 10 }, NEVER },
    { " gd ", CP_PLURAL_FEW, { 0, 13, 19 }, NEVER },

    { " lt ", CP_PLURAL_ONE, { 10, 1, 1 }, NOT_TEENS },
    { " lt ", CP_PLURAL_FEW, { 10, 2, 9 }, NOT_TEENS },

    { " lv ", CP_PLURAL_ZERO, { 10, 0, 0 }, NEVER },
    { " lv ", CP_PLURAL_ZERO, { 100, 11, 19 }, NEVER },
    { " lv ", CP_PLURAL_ONE, { 10, 1, 1 }, NEVER },

    { " mt ", CP_PLURAL_FEW, { 0, 0, 0 }, NEVER },
    { " mt ", CP_PLURAL_FEW, { 100, 3, 10 }, NEVER },
    { " mt ", CP_PLURAL_MANY, { 100, 11, 19 }, NEVER },

    { " pl ", CP_PLURAL_ONE, { 0, 1, 1 }, NEVER },
    { " pl ", CP_PLURAL_FEW, { 10, 2, 4 }, { 100, 12, 14 } },
    { " pl ", CP_PLURAL_MANY, { 1, 0, 0 }, NEVER },

    { " ro ", CP_PLURAL_ONE, { 0, 1, 1 }, NEVER },
    { " ro ", CP_PLURAL_FEW, { 0, 0, 0 }, NEVER },
    { " ro ", CP_PLURAL_FEW, { 100, 1, 19 }, NEVER },

    { " sl ", CP_PLURAL_ONE, { 100, 1, 1 }, NEVER },
    { " sl ", CP_PLURAL_TWO, { 100, 2, 2 }, NEVER },
    { " sl ", CP_PLURAL_FEW, { 100, 3, 4 }, NEVER },

    { " ar cy ga gd he mt ", CP_PLURAL_TWO, { 0, 2, 2 }, NEVER },
};

/* These say nothing of a single one but what is above. */
static const char no_one[] =
    " be bo bs dz hr id ig ii is ja jv km ko lo lt lv mk ms my ru sl sr su th "
    "to uk vi wo yo zh ";

static bool lists(const char *languages, const char *language)
{
    size_t length = strlen(language);

    for (const char *at = strstr(languages, language); length && at;
         at = strstr(at + 1, language)) {
        if (at > languages && at[-1] == ' ' && at[length] == ' ') {
            return true;
        }
    }
    return false;
}

static bool is_in(range where, int number)
{
    int value = where.modulus ? number % where.modulus : number;

    return value >= where.first && value <= where.last;
}

cp_plural cp_plural_of(const char *language, int number)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (is_in(rules[i].in, number) && !is_in(rules[i].except, number)
            && lists(rules[i].languages, language)) {
            return rules[i].plural;
        }
    }
    return number == 1 && !lists(no_one, language) ? CP_PLURAL_ONE
                                                   : CP_PLURAL_OTHER;
}

const char *cp_plural_word(cp_plural plural)
{
    static const char *const words[CP_PLURAL_COUNT] = {
        "other", "zero", "one", "two", "few", "many"
    };

    return words[plural];
}

void cp_plural_uses(const char *language, cp_plural_use uses[])
{
    cp_plural rare[] = { cp_plural_of(language, 0),
                         cp_plural_of(language, 1000000) };

    memset(uses, 0, CP_PLURAL_COUNT * sizeof(*uses));
    for (int number = 1; number < 1000; number++) {
        cp_plural_use *use = &uses[cp_plural_of(language, number)];

        *use = *use == CP_PLURAL_UNUSED ? CP_PLURAL_SINGLE
                                        : CP_PLURAL_SEVERAL;
    }
    for (int i = 0; i < 2; i++) {
        if (uses[rare[i]] == CP_PLURAL_UNUSED) {
            uses[rare[i]] = CP_PLURAL_RARE;
        }
    }
    uses[CP_PLURAL_OTHER] = CP_PLURAL_SEVERAL;
}
