/*
 * Where to insert: what the tags of a page say of its head and its forms.
 */
#include "html_reader.h"

static bool is_content_type(cp_span value)
{
    static const char type[] = "content-type";

    return value.length == sizeof(type) - 1
           && strncasecmp(value.at, type, value.length) == 0;
}

void cp_html_attribute_valued(cp_html *html, cp_html_attribute attribute,
                              cp_span value)
{
    if (value.length > CP_HTML_VALUE_MAX) {
        value = CP_SPAN_NONE;
    }
    if (attribute == CP_HTML_A_CHARSET
        || (attribute == CP_HTML_A_HTTP_EQUIV && is_content_type(value))) {
        html->tag_charset = true;
    }
    cp_html_form_take(&html->form, attribute, value);
}

cp_html_attribute cp_html_attribute_named(cp_html *html, cp_span name)
{
    cp_html_attribute found = cp_html_attribute_find(html->element, name);

    if (html->seen[found]) {
        return CP_HTML_A_OTHER;
    }
    html->seen[found] = true;
    return found;
}

/* Whether an attribute of the tag that is being read may matter. */
static bool tag_matters(const cp_html *html)
{
    if (html->end_tag || html->templates) {
        return false;
    }
    if (html->head_only) {
        return html->element == CP_HTML_E_META && html->head_open;
    }
    switch (html->element) {
    case CP_HTML_E_FORM:
        return !html->form.open;
    case CP_HTML_E_INPUT:
    case CP_HTML_E_BUTTON:
        return html->form.open;
    case CP_HTML_E_META:
        return html->head_open;
    default:
        return html->element == CP_HTML_E_BASE;
    }
}

/* A tag begins: what is known of forms begins anew with one that opens. */
static void tag_begin(cp_html *html)
{
    html->attribute = CP_HTML_A_OTHER;
    html->tag_charset = false;
    html->skips = !tag_matters(html);
    if (!html->skips) {
        memset(html->seen, 0, sizeof(html->seen));
        if (html->element == CP_HTML_E_FORM) {
            cp_html_form_begin(&html->form);
        }
    }
}

/* Of a body with files only the begin is searched for the token, so that in
 * such a form it goes first. */
static cp_html_place form_start(cp_html *html)
{
    bool begins = !html->form.open;

    html->form.open = true;
    if (!begins || !html->form.files || !cp_html_form_is_due(&html->form)) {
        return CP_HTML_NONE;
    }
    html->form.has_field = true;
    return CP_HTML_FORM;
}

static cp_html_place start_tag_end(cp_html *html, cp_html_element which)
{
    if (which == CP_HTML_E_TEMPLATE) {
        html->templates++;
    }
    else if (which == CP_HTML_E_FORM && !html->templates) {
        return form_start(html);
    }
    else if (which == CP_HTML_E_PLAINTEXT) {
        html->state = CP_HTML_S_PLAIN;
    }
    else if (cp_html_element_is_raw(which)) {
        html->state = CP_HTML_S_RAW;
        cp_html_raw_begin(&html->raw, cp_html_element_name(which));
    }
    if (html->head_open && which == CP_HTML_E_META && html->tag_charset) {
        html->head_open = false;
        return html->rootless ? CP_HTML_NONE : CP_HTML_HEAD;
    }
    return CP_HTML_NONE;
}

cp_html_place cp_html_tag_ended(cp_html *html)
{
    cp_html_element which = html->element;

    html->state = CP_HTML_S_TEXT;
    if (!html->end_tag) {
        return start_tag_end(html, which);
    }
    if (which == CP_HTML_E_TEMPLATE && html->templates) {
        html->templates--;
    }
    return CP_HTML_NONE;
}

/* Whether a head's content cannot have begun yet with this tag. */
static bool is_before_content(const cp_html *html)
{
    bool structure = html->element == CP_HTML_E_HTML
                     || html->element == CP_HTML_E_HEAD;

    if (html->end_tag) {        /* of something that was never begun */
        return !structure && html->element != CP_HTML_E_BODY;
    }
    return structure || html->element == CP_HTML_E_META;
}

/* A script fetches rows of a table to put them into a page, and may go by
 * their first tag. */
static bool is_part(const cp_html *html, cp_span name)
{
    return !html->whole && cp_html_element_is_of_table(name);
}

/* The end of a body does not end a form that is open, but what is put in goes
 * before it. */
static bool ends_form(const cp_html *html)
{
    return html->end_tag && !html->templates
           && (html->element == CP_HTML_E_FORM
               || html->element == CP_HTML_E_BODY
               || html->element == CP_HTML_E_HTML);
}

cp_html_place cp_html_tag_named(cp_html *html, cp_span name)
{
    cp_html_place place = CP_HTML_NONE;

    html->begun = true;
    html->element = cp_html_element_find(name);
    if (!html->end_tag && html->element == CP_HTML_E_HTML) {
        html->rootless = false;
        html->whole = true;
    }
    if (html->head_open && !is_before_content(html)) {
        html->head_open = false;
        place = html->rootless || is_part(html, name) ? CP_HTML_NONE
                                                      : CP_HTML_HEAD;
    }
    else if (ends_form(html)) {
        place = cp_html_form_is_due(&html->form) ? CP_HTML_FORM
                                                 : CP_HTML_NONE;
        if (html->element == CP_HTML_E_FORM) {
            html->form.open = false;
        }
        else if (place == CP_HTML_FORM) {
            html->form.has_field = true;
        }
    }
    tag_begin(html);
    return place;
}

void cp_html_raw_ended(cp_html *html)
{
    html->element = CP_HTML_E_OTHER;
    html->end_tag = true;
    tag_begin(html);
}
