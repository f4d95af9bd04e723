/* platform/bus/message_structured.h - a message as one JSON text: CloudEvents, structured mode.
 *
 * Purpose:   for buses and receivers whose messages have no headers worth the name: attributes and
 *            payload stand in one object, the payload as its member `data`. Reading gives the same
 *            headers, in the same order, that the message has on the other buses.
 * Units:     none.
 * Ownership: texts live in the arena or borrow from what was read.
 * Errors:    ERR_INVALID: the headers, or what was read, are no JSON of ours.
 * Threads:   values. */
#ifndef PLATFORM_BUS_MESSAGE_STRUCTURED_H
#define PLATFORM_BUS_MESSAGE_STRUCTURED_H

#include "platform/bus/message.h"

/* What cannot be named in this form (headers of others) is left out; a payload that is no JSON
 * becomes a text. */
MUST_CHECK enum status message_write_structured(struct arena *arena, const struct message *message,
                                                struct text *body_out, struct error *err);

/* Fills the attributes, `headers` and `payload`, and nothing else. Where it is ERR_INVALID but the
 * body is an object, `headers` and `payload` are filled as far as they can be. */
MUST_CHECK enum status message_parse_structured(struct arena *arena, struct text body,
                                                struct message *message_out, struct error *err);

#endif
