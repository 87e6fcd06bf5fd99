#include "spelling.h"

#include <string.h>

static int least(int a, int b, int c)
{
    int both = a < b ? a : b;

    return both < c ? both : c;
}

/* Row by row: what it takes to make the beginnings of a name of a word's. */
static int distance(const char *word, const char *name)
{
    int length = (int)strlen(name);
    int row[CP_SPELLING_MAX + 1];

    for (int i = 0; i <= length; i++) {
        row[i] = i;
    }
    for (int at = 0; word[at]; at++) {
        int diagonal = row[0];

        row[0] = at + 1;
        for (int i = 1; i <= length; i++) {
            int above = row[i];

            row[i] = least(above + 1, row[i - 1] + 1,
                           diagonal + (word[at] != name[i - 1]));
            diagonal = above;
        }
    }
    return row[length];
}

const char *cp_spelling_nearest(const char *word,
                                const apr_array_header_t *names)
{
    const char *nearest = NULL;
    int best = CP_SPELLING_MAX;

    if (strlen(word) > CP_SPELLING_MAX) {
        return NULL;
    }
    for (int i = 0; i < names->nelts; i++) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);
        int length = (int)strlen(name);
        int found = length > CP_SPELLING_MAX ? best : distance(word, name);

        if (found < best && found <= length / 3) {
            nearest = name;
            best = found;
        }
    }
    return nearest;
}
