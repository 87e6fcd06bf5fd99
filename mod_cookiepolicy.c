#include "api.h"
#include "authz.h"
#include "compile.h"
#include "config.h"
#include "corridor.h"
#include "status.h"

static void register_hooks(apr_pool_t *pool)
{
    cp_api_register();
    cp_authz_register(pool);
    cp_compile_register(pool);
    cp_corridor_register();
    cp_status_register(pool);
}

module cookiepolicy_module = {
    STANDARD20_MODULE_STUFF,
    cp_dir_config_create,
    cp_dir_config_merge,
    cp_server_config_create,
    cp_server_config_merge,
    cp_directives,
    register_hooks,
    AP_MODULE_FLAG_NONE
};
