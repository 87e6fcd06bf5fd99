#include "html_form.h"

void cp_html_form_begin(cp_html_form *form)
{
    form->posts = false;
    form->foreign = false;
    form->has_field = false;
}

static bool is_own(const cp_html_form *form, cp_span value,
                   bool relative_is_own)
{
    return value.at && cp_html_url_is_own(form->own, value, relative_is_own);
}

void cp_html_form_action(cp_html_form *form, cp_span value)
{
    if ((!value.at || value.length)
        && !is_own(form, value, !form->base_foreign)) {
        form->foreign = true;
    }
}

void cp_html_form_button(cp_html_form *form, cp_span value)
{
    if (form->open) {
        cp_html_form_action(form, value);
    }
}

void cp_html_form_method(cp_html_form *form, cp_span value)
{
    form->posts = value.length == 4
                  && strncasecmp(value.at, "post", 4) == 0;
}

void cp_html_form_name(cp_html_form *form, cp_span value)
{
    if (form->open && cp_span_equal(value, cp_span_of(form->field))) {
        form->has_field = true;
    }
}

void cp_html_form_base(cp_html_form *form, cp_span value)
{
    if (!form->base_seen) {
        form->base_seen = true;
        form->base_foreign = !is_own(form, value, true);
    }
}
