/* gateway/void.h - POST /v1/authorizations/{id}/void: the credit that is held comes back.
 *
 * Purpose:   hands a void to the hop; the id alone names its lane.
 * Units:     none.
 * Ownership: the visit is handed on.
 * Errors:    404 where the id is none; the rest is answered behind the hop.
 * Threads:   the door's thread. */
#ifndef GATEWAY_VOID_H
#define GATEWAY_VOID_H

#include "gateway/visit.h"

void void_handle(struct visit *visit);

#endif
