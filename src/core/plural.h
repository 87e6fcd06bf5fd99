/**
 * @file plural.h
 * @brief Which form of a word goes with a number, in the languages that are
 *        built in and in others that a site may add.
 */
#ifndef CP_PLURAL_H
#define CP_PLURAL_H

/** The categories of CLDR's plural rules. */
typedef enum cp_plural {
    CP_PLURAL_OTHER,
    CP_PLURAL_ZERO,
    CP_PLURAL_ONE,
    CP_PLURAL_TWO,
    CP_PLURAL_FEW,
    CP_PLURAL_MANY,
    CP_PLURAL_COUNT
} cp_plural;

/**
 * The category of a number.
 * @param language  a tag without region; one that is not known has English
 *                  rules
 * @param number    not negative
 */
cp_plural cp_plural_of(const char *language, int number);

/** As CLDR calls it: other, zero, one, two, few or many. */
const char *cp_plural_word(cp_plural plural);

/** Which whole numbers have a form. */
typedef enum cp_plural_use {
    CP_PLURAL_UNUSED,
    CP_PLURAL_RARE,             /* none or a million alone */
    CP_PLURAL_SINGLE,           /* one below a thousand */
    CP_PLURAL_SEVERAL           /* more; also `other`, as it stands in for a
                                   form that is missing */
} cp_plural_use;

/**
 * How a language uses each form.
 * @param uses  gets CP_PLURAL_COUNT of them
 */
void cp_plural_uses(const char *language, cp_plural_use uses[]);

#endif
