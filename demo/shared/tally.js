// Counts the pages that were read, in a cookie that it sets by itself, as
// scripts for statistics do. Like them it asks nobody.
'use strict';

(function () {
    const found = document.cookie.match(/(?:^|; )tally_pages=([0-9]{1,6})/);
    const pages = 1 + (found ? Number(found[1]) : 0);

    document.cookie = 'tally_pages=' + pages
        + '; Path=/; Max-Age=2592000; SameSite=Lax';
}());
