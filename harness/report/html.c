// html.c: see html.h.
#include "report/html.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

// ---- Text -------------------------------------------------------------------------------------------------------------------

static const char *entity(char c)
{
    static const struct {
        char character;
        const char *entity;
    } entities[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};
    for (size_t i = 0; i < sizeof entities / sizeof *entities; i++)
        if (entities[i].character == c)
            return entities[i].entity;
    return NULL;
}

void html_text(struct text *html, const char *text)
{
    while (*text) {
        size_t length = text_character(text);
        const char *escaped = entity(*text);
        if (length == 0)
            text_add(html, "\xef\xbf\xbd");
        else if (escaped)
            text_add(html, "%s", escaped);
        else if (length == 1 && ((*text < ' ' && *text != '\n' && *text != '\t') || *text == 0x7f))
            text_add(html, " ");
        else
            text_add_bytes(html, text, length);
        text += length ? length : 1;
    }
}

void html_number(struct text *html, const char *text)
{
    char before = ' ';
    if (!strcmp(text, "-")) {
        text_add(html, "\xe2\x80\x93"); // a dash for what is not known
        return;
    }
    for (; *text; before = *text++) {
        const char one[] = {*text, '\0'};
        bool starts_number = (text[1] >= '0' && text[1] <= '9') || text[1] == '.';
        if (*text == '-' && starts_number && !strchr("0123456789e", before))
            text_add(html, "\xe2\x88\x92"); // minus
        else if (*text == ' ' && (before == '[' || before == ' '))
            text_add(html, "\xe2\x80\x87"); // figure space
        else if ((unsigned char)*text >= 0x80)
            text_add_bytes(html, text, 1);
        else
            html_text(html, one);
    }
}

void html_add(struct text *html, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    for (const char *percent; (percent = strchr(format, '%')); format = percent + 2) {
        assert(percent[1] == 's' || percent[1] == '%');
        text_add_bytes(html, format, (size_t)(percent - format));
        if (percent[1] == 's')
            html_text(html, va_arg(arguments, const char *));
        else
            text_add_bytes(html, "%", 1);
    }
    text_add_bytes(html, format, strlen(format));
    va_end(arguments);
}

// ---- Pictures ---------------------------------------------------------------------------------------------------------------

// What is put before a match, and how much of the match is kept.
static const struct {
    const char *match;
    size_t kept;
    bool led; // by the figure's name
} edits[] = {
    {" id='", 5, true},
    {" id=\"", 5, true},
    {"xlink:href='#", 0, true},
    {"url(#", 5, true},
};

static const char *skip_element(const char *at, const char *end, const char *closing)
{
    const char *found = memmem(at, (size_t)(end - at), closing, strlen(closing));
    return found ? found + strlen(closing) : end;
}

static bool starts(const char *at, const char *end, const char *with)
{
    return (size_t)(end - at) >= strlen(with) && !memcmp(at, with, strlen(with));
}

static void copy_body(struct text *html, const char *at, const char *end, const char *name)
{
    while (at < end) {
        size_t i = 0, count = sizeof edits / sizeof *edits;
        if (starts(at, end, "<title>")) {
            at = skip_element(at, end, "</title>");
            continue;
        }
        if (starts(at, end, "<desc>")) {
            at = skip_element(at, end, "</desc>");
            continue;
        }
        while (i < count && !starts(at, end, edits[i].match))
            i++;
        if (i == count) {
            text_add_bytes(html, at++, 1);
            continue;
        }
        text_add_bytes(html, at, edits[i].kept);
        text_add(html, "%s%s-", edits[i].kept ? "" : "href='#", name);
        at += strlen(edits[i].match);
    }
}

bool html_svg(struct text *html, const char *svg, size_t count, const char *name, const char *title)
{
    const char *end = svg + count, *open = memmem(svg, count, "<svg", 4);
    const char *body = open ? memchr(open, '>', (size_t)(end - open)) : NULL;
    const char *box = body ? memmem(open, (size_t)(body - open), "viewBox=\"", 9) : NULL;
    int width = 0, height = 0;
    if (!box)
        return false;
    char *rest;
    strtol(box + 9, &rest, 10);
    strtol(rest, &rest, 10);
    width = (int)strtol(rest, &rest, 10);
    height = (int)strtol(rest, &rest, 10);
    if (width <= 0 || height <= 0)
        return false;
    text_add(html, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", width, height);
    html_text(html, title);
    text_add(html, "\">");
    copy_body(html, body + 1, end, name);
    return true;
}
