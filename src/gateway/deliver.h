/* gateway/deliver.h - where an item's answer goes.
 *
 * Purpose:   to the client at once; to the others of its batch; or to those who wait for the books.
 * Units:     none.
 * Ownership: the answer's texts may end when deliver_item returns: what is kept is copied.
 * Errors:    none.
 * Threads:   any; the item is over afterwards. */
#ifndef GATEWAY_DELIVER_H
#define GATEWAY_DELIVER_H

#include "gateway/hop.h"

void deliver_item(struct hop_item *item);

#endif
