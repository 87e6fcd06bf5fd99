#include "html_form.h"

void cp_html_form_begin(cp_html_form *form)
{
    form->posts = false;
    form->foreign = false;
    form->files = false;
    form->has_field = false;
}

static bool is_word(cp_span value, const char *word)
{
    return value.length == strlen(word)
           && strncasecmp(value.at, word, value.length) == 0;
}

static bool is_own(const cp_html_form *form, cp_span value,
                   bool relative_is_own)
{
    return value.at && cp_html_url_is_own(form->own, value, relative_is_own);
}

/* One that is empty is the page's own address, whatever the base. */
static bool is_foreign(const cp_html_form *form, cp_span value)
{
    return (!value.at || value.length)
           && !is_own(form, value, !form->base_foreign);
}

static void base_take(cp_html_form *form, cp_span value)
{
    if (!form->base_seen) {     /* of several the first counts */
        form->base_seen = true;
        form->base_foreign = !is_own(form, value, true);
    }
}

void cp_html_form_take(cp_html_form *form, cp_html_attribute attribute,
                       cp_span value)
{
    switch (attribute) {
    case CP_HTML_A_ACTION:
    case CP_HTML_A_FORMACTION:
        form->foreign = form->foreign || is_foreign(form, value);
        break;
    case CP_HTML_A_ENCTYPE:
        form->files = is_word(value, "multipart/form-data");
        break;
    case CP_HTML_A_HREF:
        base_take(form, value);
        break;
    case CP_HTML_A_METHOD:
        form->posts = is_word(value, "post");
        break;
    case CP_HTML_A_NAME:
        form->has_field = form->has_field
                          || cp_span_equal(value, cp_span_of(form->field));
        break;
    default:
        break;
    }
}
