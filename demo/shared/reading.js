// Counts the pages that were read, in the browser's local storage. It waits
// for consent: see parts/bottom.en.html.
'use strict';

(function () {
    const pages = 1 + (Number(localStorage.getItem('reading_pages')) || 0);

    localStorage.setItem('reading_pages', String(pages));
}());
