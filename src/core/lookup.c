#include "lookup.h"

#include <apr_hash.h>

typedef struct node node;

/* A list of patterns that ends in NULL, the latest line first. */
typedef const cp_declared *const *pattern_list;

struct node {
    unsigned char first;        /* the byte of children[0] */
    unsigned char span;         /* so many more bytes have a place */
    node **children;            /* NULL where there are none */
    pattern_list patterns;      /* of this node and all above it */
};

struct cp_lookup {
    apr_hash_t *names;          /* the exact ones: of cp_declared */
    apr_size_t longest;         /* of them */
    node root;                  /* the patterns */
};

/* --- Names as browsers compare them ----------------------------------- */

/* Of the prefixes that mean something to browsers the case does not count. */
static cp_span name_fold(cp_span name, apr_pool_t *pool)
{
    static const char *const prefixes[] = { "__Host-", "__Secure-", NULL };

    if (name.length < 7 || name.at[0] != '_' || name.at[1] != '_') {
        return name;
    }
    for (int i = 0; prefixes[i]; i++) {
        apr_size_t length = strlen(prefixes[i]);

        if (name.length >= length
            && strncasecmp(name.at, prefixes[i], length) == 0
            && memcmp(name.at, prefixes[i], length)) {
            char *folded = apr_pmemdup(pool, name.at, name.length);

            memcpy(folded, prefixes[i], length);
            return cp_span_make(folded, name.length);
        }
    }
    return name;
}

/* --- Building --------------------------------------------------------- */

/* The child for a byte, made where there is none. */
static node *child_make(node *parent, unsigned char byte, apr_pool_t *pool)
{
    int first = parent->children && parent->first < byte ? parent->first
                                                         : byte;
    int last = parent->children && parent->first + parent->span > byte
               ? parent->first + parent->span : byte;

    if (!parent->children || first != parent->first
        || last != parent->first + parent->span) {
        node **children = apr_pcalloc(pool, (size_t)(last - first + 1)
                                            * sizeof(*children));

        if (parent->children) {
            memcpy(children + (parent->first - first), parent->children,
                   ((size_t)parent->span + 1) * sizeof(*children));
        }
        parent->children = children;
        parent->first = (unsigned char)first;
        parent->span = (unsigned char)(last - first);
    }
    if (!parent->children[byte - first]) {
        parent->children[byte - first] = apr_pcalloc(pool, sizeof(node));
    }
    return parent->children[byte - first];
}

static int list_length(pattern_list list)
{
    int length = 0;

    while (list && list[length]) {
        length++;
    }
    return length;
}

/* Both lists in one, the latest line first. */
static pattern_list list_merge(pattern_list a, pattern_list b,
                               apr_pool_t *pool)
{
    size_t length = (size_t)(list_length(a) + list_length(b));
    const cp_declared **merged;

    if (!a || !b) {
        return a ? a : b;
    }
    merged = apr_pcalloc(pool, (length + 1) * sizeof(*merged));
    for (size_t i = 0; i < length; i++) {
        bool takes_a = *a && (!*b || (*a)->order > (*b)->order);

        merged[i] = takes_a ? *a++ : *b++;
    }
    return merged;
}

/* A pattern may be written for other cases of a browser's prefix than that
 * under which names are looked up. */
static cp_span pattern_path(cp_span prefix)
{
    if (prefix.length > 2 && memcmp(prefix.at, "__", 2) == 0
        && strchr("hHsS", prefix.at[2])) {
        prefix.length = 2;
    }
    return prefix;
}

static void name_add(cp_lookup *lookup, const cp_declared *declared,
                     apr_pool_t *pool)
{
    cp_span name = name_fold(cp_span_of(declared->declaration->name), pool);

    apr_hash_set(lookup->names, name.at, (apr_ssize_t)name.length, declared);
    if (name.length > lookup->longest) {
        lookup->longest = name.length;
    }
}

static void pattern_add(node *root, const cp_declared *declared,
                        apr_pool_t *pool)
{
    cp_span path = pattern_path(
        cp_pattern_prefix(declared->declaration->pattern));
    const cp_declared **one = apr_pcalloc(pool, 2 * sizeof(*one));
    node *at = root;

    for (apr_size_t i = 0; i < path.length; i++) {
        at = child_make(at, (unsigned char)path.at[i], pool);
    }
    one[0] = declared;
    at->patterns = list_merge(at->patterns, one, pool);
}

/* Hands down the patterns. @return whether none has too many */
static bool patterns_inherit(node *parent, apr_pool_t *pool)
{
    if (list_length(parent->patterns) > CP_LOOKUP_PATTERNS_MAX) {
        return false;
    }
    for (int i = 0; parent->children && i <= parent->span; i++) {
        node *child = parent->children[i];

        if (child) {
            child->patterns = list_merge(parent->patterns, child->patterns,
                                         pool);
            if (!patterns_inherit(child, pool)) {
                return false;
            }
        }
    }
    return true;
}

const cp_lookup *cp_lookup_make(const cp_declared *declared, int count,
                                const char **error, apr_pool_t *pool)
{
    cp_lookup *lookup = apr_pcalloc(pool, sizeof(*lookup));

    lookup->names = apr_hash_make(pool);
    for (int i = 0; i < count; i++) {
        if (declared[i].declaration->storage != CP_STORAGE_COOKIE) {
            continue;
        }
        if (declared[i].declaration->pattern) {
            pattern_add(&lookup->root, &declared[i], pool);
        }
        else {
            name_add(lookup, &declared[i], pool);
        }
    }
    if (!patterns_inherit(&lookup->root, pool)) {
        *error = apr_psprintf(pool, "CookiePolicyCookie: more than %d "
                              "patterns could match one name; let them begin "
                              "with ^ and the letters that tell them apart",
                              CP_LOOKUP_PATTERNS_MAX);
        return NULL;
    }
    return lookup;
}

static const cp_declared unknown = { .category = -1 };

/* --- Finding ---------------------------------------------------------- */

/* The patterns that can match a name. */
static pattern_list patterns_find(const node *at, cp_span name)
{
    for (apr_size_t i = 0; i < name.length && at->children; i++) {
        unsigned int edge = (unsigned char)name.at[i]
                            - (unsigned int)at->first;

        if (edge > at->span || !at->children[edge]) {
            break;
        }
        at = at->children[edge];
    }
    return at->patterns;
}

const cp_declared *cp_lookup_find(const cp_lookup *lookup, cp_span name,
                                  apr_pool_t *pool)
{
    const cp_declared *exact;
    cp_span given = name;

    name = name_fold(name, pool);
    exact = name.length <= lookup->longest
            ? apr_hash_get(lookup->names, name.at, (apr_ssize_t)name.length)
            : NULL;
    if (exact) {
        return exact;
    }
    for (pattern_list list = patterns_find(&lookup->root, name);
         list && *list; list++) {
        const cp_pattern *pattern = (*list)->declaration->pattern;
        cp_match match = cp_pattern_match(pattern, name);

        if (match == CP_MATCHES_NOT && given.at != name.at) {
            match = cp_pattern_match(pattern, given);
        }
        if (match != CP_MATCHES_NOT) {
            return match == CP_MATCHES ? *list : &unknown;
        }
    }
    return NULL;
}
