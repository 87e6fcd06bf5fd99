// The banner on the demo's portal: what is asked, what an answer does, and to
// whom it is shown how.

import { readFileSync } from 'node:fs';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { Visitor, browser_start, check, conclude } from './portal.js';
import { Consent } from './consent.js';

const FETCHED_MAX = 6 * 1024;
const TEXTS_MAX = 1536;
const nothing = { statistics: 'n', 'first-party': 'n', 'third-party': 'n',
                  marketing: 'n' };
const everything = { statistics: 'y', 'first-party': 'y', 'third-party': 'y',
                     marketing: 'y' };

async function arrive(browser, path = '/', options = {}) {
    const visitor = await Visitor.arrive(browser, process.env.ON, options);

    visitor.asked = [];
    visitor.page.on('request', asked => visitor.asked.push(asked.url()));
    await visitor.open(path);
    return [visitor, new Consent(visitor.page)];
}

function pages_read(page) {
    return page.evaluate(() => localStorage.getItem('reading_pages'));
}

const shows_map = visitor => visitor.page.frames()
    .some(frame => frame.url().startsWith(visitor.maps));
const has_asked = (visitor, what) =>
    visitor.asked.some(url => url.includes(what));

// --- Before an answer ------------------------------------------------------

// Three answers that differ in their words only.
async function alike(consent) {
    const looks = await consent.buttons.evaluateAll(all => all.map(one => {
        const { width, height } = one.getBoundingClientRect();
        const style = getComputedStyle(one);

        return JSON.stringify([Math.round(width), Math.round(height),
            style.color, style.backgroundColor, style.borderColor,
            style.fontSize, style.fontWeight, style.opacity]);
    }));

    check('three answers', looks.length, 3);
    check('of one look', new Set(looks).size, 1);
}

// @return names of what the focus comes to, while something hides it
function hidden_on_the_way(page) {
    return page.evaluate(async () => {
        const host = document.querySelector('cookie-policy');
        const banner = host.shadowRoot.querySelector('.banner');
        const hidden = [];

        for (const one of document.querySelectorAll('a, button, input')) {
            one.focus();
            await new Promise(requestAnimationFrame);
            const at = one.getBoundingClientRect();
            const over = banner.getBoundingClientRect();

            if (document.activeElement === one && at.bottom > over.top + 1
                && at.top < over.bottom && at.right > over.left
                && at.left < over.right) {
                hidden.push(one.textContent);
            }
        }
        return hidden;
    });
}

async function before_an_answer(browser) {
    const [visitor, consent] = await arrive(browser);
    const { page } = visitor;

    await consent.asked('first visit: it asks');
    await alike(consent);
    check('first in the body', await page.evaluate(
        () => document.body.firstElementChild.localName), 'cookie-policy');
    check('a region with a name', await page.getByRole('region',
        { name: 'Your choice about cookies' }).count(), 1);
    check('no focus is taken', await page.evaluate(
        () => document.activeElement.localName), 'body');
    await page.keyboard.press('Escape');
    await consent.asked('Escape decides nothing');
    check('nothing is decided', await consent.chosen(), {});
    check('nothing runs', has_asked(visitor, 'reading.js'), false);
    check('nothing is kept', await pages_read(page), null);
    check('nobody else is asked', visitor.asked.filter(
        url => !url.startsWith(visitor.front)), []);
    check('nothing of the second layer', has_asked(visitor, 'more'), false);
    check('nothing is against it', visitor.errors, []);
    check('nothing moved', await page.evaluate(() => new Promise(resolve => {
        new PerformanceObserver(list => resolve(list.getEntries()
            .reduce((sum, { value }) => sum + value, 0)))
            .observe({ type: 'layout-shift', buffered: true });
        setTimeout(() => resolve(0), 300);
    })), 0);
    check('focus: never behind it', await hidden_on_the_way(page), []);
    await consent.accessible('first layer');
    await page.emulateMedia({ media: 'print' });
    await consent.asked('print: not there', false);
    await visitor.leave();
}

// What is fetched until the first answer, as a server would compress it.
async function small(browser) {
    const [visitor, consent] = await arrive(browser);
    const sizes = { gzip: 0, brotli: 0 };
    let texts = 0;

    await consent.asked('it asks');
    for (const url of visitor.asked.filter(one => one.includes('/banner.'))) {
        const body = Buffer.from(await visitor.page.evaluate(
            async one => (await fetch(one)).text(), url));

        if (url.endsWith('.json')) {
            texts += body.length;
        } else {
            sizes.gzip += gzipSync(body, { level: 9 }).length;
            sizes.brotli += brotliCompressSync(body).length;
        }
    }
    console.log('banner.js and banner.css:', JSON.stringify(sizes));
    check('small: something was fetched', sizes.gzip > 1000);
    check(`small: ${sizes.gzip} bytes`, sizes.gzip <= FETCHED_MAX);
    check(`small: texts of ${texts} bytes`, texts > 0 && texts <= TEXTS_MAX);
    await visitor.leave();
}

// --- Answers ---------------------------------------------------------------

async function refused(browser) {
    const [visitor, consent] = await arrive(browser);

    await consent.asked('refuse: it asks');
    await consent.refuse();
    check('refuse: all of it', await consent.chosen(), nothing);
    check('refuse: said', await visitor.text('cookie-policy .status'),
          'Your choices have been saved.');
    check('refuse: the focus goes on', await consent.opener.evaluate(
        one => one.getRootNode().activeElement === one));
    await consent.accessible('refused');
    await consent.shot('refused');
    check('refuse: the jar', await visitor.jar(), []);
    await visitor.open('/datasets');
    await consent.opener.waitFor();
    await consent.asked('refuse: asked once', false);
    check('refuse: nothing runs', has_asked(visitor, 'reading.js'), false);
    check('refuse: no map', has_asked(visitor, visitor.maps), false);
    check('refuse: the server knows', (await visitor.arrived()).consent,
          'necessary');
    await visitor.leave();
}

async function accepted_and_withdrawn(browser) {
    const [visitor, consent] = await arrive(browser, '/datasets');
    const { page } = visitor;

    await consent.asked('accept: it asks');
    // The third party's content needs the page with another policy.
    await consent.anew(() => consent.press(0));
    check('accept: all of it', await consent.chosen(), everything);
    check('accept: scripts run', await pages_read(page), '1');
    check('accept: the map', shows_map(visitor));
    check('accept: no placeholder', await consent.holder.count(), 0);
    check('accept: nothing is against it', visitor.errors, []);
    await visitor.open('/arrived');
    await visitor.open('/counter');
    check('accept: the jar', await visitor.jar(),
          ['_vm_arrived', 'campaign', 'counter_opened', 'tally_pages',
           'visits']);

    // By a link of the site, while a script of statistics runs.
    check('withdraw: scripts run', await pages_read(page), '3');
    await page.click('footer [data-cookie-policy=open]');
    await consent.dialog.waitFor();
    check('withdraw: what is granted is ticked', await consent.boxes(),
          { necessary: true, statistics: true, 'first-party': true,
            'third-party': true, marketing: true });
    await consent.anew(() =>
        consent.dialog.locator('.foot button').nth(2).click());
    check('withdraw: all of it', await consent.chosen(), nothing);
    check('withdraw: what scripts kept is gone', await pages_read(page), null);
    check('withdraw: cookies, too', await visitor.jar(), []);
    await visitor.leave();
}

async function chosen_and_changed(browser) {
    const [visitor, consent] = await arrive(browser, '/datasets');
    const { page } = visitor;

    await consent.asked('choose: it asks');
    await consent.choose();
    check('choose: nothing is ticked', await consent.boxes(),
          { necessary: true, statistics: false, 'first-party': false,
            'third-party': false, marketing: false });
    check('choose: what is needed is fixed',
          await consent.box('necessary').isDisabled());
    await consent.dialog.locator('summary').nth(1).click();
    const list = await visitor.text('cookie-policy .category:nth-child(2)');

    check('choose: the cookies', ['visits', '^_vm_[a-z]+$', 'Tally Works',
        'local storage', '30 days'].filter(one => !list.includes(one)), []);
    await consent.accessible('second layer');
    await consent.shot('second-layer');
    await page.keyboard.press('Escape');
    await consent.dialog.waitFor({ state: 'hidden' });
    await consent.asked('choose: Escape leads back');
    check('choose: and decides nothing', await consent.chosen(), {});

    await consent.choose();
    await consent.box('statistics').check();
    await consent.save();
    check('choose: what was ticked', await consent.chosen(),
          { ...nothing, statistics: 'y' });
    await page.waitForFunction(() => localStorage.getItem('reading_pages'));
    check('choose: it runs at once', await pages_read(page), '1');
    check('choose: no map', shows_map(visitor), false);

    await consent.opener.click();
    await consent.dialog.waitFor();
    check('change: as it was', (await consent.boxes()).statistics);
    await consent.box('third-party').check();
    await consent.anew(() =>
        consent.dialog.locator('.foot button').first().click());
    check('change: both', await consent.chosen(),
          { ...nothing, statistics: 'y', 'third-party': 'y' });
    check('change: the map', shows_map(visitor));
    await visitor.leave();
}

// A frame asks for itself; where the server holds it back, not for once.
async function by_a_frame(browser) {
    const [visitor, consent] = await arrive(browser, '/datasets');

    await consent.asked('frame: it asks');
    await consent.refuse();
    await consent.holder.waitFor();
    const words = await consent.holder.innerText();

    check('frame: whose it is', words.includes(
        visitor.maps.replace('http://', '')));
    check('frame: which category', words.includes('Cookies of other sites'));
    check('frame: one button', await consent.holder.locator('button').count(),
          1);
    await consent.holder.scrollIntoViewIfNeeded();
    await consent.accessible('frame');
    await consent.shot('frame');
    await consent.anew(() => consent.holder.locator('button').click());
    check('frame: its category alone', await consent.chosen(),
          { ...nothing, 'third-party': 'y' });
    check('frame: the map', shows_map(visitor));
    await visitor.leave();
}

// --- By other ways ---------------------------------------------------------

async function focused(page) {
    return page.evaluate(() => {
        let one = document.activeElement;

        while (one.shadowRoot && one.shadowRoot.activeElement) {
            one = one.shadowRoot.activeElement;
        }
        return one.value && one.type === 'checkbox' ? one.value
            : one.textContent.trim();
    });
}

async function tab_to(page, wanted) {
    for (let steps = 0; steps < 40; steps++) {
        if (await focused(page) === wanted) {
            return;
        }
        await page.keyboard.press('Tab');
    }
    check(`keyboard: ${wanted} is reached`, false);
}

async function by_keyboard(browser) {
    const [visitor, consent] = await arrive(browser);
    const { page } = visitor;
    const order = [];

    await consent.asked('keyboard: it asks');
    for (let steps = 0; steps < 5; steps++) {
        await page.keyboard.press('Tab');
        order.push(await focused(page));
    }
    check('keyboard: it comes first', order, ['Cookie policy', 'Accept all',
        'Refuse all', 'Choose', 'Skip to the content']);
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Enter');
    await consent.dialog.waitFor();
    check('keyboard: the dialog says what it is', await focused(page),
          'Your choices');
    await tab_to(page, 'marketing');
    await page.keyboard.press('Space');
    await tab_to(page, 'Save my choices');
    await page.keyboard.press('Enter');
    await consent.opener.waitFor();
    check('keyboard: saved', await consent.chosen(),
          { ...nothing, marketing: 'y' });
    check('keyboard: goes on from there', await focused(page),
          'Cookie settings');
    await page.keyboard.press('Enter');
    await consent.dialog.waitFor();
    await page.keyboard.press('Escape');
    check('keyboard: and back', await focused(page), 'Cookie settings');
    await page.focus('footer [data-cookie-policy=open]');
    await page.keyboard.press('Enter');
    await consent.dialog.waitFor();
    await tab_to(page, 'Save my choices');
    await page.keyboard.press('Enter');
    await consent.dialog.waitFor({ state: 'hidden' });
    check('keyboard: and back to a link', await focused(page), 'Cookies');
    await visitor.leave();
}

async function by_signal(browser) {
    const visitor = await Visitor.arrive(browser, process.env.ON,
        { extraHTTPHeaders: { 'Sec-GPC': '1' } });
    const consent = new Consent(visitor.page);

    await visitor.context.addInitScript(() => {
        Object.defineProperty(Navigator.prototype, 'globalPrivacyControl',
                              { get: () => true });
    });
    await visitor.open('/datasets');
    await consent.opener.waitFor();
    await consent.asked('GPC: nothing is asked', false);
    check('GPC: all is refused',
          (await consent.ask('getUserPreferences')).acceptType, 'necessary');
    check('GPC: nothing runs', await pages_read(visitor.page), null);
    await consent.opener.click();
    await consent.dialog.waitFor();
    check('GPC: it is said', (await consent.dialog.innerText())
        .includes('Global Privacy Control'));
    await consent.box('statistics').check();
    await consent.save();
    await visitor.page.waitForFunction(
        () => localStorage.getItem('reading_pages'));
    check('GPC: a choice goes before it', (await consent.chosen()).statistics,
          'y');
    await visitor.leave();
}

async function without_scripts(browser) {
    const [visitor] = await arrive(browser, '/',
                                   { javaScriptEnabled: false });

    check('no script: nothing is in the way',
          await visitor.page.locator('cookie-policy').count(), 0);
    await visitor.page.click('footer [data-cookie-policy=open]');
    check('no script: the page is one link away', visitor.page.url(),
          `${visitor.front}/cookie-policy`);
    await visitor.leave();
}

async function where_nothing_is_asked(browser) {
    const visitor = await Visitor.arrive(browser, process.env.APART);

    await visitor.page.goto(visitor.back + '/');
    check('back office: no script of it', (await visitor.page.content())
        .includes('/cookie-policy/banner'), false);
    check('back office: nothing is shown',
          await visitor.page.locator('cookie-policy').count(), 0);
    await visitor.page.goto(visitor.front + '/cookie-policy');
    check('policy page: nothing is shown',
          await visitor.page.locator('cookie-policy').count(), 0);
    await visitor.leave();
}

async function answers_of_the_server(browser) {
    const [visitor, consent] = await arrive(browser);

    await consent.asked('failure: it asks');
    await visitor.page.route('**/preferences', route => route.abort());
    await consent.press(1);
    const problem = consent.banner.locator('.problem');

    await problem.waitFor();
    check('failure: said', await problem.innerText(),
          'Your choices could not be saved. Please try again later.');
    check('failure: nothing is decided', await consent.chosen(), {});
    await consent.accessible('failure');
    await visitor.page.unroute('**/preferences');
    await consent.refuse();
    check('failure: then it is', await consent.chosen(), nothing);
    await visitor.leave();
}

// --- To whom it is shown how -----------------------------------------------

const looks = {
    'light': {},
    'dark': { colorScheme: 'dark' },
    'phone': { viewport: { width: 320, height: 640 } },
    'zoomed': { viewport: { width: 640, height: 360 }, deviceScaleFactor: 2 },
    'forced-colours': { forcedColors: 'active' },
    'still': { reducedMotion: 'reduce' },
    'french': { locale: 'fr-FR' }
};

// Nothing sticks out, nothing is cut off that cannot be scrolled to.
async function fits(page, name, what) {
    const box = await what.boundingBox();
    const { width, height } = page.viewportSize();

    check(`${name}: within the window`, box.x >= 0 && box.y >= 0
        && box.x + box.width <= width && box.y + box.height <= height);
    check(`${name}: no wider than that`, await what.evaluate(
        one => one.scrollWidth <= one.clientWidth));
}

async function one_look(browser, name, options) {
    const [visitor, consent] = await arrive(browser, '/', options);

    await consent.asked(`${name}: it asks`);
    await fits(visitor.page, name, consent.banner);
    await consent.accessible(name, Boolean(options.forcedColors));
    await consent.shot(name);
    check(`${name}: motion`, await consent.banner.evaluate(
        one => getComputedStyle(one).animationName),
        options.reducedMotion ? 'none' : 'appear');
    await consent.choose();
    await fits(visitor.page, `${name}, second layer`, consent.dialog);
    await consent.accessible(`${name}, second layer`,
                             Boolean(options.forcedColors));
    await consent.shot(`${name}-second-layer`);
    for (const place of [0, 1, 2]) {
        const button = consent.dialog.locator('.foot button').nth(place);

        await button.scrollIntoViewIfNeeded();
        check(`${name}: button ${place} can be reached`, await button
            .evaluate(one => {
                const at = one.getBoundingClientRect();

                return at.top >= 0 && at.bottom <= innerHeight;
            }));
    }
    await visitor.leave();
}

async function all_looks(browser) {
    for (const [name, options] of Object.entries(looks)) {
        await one_look(browser, name, options);
    }
}

const style = readFileSync(
    new URL('../../demo/shared/style.css', import.meta.url), 'utf8');

async function site_looks(browser) {
    for (const position of ['corner', 'center']) {
        const visitor = await Visitor.arrive(browser, process.env.ON);
        const consent = new Consent(visitor.page);

        await visitor.page.route('**/shared/style.css', route => route.fulfill({
            contentType: 'text/css',
            body: style + `:root { --cookie-policy-position: ${position};
                                   --cookie-policy-accent: rgb(31, 93, 82);
                                   --cookie-policy-radius: 0px;
                                   --cookie-policy-button: none; }`
        }));
        await visitor.open('/');
        await consent.asked(`${position}: it asks`);
        await fits(visitor.page, position, consent.banner);
        check(`${position}: where the site says`, await consent.banner
            .evaluate(one => one.className), `banner ${position}`);
        check(`${position}: its colour`, await consent.buttons.first()
            .evaluate(one => getComputedStyle(one).backgroundColor),
            'rgb(31, 93, 82)');
        await consent.shot(position);
        await consent.press(1);
        await consent.banner.waitFor({ state: 'hidden' });
        check(`${position}: no button, as the site says`,
              await consent.opener.isVisible(), false);
        await visitor.leave();
    }
}

// The manual's.
async function pictures(browser) {
    if (!process.env.PICTURES) {
        return;
    }
    const viewport = { width: 720, height: 440 };
    const [light, first] = await arrive(browser, '/', { viewport });

    await first.asked('pictures: first layer');
    await first.shot('banner', process.env.PICTURES);
    await light.leave();
    const [dark, second] = await arrive(browser, '/',
        { viewport: { width: 720, height: 520 }, colorScheme: 'dark' });

    await second.asked('pictures: second layer');
    await second.choose();
    await second.shot('banner-choices', process.env.PICTURES);
    await dark.leave();
}

const browser = await browser_start();

try {
    for (const part of [before_an_answer, small, refused,
                        accepted_and_withdrawn, chosen_and_changed, by_a_frame,
                        by_keyboard, by_signal, without_scripts,
                        where_nothing_is_asked, answers_of_the_server,
                        all_looks, site_looks, pictures]) {
        await part(browser).catch(
            error => check(`${part.name} ran to its end`, error, undefined));
    }
} finally {
    await browser.close();
}
conclude();
