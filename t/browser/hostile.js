// Pages that get in the banner's way, by accident or with intent: names that
// hide the browser's own, objects with more in them than they should have,
// scripts that never end, a body that is replaced.

import { writeFileSync } from 'node:fs';
import { browser_start, check, conclude } from './portal.js';
import { Consent } from './consent.js';

const own = `http://waiting.localhost:${process.env.PORT}`;
const policy = `script-src 'nonce-c2VjcmV0' 'strict-dynamic'; `
    + `object-src 'none'; base-uri 'none'`;

async function arrive(browser, name, body, head = '') {
    const context = await browser.newContext({ locale: 'en-GB' });
    const page = await context.newPage();

    writeFileSync(`${process.env.PAGES}/${name}.asis`,
        'Content-Type: text/html; charset=utf-8\n'
        + `Content-Security-Policy: ${policy}\n\n`
        + '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        + `<title>Hostile</title>${head}</head><body>${body}</body></html>`);
    page.setDefaultTimeout(60000);
    await page.goto(`${own}/${name}.asis`);
    return new Consent(page);
}

const leave = consent => consent.page.context().close();
const inline = text => `<script nonce="c2VjcmV0">${text}</script>`;
const waits = (mark, rest, text = '') => '<script type="text/plain" '
    + `nonce="c2VjcmV0" data-category="necessary" data-mark="${mark}" `
    + `${rest}>${text}</script>`;

async function names(browser) {
    for (const [name, body] of [
        ['form', '<form id="cookiePolicy"></form>'],
        ['frame', '<iframe name="cookiePolicy"></iframe>']
    ]) {
        const consent = await arrive(browser, name, body);

        await consent.asked(`${name}: it asks`);
        await consent.refuse();
        check(`${name}: its functions are there`,
              await consent.ask('validConsent'));
        await leave(consent);
    }
}

async function stolen_nonce(browser) {
    const without = '<script type="text/plain" data-category="necessary" '
        + 'data-src="/stolen.js"';

    writeFileSync(`${process.env.PAGES}/stolen.js`, 'window.stolen = true;');
    for (const nonce of ['', 'nonce="mine"']) {
        const consent = await arrive(browser, 'nonce',
            `<img name="currentScript" alt="" ${nonce}>`
            + `${without} ${nonce}></script>${without}></script>`
            + waits('1', '', 'window.waited = true;'));

        await consent.asked(`nonce ${nonce}: it asks`);
        await consent.page.waitForFunction(() => window.waited);
        await consent.page.waitForTimeout(300);
        check(`nonce ${nonce}: not one out of the page`,
              await consent.page.evaluate(() => window.stolen || false), false);
        await leave(consent);
    }
}

async function prototypes(browser) {
    const consent = await arrive(browser, 'prototypes', '', inline(
        `Object.prototype.statistics = 'granted';
         Object.prototype['third-party'] = 'granted';
         Object.prototype['no attribute'] = null;`));

    await consent.asked('prototypes: it asks');
    check('prototypes: nothing is granted', await consent.ask(
        'acceptedCategory', 'statistics'), false);
    await consent.refuse();
    check('prototypes: refused', (await consent.chosen()).statistics, 'n');
    await leave(consent);
}

// What is not run is not waited for either.
async function not_run(browser) {
    const consent = await arrive(browser, 'types',
        waits('1', 'data-type="text/plain"', 'x')
        + waits('2', 'data-type="text/typescript" src="/mark.js"')
        + waits('3', 'nomodule src="/mark.js"')
        + waits('4', '', 'window.waited = true;'));

    await consent.asked('not run: it asks');
    check('not run: the next one is', await consent.page.waitForFunction(
        () => window.waited).then(() => true, () => false));
    await leave(consent);
}

async function another_body(browser) {
    const consent = await arrive(browser, 'body', '<p>One.</p>');
    const change = () => consent.page.evaluate(() => {
        const body = document.createElement('body');

        body.append('Another.');
        document.body.replaceWith(body);
    });

    await consent.asked('body: it asks');
    await change();
    await consent.asked('body: in the next one, too');
    await consent.refuse();
    await change();
    await consent.opener.waitFor().catch(() => {});
    check('body: and can be opened there', await consent.opener.isVisible());
    await leave(consent);
}

const browser = await browser_start();

try {
    for (const part of [names, stolen_nonce, prototypes, not_run,
                        another_body]) {
        await part(browser).catch(
            error => check(`${part.name} ran to its end`, error, undefined));
    }
} finally {
    await browser.close();
}
conclude();
