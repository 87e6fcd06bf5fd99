(function (policy) {
    "use strict";
    void policy;
})(COOKIE_POLICY);
