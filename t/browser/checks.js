// What the policy does to a browser, from the first visit to the withdrawal;
// what it leaves alone in report mode.

import { writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { Visitor, browser_start, check, conclude, managed } from './portal.js';

const DAY = 24 * 60 * 60;
const counted = ['_vm_arrived', 'tally_pages', 'visits'];
const all = ['_vm_arrived', 'campaign', 'tally_pages', 'visits'];
const everywhere = [...all, 'counter_opened'].sort();

async function days_left(visitor, name) {
    const cookie = await visitor.cookie(name);

    return Math.round((cookie.expires - Date.now() / 1000) / DAY);
}

async function before_a_choice(visitor) {
    const arrived = await visitor.arrived();

    check('undecided: nothing arrives', arrived.names, []);
    check('undecided: the four arrive', arrived.managed, managed);
    check('undecided: the application is told', arrived.consent, 'necessary');
    check('undecided: and that nothing is decided', arrived.decided, 'no');
    await visitor.open('/counter');
    check('undecided: the jar is empty', await visitor.jar(), []);
    await visitor.map_is_withheld('undecided');
}

async function statistics_alone(visitor) {
    await visitor.choose('save', 'statistics');
    const arrived = await visitor.arrived();

    check('statistics: they arrive', arrived.names, counted);
    check('statistics: consent', arrived.consent, 'necessary,statistics');
    check('statistics: decided', arrived.decided, 'yes');
    check('statistics: the jar', await visitor.jar(), counted);
    const visits = await visitor.cookie('visits');

    check('statistics: hardened, HttpOnly', visits.httpOnly, true);
    check('statistics: hardened, SameSite', visits.sameSite, 'Lax');
    check('statistics: hardened, lifetime',
          await days_left(visitor, 'visits'), 30);
    await visitor.map_is_withheld('statistics');
}

async function third_party_too(visitor) {
    await visitor.choose('save', 'statistics', 'third-party');
    check('third party: the frame loads', await visitor.map());
    check('third party: nothing is blocked', visitor.errors, []);
    check('third party: its own cookie', await visitor.jar(visitor.maps),
          ['map_view']);
    check('third party: no notice',
          await visitor.page.locator('.withheld').count(), 0);
    check('third party: no more than that',
          (await visitor.arrived()).names, counted);
}

async function everything(visitor) {
    await visitor.choose('accept-all');
    check('accept all: marketing too', (await visitor.arrived()).names, all);
    await visitor.open('/counter');
    check('accept all: the jar', await visitor.jar(), everywhere);
}

async function withdrawal(visitor) {
    await visitor.choose('reject-all');
    check('withdrawn: deleted at once, the script\'s too',
          await visitor.jar(), []);
    const arrived = await visitor.arrived();

    check('withdrawn: nothing arrives', arrived.names, []);
    check('withdrawn: consent', arrived.consent, 'necessary');
    check('withdrawn: decided', arrived.decided, 'yes');
    await visitor.context.clearCookies({ name: 'map_view' });
    await visitor.map_is_withheld('withdrawn');
}

// No server can hinder a script; what it sets is withheld, and deleted where
// the policy declares it.
async function script_without_consent(visitor) {
    await visitor.page.evaluate(() => {
        document.cookie = 'tally_pages=7; Path=/';
        document.cookie = 'stray=1; Path=/';
    });
    check('script: it has set them', await visitor.jar(),
          ['stray', 'tally_pages']);
    await visitor.open('/counter');
    check('script: deleted by the next page', await visitor.jar(), ['stray']);
    check('script: what is undeclared does not arrive',
          (await visitor.arrived()).names, []);
}

async function one_visit(browser) {
    const visitor = await Visitor.arrive(browser, process.env.ON);

    await before_a_choice(visitor);
    await statistics_alone(visitor);
    await third_party_too(visitor);
    await everything(visitor);
    await withdrawal(visitor);
    await script_without_consent(visitor);
    await visitor.leave();
}

async function in_french(browser) {
    const visitor = await Visitor.arrive(browser, process.env.ON,
                                         { locale: 'fr-FR' });

    await visitor.open('/map');
    check('French: the notice',
          (await visitor.text('.withheld')).includes('n\'est pas affichée'));
    await visitor.page.click('.withheld a');
    check('French: it leads to the choices',
          visitor.page.url(), visitor.front + '/cookie-policy#choices');
    check('French: the language of the policy',
          await visitor.page.getAttribute('html', 'lang'), 'fr');
    const policy = await visitor.text('main');

    for (const words of ['Politique de cookies', 'Publicité',
                         'Compter combien de fois vous revenez',
                         'Ville de Valmere', '30 jours',
                         visitor.maps]) {
        check(`French: ${words}`, policy.includes(words));
    }
    await visitor.choose('save', 'marketing');
    const arrived = await visitor.arrived();

    check('French: what was chosen arrives', arrived.names, ['campaign']);
    check('French: the footer',
          await visitor.page.locator('footer a[href="/cookie-policy"]')
              .innerText(), 'Cookies');
    await visitor.leave();
}

async function without_scripts(browser) {
    const visitor = await Visitor.arrive(browser, process.env.ON,
                                         { javaScriptEnabled: false });

    await visitor.choose('save', 'statistics');
    check('no script: the form is enough', (await visitor.arrived()).names,
          ['_vm_arrived', 'visits']);
    await visitor.open('/cookie-policy');
    check('no script: the form shows the choice',
          await visitor.page.isChecked('input[value=statistics]'));
    check('no script: and what was not chosen',
          await visitor.page.isChecked('input[value=marketing]'), false);
    await visitor.choose('reject-all');
    check('no script: withdrawn', await visitor.jar(), []);
    await visitor.leave();
}

async function with_gpc(browser) {
    const visitor = await Visitor.arrive(browser, process.env.ON, {
        extraHTTPHeaders: { 'Sec-GPC': '1' }
    });
    const before = await visitor.arrived();

    check('GPC: nothing arrives', before.names, []);
    check('GPC: it decides', before.decided, 'gpc');
    await visitor.map_is_withheld('GPC');
    await visitor.choose('accept-all');
    const after = await visitor.arrived();

    check('GPC: a choice goes before it', after.names, all);
    check('GPC: and is one', after.decided, 'yes');
    await visitor.leave();
}

// --- Logging in -----------------------------------------------------------

async function back_office(visitor, joined) {
    const which = joined ? 'joined' : 'apart';

    check(`${which}: nobody is let in`, (await visitor.page
        .goto(visitor.back + '/desk')).url(), visitor.back + '/');
    check(`${which}: a wrong password`, await visitor.log_in('ann', 'wrong'),
          '/?sorry');
    check(`${which}: logs nobody in`, await visitor.signed_in(visitor.back),
          null);
    check(`${which}: the right one`, await visitor.log_in('ann', 'valmere'),
          '/desk');
    check(`${which}: the desk knows who`,
          (await visitor.text('h1')).endsWith('ann'));
    check(`${which}: and every page of the back office`,
          await visitor.signed_in(visitor.back), 'ann');
    check(`${which}: the front office`,
          await visitor.signed_in(visitor.front), joined ? 'ann' : null);
}

async function logged_in(browser, port, joined) {
    const visitor = await Visitor.arrive(browser, port);
    const which = joined ? 'joined' : 'apart';

    await visitor.open('/counter');
    await back_office(visitor, joined);
    const before = await visitor.context.cookies(visitor.back);

    check(`${which}: no cookie has the password`,
          JSON.stringify(before).includes('valmere'), false);
    await visitor.page.goto(visitor.back + '/desk');
    await Promise.all([
        visitor.page.waitForNavigation(),
        visitor.page.click('main form button')
    ]);
    check(`${which}: logged out`, await visitor.signed_in(visitor.back), null);
    check(`${which}: everywhere`, await visitor.signed_in(visitor.front),
          null);
    await visitor.context.clearCookies();
    await visitor.context.addCookies(before);
    check(`${which}: the old cookies open nothing`, (await visitor.page
        .goto(visitor.back + '/desk')).url(), visitor.back + '/');
    await visitor.leave();
}

function joined_offices(browser) {
    return logged_in(browser, process.env.ON, true);
}

function offices_apart(browser) {
    return logged_in(browser, process.env.APART, false);
}

// --- Report mode ----------------------------------------------------------

async function nothing_changes(visitor, wanted) {
    const answer = await visitor.open('/map');
    const headers = await answer.headersArray();
    const policies = headers.filter(
        header => header.name.toLowerCase() === 'content-security-policy');
    const arrived = await visitor.arrived();

    check('report: every cookie arrives', arrived.names, wanted);
    check('report: none of ours is issued', arrived.managed, []);
    check('report: the jar', await visitor.jar(), wanted);
    check('report: nothing is hardened',
          (await visitor.cookie('visits')).httpOnly, false);
    check('report: no lifetime is cut',
          await days_left(visitor, 'visits'), 365);
    check('report: the site\'s own policy alone', policies.length, 1);
    check('report: the other one only reports',
          (await answer.headerValue('content-security-policy-report-only'))
              .endsWith('report-uri /cookie-policy/csp-report'));
    check('report: the frame loads', await visitor.map());
    await visitor.open('/counter');
}

async function inventory(visitor, form) {
    const answer = await visitor.open('/cookiepolicy-status?inventory' + form);

    return answer.text();
}

// The lines, once they are as is wanted, or after some seconds as they are.
async function lines_until(visitor, wanted) {
    let lines;

    for (let tries = 0; tries < 600; tries++) {
        lines = await inventory(visitor, '&text');
        if (wanted(lines)) {
            return lines;
        }
        await pause(100);
    }
    return lines;
}

async function its_lines_are_enough(visitor) {
    const third = `CookiePolicyThirdParty third-party ${visitor.maps}`;
    const lines = await lines_until(visitor, text => text.includes(third));

    check('inventory: the reported third party',
          lines.split('\n').includes(third));
    for (const begin of ['visits first-party', 'tally_pages statistics',
                         '~^_vm_ statistics', 'campaign marketing',
                         'counter_opened first-party']) {
        check(`inventory: ${begin}`,
              lines.includes(`CookiePolicyCookie ${begin}`));
    }
    check('inventory: the page', (await inventory(visitor, ''))
        .includes('tally_pages'));

    writeFileSync(process.env.DECLARED, lines);
    process.kill(Number(process.env.RELOAD), 'SIGUSR1');
    check('pasted: the inventory is empty',
          await lines_until(visitor, text => text === ''), '');
    await nothing_changes(visitor, everywhere);
    await pause(500);
    check('pasted: and stays so', await inventory(visitor, '&text'), '');
}

async function in_report_mode(browser) {
    const visitor = await Visitor.arrive(browser, process.env.REPORT);

    await nothing_changes(visitor, all);
    await its_lines_are_enough(visitor);
    await visitor.leave();
}

const browser = await browser_start();

try {
    for (const part of [one_visit, in_french, without_scripts, with_gpc,
                        joined_offices, offices_apart, in_report_mode]) {
        await part(browser).catch(
            error => check(`${part.name} ran to its end`, error, undefined));
    }
} finally {
    await browser.close();
}
conclude();
