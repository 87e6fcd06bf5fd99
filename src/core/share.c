#include "share.h"

cp_span cp_share_find(const char *name)
{
    for (const cp_share *share = cp_shares; share->name; share++) {
        if (strcmp(share->name, name) == 0) {
            return share->content;
        }
    }
    return CP_SPAN_NONE;
}
