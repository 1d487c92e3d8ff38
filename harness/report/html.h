// html.h: text and pictures as parts of one HTML page that loads nothing from elsewhere.
#ifndef REPORT_HTML_H
#define REPORT_HTML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

// Whatever it holds, it reads as itself: markup and quotes are escaped, control characters become spaces, and bytes that are
// not UTF-8 become U+FFFD. Line ends and tabs stay.
void html_text(struct text *html, const char *text);
// A number as a table wants it: a true minus, and padding of the width of a digit.
void html_number(struct text *html, const char *text);
// Markup with escaped arguments: every %s goes through html_text. No other conversion is known.
void html_add(struct text *html, const char *format, ...);

// A gnuplot SVG inside the page: without prologue, titles and name spaces, every id led by `name`. False when `svg` is none.
bool html_svg(struct text *html, const char *svg, size_t count, const char *name, const char *title);

#endif
