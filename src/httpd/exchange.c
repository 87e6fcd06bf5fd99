#include "exchange.h"

#include <http_request.h>

cp_exchange *cp_exchange_inherit(const request_rec *r)
{
    return cp_exchange_of(r->main ? r->main : r->prev);
}

cp_exchange *cp_exchange_make(request_rec *r)
{
    cp_exchange *exchange = apr_pcalloc(r->pool, sizeof(*exchange));

    exchange->r = r;
    exchange->server = cp_server_config_of(r->server);
    ap_set_module_config(r->request_config, &cookiepolicy_module, exchange);
    return exchange;
}
