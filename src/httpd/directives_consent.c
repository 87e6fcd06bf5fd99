#include "directives_consent.h"
#include "consent_log.h"
#include "words.h"

const char *cp_directive_consent_log(cmd_parms *cmd, void *dir,
                                     const char *word)
{
    static const char allowed[] = "a file, \"|program\", or none";
    cp_server_config *config = cp_words_server(cmd);

    (void)dir;
    if (strcasecmp(word, CP_CONSENT_LOG_NONE) == 0) {
        config->consent_log = CP_CONSENT_LOG_NONE;
        return NULL;
    }
    if (*word == '|') {
        config->consent_log = word;
        return word[strspn(word, "|$ \t")] ? NULL
               : cp_words_refuse(cmd, word, allowed);
    }
    config->consent_log = *word ? ap_server_root_relative(cmd->pool, word)
                                : NULL;
    return config->consent_log ? NULL : cp_words_refuse(cmd, word, allowed);
}

const char *cp_directive_gpc(cmd_parms *cmd, void *dir, const char *word)
{
    static const char *const words[] = { "Off", "On", NULL };
    cp_server_config *config = cp_words_server(cmd);

    (void)dir;
    config->gpc = cp_words_find(words, word);
    return config->gpc < 0 ? cp_words_refuse(cmd, word, "On or Off") : NULL;
}
