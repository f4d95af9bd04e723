/* platform/aws/aws_form.h - bodies of the query protocol, and what its XML answers say.
 *
 * Purpose:   SNS speaks no JSON: a call is a form (Action=Publish&Version=2010-03-31&...), its
 *            answer is XML whose elements are looked up by name.
 * Units:     none.
 * Ownership: a form grows in its builder's arena; found texts borrow from the XML, unescaped ones
 *            live in the arena.
 * Errors:    none; what is not there is TEXT_NONE.
 * Threads:   values. */
#ifndef PLATFORM_AWS_AWS_FORM_H
#define PLATFORM_AWS_AWS_FORM_H

#include "base/text.h"

/* Adds `name=value`, percent-encoded, after an `&` where something stands before it. */
void aws_form_add(struct text_builder *form, const char *name, struct text value);
/* The same with a name made by printf: "PublishBatchRequestEntries.member.%zu.Id". */
void aws_form_add_at(struct text_builder *form, struct text value, const char *name_format, ...)
    __attribute__((format(printf, 3, 4)));

/* What stands between the first <name> of *rest and its end, still escaped; *rest then begins after
 * it. Elements of one name do not nest in AWS's answers, except `member`: look up what is within.
 */
struct text aws_xml_next(struct text *rest, const char *name);
/* The first of that name in all of `xml`. */
struct text aws_xml_find(struct text xml, const char *name);
/* &lt; &gt; &amp; &quot; &apos; and numbers become what they stand for. */
struct text aws_xml_unescape(struct arena *arena, struct text escaped);

#endif
