#include "html_element.h"

#define NAMED(name) { name, sizeof(name) - 1 }

static const cp_span element_names[CP_HTML_E_COUNT] = {
    [CP_HTML_E_OTHER] = NAMED(""),
    [CP_HTML_E_XMP] = NAMED("xmp"),
    [CP_HTML_E_BASE] = NAMED("base"),
    [CP_HTML_E_BODY] = NAMED("body"),
    [CP_HTML_E_FORM] = NAMED("form"),
    [CP_HTML_E_HEAD] = NAMED("head"),
    [CP_HTML_E_HTML] = NAMED("html"),
    [CP_HTML_E_META] = NAMED("meta"),
    [CP_HTML_E_INPUT] = NAMED("input"),
    [CP_HTML_E_STYLE] = NAMED("style"),
    [CP_HTML_E_TITLE] = NAMED("title"),
    [CP_HTML_E_BUTTON] = NAMED("button"),
    [CP_HTML_E_IFRAME] = NAMED("iframe"),
    [CP_HTML_E_SCRIPT] = NAMED("script"),
    [CP_HTML_E_NOEMBED] = NAMED("noembed"),
    [CP_HTML_E_NOFRAMES] = NAMED("noframes"),
    [CP_HTML_E_TEMPLATE] = NAMED("template"),
    [CP_HTML_E_TEXTAREA] = NAMED("textarea"),
    [CP_HTML_E_PLAINTEXT] = NAMED("plaintext"),
};

#define OF(element) (1u << CP_HTML_E_##element)

static const struct {
    cp_span name;
    unsigned int elements;      /* in whose tags it matters */
} attributes[CP_HTML_A_COUNT] = {
    [CP_HTML_A_OTHER] = { NAMED(""), 0 },
    [CP_HTML_A_ACTION] = { NAMED("action"), OF(FORM) },
    [CP_HTML_A_CHARSET] = { NAMED("charset"), OF(META) },
    [CP_HTML_A_ENCTYPE] = { NAMED("enctype"), OF(FORM) },
    [CP_HTML_A_FORMACTION] = { NAMED("formaction"), OF(INPUT) | OF(BUTTON) },
    [CP_HTML_A_HREF] = { NAMED("href"), OF(BASE) },
    [CP_HTML_A_HTTP_EQUIV] = { NAMED("http-equiv"), OF(META) },
    [CP_HTML_A_METHOD] = { NAMED("method"), OF(FORM) },
    [CP_HTML_A_NAME] = { NAMED("name"), OF(INPUT) },
};

static bool name_is(cp_span name, cp_span expected)
{
    apr_size_t i = 0;

    if (name.length != expected.length) {
        return false;
    }
    while (i < name.length && (name.at[i] | ' ') == expected.at[i]) {
        i++;
    }
    return i == name.length;
}

cp_html_element cp_html_element_find(cp_span name)
{
    static const unsigned char first_of_length[] = {
        CP_HTML_E_OTHER, CP_HTML_E_OTHER, CP_HTML_E_OTHER, CP_HTML_E_XMP,
        CP_HTML_E_BASE, CP_HTML_E_INPUT, CP_HTML_E_BUTTON,
        CP_HTML_E_NOEMBED, CP_HTML_E_NOFRAMES, CP_HTML_E_PLAINTEXT
    };
    unsigned int element = name.length < sizeof(first_of_length)
                           ? first_of_length[name.length] : CP_HTML_E_OTHER;

    if (element == CP_HTML_E_OTHER) {
        return CP_HTML_E_OTHER;
    }
    for (; element < CP_HTML_E_COUNT
           && element_names[element].length == name.length; element++) {
        if (name_is(name, element_names[element])) {
            return (cp_html_element)element;
        }
    }
    return CP_HTML_E_OTHER;
}

const char *cp_html_element_name(cp_html_element element)
{
    return element_names[element].at;
}

bool cp_html_element_is_raw(cp_html_element element)
{
    static const unsigned int raw =
        OF(XMP) | OF(STYLE) | OF(TITLE) | OF(IFRAME) | OF(SCRIPT)
        | OF(NOEMBED) | OF(NOFRAMES) | OF(TEXTAREA);

    return raw >> element & 1;
}

bool cp_html_element_is_of_table(cp_span name)
{
    static const cp_span parts[] = {
        NAMED("td"), NAMED("th"), NAMED("tr"), NAMED("col"), NAMED("tbody"),
        NAMED("tfoot"), NAMED("thead"), NAMED("caption"), NAMED("colgroup")
    };

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (name_is(name, parts[i])) {
            return true;
        }
    }
    return false;
}

cp_html_attribute cp_html_attribute_find(cp_html_element element,
                                         cp_span name)
{
    for (int i = CP_HTML_A_OTHER + 1; i < CP_HTML_A_COUNT; i++) {
        if (attributes[i].elements >> element & 1
            && name_is(name, attributes[i].name)) {
            return (cp_html_attribute)i;
        }
    }
    return CP_HTML_A_OTHER;
}
