/*
 * The text is copied once, and its cells are unquoted in that copy.
 */
#include "database.h"

#include <apr_file_io.h>
#include <apr_hash.h>
#include <apr_lib.h>

#define COLUMNS_MAX 64

/** The columns that are looked for. */
typedef enum column {
    COLUMN_NAME,
    COLUMN_CATEGORY,
    COLUMN_WILDCARD,
    COLUMN_REQUIRED,            /* those above must be there */
    COLUMN_PLATFORM = COLUMN_REQUIRED,
    COLUMN_DOMAIN,
    COLUMN_DESCRIPTION,
    COLUMN_RETENTION,
    COLUMN_CONTROLLER,
    COLUMN_COUNT
} column;

static const char *const column_names[COLUMN_COUNT] = {
    [COLUMN_NAME] = "Cookie / Data Key name",
    [COLUMN_CATEGORY] = "Category",
    [COLUMN_WILDCARD] = "Wildcard match",
    [COLUMN_PLATFORM] = "Platform",
    [COLUMN_DOMAIN] = "Domain",
    [COLUMN_DESCRIPTION] = "Description",
    [COLUMN_RETENTION] = "Retention period",
    [COLUMN_CONTROLLER] = "Data Controller"
};

struct cp_database {
    apr_hash_t *exact;          /* of cp_known, by name */
    apr_hash_t *wildcards;      /* likewise */
    bool lengths[CP_DATABASE_NAME_MAX + 1]; /* some wildcard is so long */
    int count;
};

typedef struct reader {
    char *at;
    char *end;
    int line;                   /* that of the next character */
    char *cells[COLUMNS_MAX];   /* of the row under way */
    int cell_count;
    int row_line;               /* where it began */
    int width;                  /* cells of the header line */
    int places[COLUMN_COUNT];   /* of the columns among the cells, or -1 */
    apr_pool_t *pool;
} reader;

/* --- Rows ------------------------------------------------------------- */

static bool is_break(char c)
{
    return c == '\r' || c == '\n';
}

static void break_pass(reader *in)
{
    if (*in->at == '\r' && in->at + 1 < in->end && in->at[1] == '\n') {
        in->at++;
    }
    in->at++;
    in->line++;
}

/* Unquotes what stands between quotes, and passes the closing one.
 * @return false where there is none */
static bool quoted_read(reader *in)
{
    char *out = in->at;

    for (in->at++; in->at < in->end; in->at++) {
        if (*in->at == '"') {
            in->at++;
            if (in->at == in->end || *in->at != '"') {
                *out = '\0';
                return true;
            }
        }
        in->line += *in->at == '\n';
        *out++ = *in->at;
    }
    return false;
}

static char *trimmed(char *text)
{
    apr_size_t length;

    while (apr_isspace(*text)) {
        text++;
    }
    length = strlen(text);
    while (length && apr_isspace(text[length - 1])) {
        length--;
    }
    text[length] = '\0';
    return text;
}

/* Reads a cell, and passes the comma or line break behind it.
 * @return what is wrong, or NULL */
static const char *cell_read(reader *in, bool *row_ends)
{
    char *cell = in->at;
    char *end;

    if (in->at < in->end && *in->at == '"') {
        if (!quoted_read(in)) {
            return "a quote is not closed";
        }
        if (in->at < in->end && *in->at != ',' && !is_break(*in->at)) {
            return "there is something behind a closing quote";
        }
    }
    while (in->at < in->end && *in->at != ',' && !is_break(*in->at)) {
        in->at++;
    }
    end = in->at;
    *row_ends = in->at == in->end || *in->at != ',';
    if (in->at < in->end && *row_ends) {
        break_pass(in);
    }
    else if (in->at < in->end) {
        in->at++;
    }
    *end = '\0';
    if (in->cell_count == COLUMNS_MAX) {
        return "there are more than 64 cells";
    }
    in->cells[in->cell_count++] = trimmed(cell);
    return NULL;
}

static const char *row_read(reader *in)
{
    const char *wrong = NULL;
    bool ends = false;

    in->cell_count = 0;
    in->row_line = in->line;
    while (!wrong && !ends) {
        wrong = cell_read(in, &ends);
    }
    return wrong;
}

/* --- What rows say ---------------------------------------------------- */

static const char *header_read(reader *in)
{
    const char *wrong = row_read(in);

    if (wrong) {
        return wrong;
    }
    in->width = in->cell_count;
    for (int i = 0; i < COLUMN_COUNT; i++) {
        in->places[i] = -1;
        for (int j = 0; j < in->cell_count && in->places[i] < 0; j++) {
            if (strcasecmp(in->cells[j], column_names[i]) == 0) {
                in->places[i] = j;
            }
        }
        if (in->places[i] < 0 && i < COLUMN_REQUIRED) {
            return apr_psprintf(in->pool, "the header has no column '%s'",
                                column_names[i]);
        }
    }
    return NULL;
}

/* @return NULL for an empty one */
static const char *text_of(const reader *in, column wanted)
{
    int place = in->places[wanted];

    return place >= 0 && *in->cells[place] ? in->cells[place] : NULL;
}

/* Of several rows of one name the first counts. */
static void known_add(cp_database *database, const cp_known *known)
{
    apr_hash_t *table = known->wildcard ? database->wildcards
                                        : database->exact;

    if (!apr_hash_get(table, known->name, APR_HASH_KEY_STRING)) {
        apr_hash_set(table, known->name, APR_HASH_KEY_STRING, known);
    }
    database->lengths[strlen(known->name)] |= known->wildcard;
    database->count++;
}

static const char *row_keep(cp_database *database, const reader *in)
{
    const char *name, *wildcard;
    cp_known *known;

    if (in->cell_count != in->width) {
        return apr_psprintf(in->pool, "there are %d cells, and %d in the "
                            "header", in->cell_count, in->width);
    }
    name = text_of(in, COLUMN_NAME);
    wildcard = text_of(in, COLUMN_WILDCARD);
    if (!name) {
        return NULL;
    }
    if (strlen(name) > CP_DATABASE_NAME_MAX) {
        return "the name is longer than 255 bytes";
    }
    if (wildcard && strcmp(wildcard, "0") && strcmp(wildcard, "1")) {
        return "'Wildcard match' is neither 0 nor 1";
    }
    known = apr_pcalloc(in->pool, sizeof(*known));
    known->name = name;
    known->wildcard = wildcard && *wildcard == '1';
    known->platform = text_of(in, COLUMN_PLATFORM);
    known->category = text_of(in, COLUMN_CATEGORY);
    known->domain = text_of(in, COLUMN_DOMAIN);
    known->description = text_of(in, COLUMN_DESCRIPTION);
    known->retention = text_of(in, COLUMN_RETENTION);
    known->controller = text_of(in, COLUMN_CONTROLLER);
    known_add(database, known);
    return NULL;
}

static bool row_is_blank(const reader *in)
{
    return in->cell_count == 1 && *in->cells[0] == '\0';
}

const cp_database *cp_database_parse(cp_span text, const char *file,
                                     const char **error, apr_pool_t *pool)
{
    static const char mark[] = "\xEF\xBB\xBF";
    cp_database *database = apr_pcalloc(pool, sizeof(*database));
    reader in = { .pool = pool, .line = 1, .row_line = 1 };
    const char *wrong = NULL;

    database->exact = apr_hash_make(pool);
    database->wildcards = apr_hash_make(pool);
    if (text.length >= 3 && memcmp(text.at, mark, 3) == 0) {
        text.at += 3;
        text.length -= 3;
    }
    in.at = apr_pstrmemdup(pool, text.length ? text.at : "", text.length);
    in.end = in.at + text.length;
    if (memchr(in.at, '\0', text.length)) {
        wrong = "there is a NUL byte in the file: it is no CSV";
    }
    wrong = wrong ? wrong : header_read(&in);
    while (!wrong && in.at < in.end) {
        wrong = row_read(&in);
        if (!wrong && !row_is_blank(&in)) {
            wrong = row_keep(database, &in);
        }
    }
    if (wrong) {
        *error = apr_psprintf(pool, "%s, line %d: %s", file, in.row_line,
                              wrong);
        return NULL;
    }
    return database;
}

/* --- The file --------------------------------------------------------- */

static apr_status_t file_read(const char *file, cp_span *text,
                              apr_pool_t *pool)
{
    apr_file_t *in = NULL;
    apr_finfo_t info;
    char *bytes;
    apr_size_t length = 0;
    apr_status_t status = apr_file_open(&in, file, APR_FOPEN_READ
                                        | APR_FOPEN_BINARY, 0, pool);

    if (status != APR_SUCCESS) {
        return status;
    }
    status = apr_file_info_get(&info, APR_FINFO_TYPE | APR_FINFO_SIZE, in);
    if (status == APR_SUCCESS && info.filetype != APR_REG) {
        status = APR_EGENERAL;
    }
    if (status == APR_SUCCESS && info.size > CP_DATABASE_FILE_MAX) {
        status = APR_ENOSPC;
    }
    if (status == APR_SUCCESS) {
        bytes = apr_palloc(pool, (apr_size_t)info.size + 1);
        status = apr_file_read_full(in, bytes, (apr_size_t)info.size,
                                    &length);
        *text = cp_span_make(bytes, length);
        status = status == APR_EOF ? APR_SUCCESS : status;
    }
    apr_file_close(in);
    return status;
}

const cp_database *cp_database_read(const char *file, const char **error,
                                    apr_pool_t *pool)
{
    const cp_database *database = NULL;
    apr_pool_t *scratch = NULL;
    cp_span text;
    char message[128];
    apr_status_t status;

    apr_pool_create(&scratch, pool);
    status = file_read(file, &text, scratch);
    if (status == APR_SUCCESS) {
        database = cp_database_parse(text, file, error, pool);
    }
    else if (status == APR_ENOSPC) {
        *error = apr_psprintf(pool, "%s is larger than 8 MB", file);
    }
    else if (status == APR_EGENERAL) {
        *error = apr_psprintf(pool, "%s is no file", file);
    }
    else {
        *error = apr_psprintf(pool, "%s cannot be read: %s", file,
                              apr_strerror(status, message,
                                           sizeof(message)));
    }
    apr_pool_destroy(scratch);
    return database;
}

/* --- Looking up ------------------------------------------------------- */

int cp_database_count(const cp_database *database)
{
    return database->count;
}

const cp_known *cp_database_find(const cp_database *database, cp_span name)
{
    const cp_known *known = NULL;
    apr_size_t length = name.length < CP_DATABASE_NAME_MAX
                        ? name.length : CP_DATABASE_NAME_MAX;

    if (length == 0) {
        return NULL;
    }
    known = apr_hash_get(database->exact, name.at,
                         (apr_ssize_t)name.length);
    for (; !known && length > 0; length--) {
        if (database->lengths[length]) {
            known = apr_hash_get(database->wildcards, name.at,
                                 (apr_ssize_t)length);
        }
    }
    return known;
}
