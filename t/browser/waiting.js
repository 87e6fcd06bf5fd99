// What waits for consent in a page: scripts in their order, frames, what
// scripts keep; under strict Content-Security-Policies, in other languages,
// and what the site's own scripts hear of it.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { browser_start, check, conclude } from './portal.js';
import { Consent } from './consent.js';

const own = `http://waiting.localhost:${process.env.PORT}`;
const signals = `http://signals.localhost:${process.env.PORT}`;
const other = `http://other.localhost:${process.env.PORT}`;

// --- The pages -------------------------------------------------------------

const NONCE = 'nonce="c2VjcmV0"';
const waits = (what, mark, more = '') =>
    `<script type="text/plain" ${NONCE} ${what} data-mark="${mark}" ${more}>`
    + '</script>\n';
const MARK = 'data-src="/mark.js"';

const files = {
    'tools.js': `window.ran = [];
        window.heard = [];
        for (const name of ['first-consent', 'consent', 'change']) {
            addEventListener('cookiepolicy:' + name, event => heard.push(
                name + ':' + event.detail.changedCategories));
        }`,
    'mark.js': `ran.push(document.currentScript.dataset.mark);`,
    'slow.js': `ran.push(document.currentScript.dataset.mark);`,
    'module.js': `ran.push('module');`,
    'framed.html': '<!DOCTYPE html><title>Framed</title><p>Framed.',
    'pixel.svg': '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>',
    'page.html': `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Waiting</title>
<script src="/tools.js" ${NONCE}></script></head><body><main><h1>Waiting</h1>
${waits('data-category="statistics"', '1', 'data-src="/slow.js"')}
${waits('data-category="statistics"', '2', 'src="/mark.js"')}
${waits('data-name="matomo" data-type="application/javascript"', '3', MARK)}
${waits('data-service="matomo"', '4', MARK)}
${waits('data-name="statistics"', '5', MARK)}
${waits('data-category="statistics" data-type="module"', '6',
        'data-src="/module.js"')}
${waits('data-category="necessary"', 'necessary', MARK)}
${waits('data-category="statistics-anonymous"', 'anonymous', MARK)}
${waits('data-category="!statistics"', 'refused', MARK)}
${waits('data-category="unknown"', 'unknown', MARK)}
<script type="text/plain" ${NONCE} data-category="statistics">ran.push('inline');</script>
<script type="text/plain" data-category="statistics">ran.push('no nonce');</script>
<script type="text/plain" data-category="statistics" data-mark="no nonce" ${MARK}></script>
<iframe data-category="third-party" data-src="${other}/framed.html" class="video" width="400" height="250" title="A video"></iframe>
<iframe data-name="video" data-src="javascript:parent.ran.push('frame')" title="No address"></iframe>
<iframe data-category="third-party" data-src="${other}/framed.html?count" src="about:blank" width="1" height="1" title="A count"></iframe>
<img data-category="third-party" data-src="/pixel.svg" alt="">
<p><a href="/cookie-policy" data-cookie-policy="open">Cookies</a></p>
</main></body></html>`,
    'tag.html': `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Signals</title>
<script src="/tag.js"></script></head><body><main><h1>Signals</h1></main></body></html>`,
    'tag.js': 'window.first = JSON.stringify([...dataLayer].map(one => [...one]));',
    'outer.html': '<!DOCTYPE html><html lang="en"><head><title>Outer</title></head>'
        + '<body><main><h1>Outer</h1><iframe src="/inner.html" title="Inner">'
        + '</iframe></main></body></html>',
    // In no language that is known.
    'open.html': '<!DOCTYPE html><html lang="la"><head><title>Porta</title>'
        + '</head><body><main><h1>Porta</h1></main></body></html>',
    'inner.html': '<!DOCTYPE html><html lang="en"><head><title>Inner</title></head>'
        + '<body><main><h1>Inner</h1></main></body></html>'
};

files['nonce.asis'] = `Content-Type: text/html; charset=utf-8
Content-Security-Policy: default-src 'none'; script-src 'nonce-c2VjcmV0' \
'strict-dynamic'; style-src 'nonce-c2VjcmV0'; connect-src 'self'; base-uri 'none'

${files['page.html']}`;

async function arrive(browser, url, options = {}) {
    const context = await browser.newContext({ locale: 'en-GB', ...options });
    const page = await context.newPage();
    const consent = new Consent(page);

    page.setDefaultTimeout(60000);
    consent.violations = [];
    consent.asked_for = [];
    page.on('request', asked => consent.asked_for.push(asked.url()));
    // The first is the slowest, so that order shows.
    await page.route('**/slow.js', async route => {
        await new Promise(resolve => setTimeout(resolve, 400));
        await route.continue();
    });
    page.on('console', message => {
        if (message.type() === 'error') {
            consent.violations.push(message.text());
        }
    });
    await page.goto(url);
    return consent;
}

const ran = consent => consent.page.evaluate(() => window.ran);
const leave = consent => consent.page.context().close();

async function until(consent, condition) {
    await consent.page.waitForFunction(condition);
}

// --- Scripts ---------------------------------------------------------------

async function in_order(browser, policy, path) {
    const consent = await arrive(browser, `${own}/${path}`);
    const is_nonced = policy === 'nonce';
    const both = ['necessary', 'anonymous'];

    await consent.asked(`${policy}: it asks`);
    await until(consent, () => window.ran.length === 2);
    check(`${policy}: what needs no consent runs`, await ran(consent), both);
    await consent.choose();
    await consent.box('statistics').check();
    await consent.save();
    await until(consent, () => window.ran.includes('module'));
    check(`${policy}: in their order`,
          (await ran(consent)).filter(one => /^\d$/.test(one)),
          ['1', '2', '3', '4', '5']);
    check(`${policy}: what waits for a refusal, or for nothing there is`,
          (await ran(consent)).filter(
              one => ['refused', 'unknown'].includes(one)), []);
    await consent.page.waitForTimeout(300);
    check(`${policy}: within the page`,
          (await ran(consent)).includes('inline'), is_nonced);
    check(`${policy}: without the nonce`,
          (await ran(consent)).includes('no nonce'), !is_nonced);
    check(`${policy}: attributes and nonce are kept`,
          await consent.page.evaluate(() => {
              const one = document.querySelector('script[data-mark="3"]');

              return [one.dataset.name, one.type, one.nonce];
          }), ['matomo', 'application/javascript', 'c2VjcmV0']);
    // Only what the page itself has no nonce for, if at all.
    check(`${policy}: nothing else is against it`, consent.violations.filter(
        text => !text.includes('inline')), []);
    await leave(consent);
}

async function added_later(browser) {
    const consent = await arrive(browser, `${own}/page.html`);

    await consent.asked('later: it asks');
    await consent.accept();
    await until(consent, () => window.ran.includes('inline'));
    await consent.page.evaluate(() => {
        for (const category of ['statistics', '!statistics']) {
            const late = document.createElement('script');

            late.type = 'text/plain';
            late.dataset.category = category;
            late.text = `ran.push('late ${category}');`;
            document.querySelector('main').append(late);
        }
    });
    await until(consent, () => window.ran.includes('late statistics'));
    check('later: not what waits for a refusal',
          (await ran(consent)).includes('late !statistics'), false);
    await leave(consent);
}

async function refused(browser) {
    const consent = await arrive(browser, `${own}/page.html`);

    await consent.asked('opposite: it asks');
    check('opposite: not before', (await ran(consent)).includes('refused'),
          false);
    await consent.refuse();
    await until(consent, () => window.ran.includes('refused'));
    check('opposite: that alone', (await ran(consent)).filter(
        one => !['necessary', 'anonymous', 'refused'].includes(one)), []);
    await leave(consent);
}

// A listener may keep the page, a script of which is running.
async function withdrawn(browser, kept) {
    const consent = await arrive(browser, `${own}/page.html`);
    const what = kept ? 'kept' : 'anew';

    await consent.asked(`${what}: it asks`);
    await consent.accept();
    await until(consent, () => window.ran.includes('inline'));
    await consent.page.evaluate(keep => {
        window.old = true;
        addEventListener('cookiepolicy:change', event => {
            if (keep) {
                event.preventDefault();
            }
        });
    }, kept);
    await consent.page.click('[data-cookie-policy=open]');
    await consent.dialog.waitFor();
    if (kept) {
        await consent.save(2);
        check('kept: told', (await consent.page.evaluate(() => heard)).pop(),
              'consent:statistics-anonymous,statistics,third-party');
    } else {
        await consent.anew(
            () => consent.dialog.locator('.foot button').nth(2).click());
        await until(consent, () => window.ran.includes('refused'));
        check('anew: nothing of it runs', (await ran(consent)).filter(
            one => !['necessary', 'refused'].includes(one)), []);
    }
    check(`${what}: the page`, await consent.page.evaluate(
        () => window.old || false), kept);
    await leave(consent);
}

// --- Frames ----------------------------------------------------------------

const frame_shown = consent => consent.page.frames().some(
    frame => frame.url().startsWith(other));

async function frames(browser) {
    const consent = await arrive(browser, `${own}/strict/page.html`);
    const holder = consent.holder;

    await consent.asked('frames: it asks');
    await consent.refuse();
    await holder.waitFor();
    check('frames: of the frame\'s size', await holder.evaluate(one => {
        const { width, height } = one.getBoundingClientRect();

        return width >= 400 && height >= 250;
    }));
    check('frames: not for one without address, or too small to be seen',
          await holder.count(), 1);
    await consent.accessible('frames');
    check('frames: nothing was asked', consent.asked_for.filter(
        url => url.startsWith(other) || url.includes('pixel')), []);
    await holder.locator('button').first().click();
    await consent.page.waitForSelector('iframe.video[src]');
    await consent.page.frameLocator('iframe.video').locator('p').waitFor();
    check('once: shown', frame_shown(consent));
    check('once: the placeholder is gone', await holder.count(), 0);
    check('once: nothing is stored', await consent.chosen(),
          { 'statistics-anonymous': 'n', statistics: 'n',
            'third-party': 'n' });
    check('once: that frame alone', consent.asked_for.some(
        url => url.includes('pixel')), false);
    await consent.page.reload();
    await holder.waitFor();
    await holder.locator('button').nth(1).click();
    await consent.page.waitForSelector('iframe.video[src]');
    check('always: stored', (await consent.chosen())['third-party'], 'y');
    check('always: its category alone', (await consent.chosen()).statistics,
          'n');
    await until(consent, () => document.querySelector('img').src);
    await until(consent, () => document.querySelector('[title="A count"]')
        .src.endsWith('?count'));
    check('always: pictures, too', consent.asked_for.some(
        url => url.includes('pixel')));
    await consent.page.click('[data-cookie-policy=open]');
    await consent.dialog.waitFor();
    await consent.save(2);
    await holder.waitFor();
    check('withdrawn: the frame is empty', frame_shown(consent), false);
    check('frames: no script of an address', (await ran(consent))
        .includes('frame'), false);
    await leave(consent);
}

async function in_a_frame(browser) {
    const consent = await arrive(browser, `${own}/outer.html`);

    await consent.asked('in a frame: the page around it asks');
    await consent.page.waitForTimeout(300);
    check('in a frame: nothing', await consent.page.frameLocator('iframe')
        .locator('cookie-policy').count(), 0);
    await leave(consent);
}

// --- What scripts keep -----------------------------------------------------

const keys = consent => consent.page.evaluate(async () => [
    ...Object.keys(localStorage), ...Object.keys(sessionStorage),
    ...(await indexedDB.databases()).map(({ name }) => name)].sort());

async function forgotten(browser) {
    const consent = await arrive(browser, `${own}/page.html`);

    await consent.asked('kept: it asks');
    await consent.accept();
    await consent.page.evaluate(() => new Promise(resolve => {
        localStorage.setItem('counted', '1');
        localStorage.setItem('basket', '1');
        sessionStorage.setItem('tab_1', '1');
        sessionStorage.setItem('table', '1');
        indexedDB.open('database').onsuccess = event => {
            event.target.result.close();
            resolve();
        };
    }));
    await consent.page.reload();
    check('kept: while it is granted', await keys(consent),
          ['basket', 'counted', 'database', 'tab_1', 'table']);
    await consent.ask('showPreferences');
    await consent.dialog.waitFor();
    await consent.anew(
        () => consent.dialog.locator('.foot button').nth(2).click());
    await until(consent, async () => !(await indexedDB.databases()).length);
    check('kept: no longer, what is declared', await keys(consent),
          ['basket', 'table']);
    await leave(consent);
}

// --- The site's own scripts ------------------------------------------------

async function interface_used(browser) {
    const consent = await arrive(browser, `${own}/page.html`);

    await consent.asked('interface: it asks');
    check('interface: undecided', await consent.ask('validConsent'), false);
    check('interface: objectable', await consent.ask('acceptedCategory',
        'statistics-anonymous'));
    check('interface: not yet', await consent.ask('acceptedCategory',
        'statistics'), false);
    await consent.ask('hide');
    await consent.asked('interface: hidden', false);
    await consent.ask('show');
    await consent.asked('interface: shown');
    check('interface: granted',
          await consent.ask('acceptCategory', ['statistics-anonymous',
                                               'statistics']));
    check('interface: it is in force', await consent.ask('acceptedService',
        'matomo', 'statistics'));
    check('interface: the service of another category',
          await consent.ask('acceptedService', 'video', 'third-party'), false);
    check('interface: decided', await consent.ask('validConsent'));
    await consent.asked('interface: no banner then', false);
    // Which takes the page of the script with it.
    await consent.anew(() => consent.ask('acceptCategory', 'all',
        ['statistics']).catch(() => {}));
    check('interface: preferences',
          await consent.ask('getUserPreferences'), {
              acceptType: 'custom',
              acceptedCategories: ['necessary', 'statistics-anonymous',
                                   'third-party'],
              rejectedCategories: ['statistics'],
              acceptedServices: { necessary: [], 'statistics-anonymous': [],
                                  'third-party': ['video'] },
              rejectedServices: { statistics: ['matomo'] }
          });
    await consent.ask('showPreferences');
    await consent.dialog.waitFor();
    await consent.ask('hidePreferences');
    await consent.dialog.waitFor({ state: 'hidden' });
    await leave(consent);
}

async function events(browser) {
    const consent = await arrive(browser, `${own}/page.html`);
    const heard = () => consent.page.evaluate(() => window.heard);
    const all = 'statistics-anonymous,statistics,third-party';

    await consent.asked('events: it asks');
    check('events: none before', await heard(), []);
    await consent.accept();
    check('events: the first', await heard(),
          [`first-consent:${all}`, `consent:${all}`]);
    await consent.page.reload();
    await consent.opener.waitFor();
    check('events: of a page', await heard(), ['consent:']);
    await consent.ask('acceptCategory', ['statistics-anonymous',
                                         'statistics']);
    check('events: of a change', await heard(), ['consent:',
        'change:third-party', 'consent:third-party']);
    await leave(consent);
}

// What was chosen in one tab holds in the other.
async function two_tabs(browser) {
    const consent = await arrive(browser, `${own}/page.html`);
    const second = new Consent(await consent.page.context().newPage());

    await consent.asked('tabs: it asks');
    await second.page.goto(`${own}/page.html`);
    await second.asked('tabs: in both');
    await second.refuse();
    await consent.page.evaluate(
        () => document.dispatchEvent(new Event('visibilitychange')));
    await consent.banner.waitFor({ state: 'hidden' });
    // The page may be on its way to be loaded anew.
    check('tabs: refused in both',
          await until(consent, () => window.ran?.includes('refused'))
              .then(() => true));
    await leave(consent);
}

async function consent_mode(browser) {
    const consent = await arrive(browser, `${signals}/tag.html`);
    const told = () => consent.page.evaluate(() => [...dataLayer].map(
        one => [...one]).filter(([what]) => what === 'consent').pop());
    const state = (statistics, ads) => ({ analytics_storage: statistics,
        ad_storage: ads, ad_user_data: ads });
    const sorted = ([one, two, three]) => [one, two,
        JSON.stringify(Object.entries(three).sort())];
    const wanted = (word, states) => sorted(['consent', word, states]);

    await consent.asked('Consent Mode: it asks');
    check('Consent Mode: before the first tag', sorted(JSON.parse(
        await consent.page.evaluate(() => window.first))[0]),
        wanted('default', state('denied', 'denied')));
    await consent.choose();
    await consent.box('statistics').check();
    await consent.save();
    check('Consent Mode: after a choice', sorted(await told()),
          wanted('update', state('granted', 'denied')));
    await consent.page.reload();
    check('Consent Mode: the next page', sorted(JSON.parse(
        await consent.page.evaluate(() => window.first))[0]),
        wanted('default', state('granted', 'denied')));
    await leave(consent);
}

// --- Languages -------------------------------------------------------------

async function language(browser, locale, direction) {
    const words = JSON.parse(readFileSync(new URL(
        `../../share/languages/${locale.slice(0, 2)}.json`,
        import.meta.url)));
    const consent = await arrive(browser, `${own}/strict/open.html`,
                                 { locale });
    const { page } = consent;

    await consent.asked(`${locale}: it asks`);
    check(`${locale}: in that language`, await consent.banner.locator('h2')
        .innerText(), words['banner.title']);
    check(`${locale}: in its direction`, await consent.banner.evaluate(
        one => getComputedStyle(one).direction), direction);
    await consent.accessible(locale);
    await consent.shot(locale);
    await page.setViewportSize({ width: 320, height: 640 });
    check(`${locale}: fits a telephone`, await consent.banner.evaluate(
        one => one.scrollWidth <= one.clientWidth
            && one.getBoundingClientRect().right <= innerWidth));
    await consent.shot(`${locale}-phone`);
    await consent.choose();
    await consent.accessible(`${locale}, second layer`);
    await consent.shot(`${locale}-second-layer`);
    await consent.save(2);
    check(`${locale}: refused`, (await consent.chosen()).statistics, 'n');
    await leave(consent);
}

const german = browser => language(browser, 'de-DE', 'ltr');
const arabic = browser => language(browser, 'ar-EG', 'rtl');

async function nobody_else(browser) {
    const consent = await arrive(browser, `${own}/nonce.asis`);

    await consent.asked('nonce: it asks');
    await consent.choose();
    check('nonce: no other host is asked', consent.asked_for.filter(
        url => !url.startsWith(own)), []);
    check('nonce: the styles are there', await consent.dialog.evaluate(
        one => getComputedStyle(one).display), 'flex');
    await leave(consent);
}

// The last one: from then on no consent can be recorded.
async function unrecorded(browser) {
    const consent = await arrive(browser, `${own}/page.html`);
    const problem = consent.banner.locator('.problem');

    await consent.asked('no record: it asks');
    rmSync(process.env.CONSENT, { recursive: true });
    await consent.press(0);
    await problem.waitFor();
    check('no record: said', (await problem.innerText())
        .includes('must be able to show what you agreed to'));
    check('no record: nothing is granted', await consent.chosen(), {});
    check('no record: nothing runs', await ran(consent),
          ['necessary', 'anonymous']);
    await consent.asked('no record: it goes on asking');
    await consent.accessible('no record');
    await consent.anew(() => consent.press(1));
    check('no record: a refusal counts', (await consent.chosen()).statistics,
          'n');
    await leave(consent);
}

mkdirSync(process.env.PAGES, { recursive: true });
for (const [name, text] of Object.entries(files)) {
    writeFileSync(`${process.env.PAGES}/${name}`, text);
}
const browser = await browser_start();
const strict = one => in_order(one, 'strict', 'strict/page.html');
const nonce = one => in_order(one, 'nonce', 'nonce.asis');
const withdrawn_anew = one => withdrawn(one, false);
const withdrawn_kept = one => withdrawn(one, true);

try {
    for (const part of [strict, nonce, added_later, refused, withdrawn_anew,
                        withdrawn_kept, frames, in_a_frame, forgotten,
                        interface_used, events, two_tabs, consent_mode,
                        german, arabic, nobody_else, unrecorded]) {
        await part(browser).catch(
            error => check(`${part.name} ran to its end`, error, undefined));
    }
} finally {
    await browser.close();
}
conclude();
