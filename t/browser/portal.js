// The portal as a visitor's browser sees it, and the counting of checks.

import { writeFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { chromium } from 'playwright-core';

export const managed = [
    'cookies_preferences', 'csrftoken', 'django_language', 'sessionid'
];

const counts = { passed: 0, failed: 0 };

export function check(what, is, wanted = true) {
    const good = inspect(is) === inspect(wanted);

    counts[good ? 'passed' : 'failed']++;
    if (!good) {
        console.log(`not ok: ${what}\n    is      ${inspect(is)}\n`
                    + `    wanted  ${inspect(wanted)}`);
    }
}

// The process ends with 1 when something has failed.
export function conclude() {
    console.log(`${counts.passed} passed, ${counts.failed} failed`);
    writeFileSync(process.env.COUNTS, `${counts.passed} ${counts.failed}\n`);
    process.exitCode = counts.failed ? 1 : 0;
}

export function browser_start() {
    return chromium.launch({
        executablePath: process.env.CHROMIUM || '/usr/bin/chromium'
    });
}

// Somebody who comes for the first time, with a jar of his own.
export class Visitor {
    static async arrive(browser, port, options = {}) {
        const visitor = new Visitor();

        visitor.front = `http://front.portal.localhost:${port}`;
        visitor.back = `http://back.portal.localhost:${port}`;
        visitor.maps = `http://maps.openplan.localhost:${port}`;
        visitor.context = await browser.newContext(
            { locale: 'en-GB', ...options });
        visitor.page = await visitor.context.newPage();
        visitor.page.setDefaultTimeout(60000);
        visitor.errors = [];
        visitor.answers = [];
        visitor.page.on('console', message => {
            if (message.type() === 'error') {
                visitor.errors.push(message.text());
            }
        });
        visitor.page.on('response', answer => {
            visitor.answers.push(answer.url());
        });
        return visitor;
    }

    leave() {
        return this.context.close();
    }

    open(path) {
        return this.page.goto(this.front + path);
    }

    // Sends the form of the back office. @return where that led
    async log_in(name, password) {
        await this.page.goto(this.back + '/');
        await this.page.fill('#name', name);
        await this.page.fill('#password', password);
        await Promise.all([
            this.page.waitForNavigation(),
            this.page.click('main form button')
        ]);
        return this.page.url().slice(this.back.length);
    }

    // Who a page says is logged in; null where it says nothing.
    async signed_in(page) {
        await this.page.goto(page);
        const user = this.page.locator('.top .user strong');

        return await user.count() ? user.innerText() : null;
    }

    text(selector) {
        return this.page.locator(selector).innerText();
    }

    // The names that the browser keeps for a host, the four aside.
    async jar(host = this.front) {
        const cookies = await this.context.cookies(host);

        return cookies.map(cookie => cookie.name)
            .filter(name => !managed.includes(name)).sort();
    }

    async cookie(name) {
        const cookies = await this.context.cookies(this.front);

        return cookies.find(cookie => cookie.name === name);
    }

    // What the application says it got; the second time, since what the
    // first sets comes with the second.
    async arrived() {
        await this.open('/arrived');
        await this.open('/arrived');
        const names = (await this.text('#names')).split(', ');

        return {
            names: names.filter(name => !managed.includes(name)),
            managed: names.filter(name => managed.includes(name)),
            consent: await this.text('#consent'),
            decided: await this.text('#decided')
        };
    }

    // The choices as the form of the policy page sends them.
    async choose(choice, ...categories) {
        await this.open('/cookie-policy');
        const boxes = this.page.locator(
            'input[type=checkbox][name=category]:enabled');

        for (const box of await boxes.all()) {
            await box.setChecked(
                categories.includes(await box.getAttribute('value')));
        }
        await Promise.all([
            this.page.waitForNavigation(),
            this.page.click(`button[name=choice][value=${choice}]`)
        ]);
    }

    // Opens the page with the map. @return whether the frame got it
    async map() {
        this.errors.length = 0;
        this.answers.length = 0;
        await this.open('/map');
        const asked = this.answers.some(url => url.startsWith(this.maps));
        const shown = this.page.frames()
            .some(frame => frame.url().startsWith(this.maps));

        check('the frame is there when its host was asked', shown, asked);
        return shown;
    }

    async map_is_withheld(when) {
        check(`${when}: the frame is withheld`, await this.map(), false);
        check(`${when}: by Content-Security-Policy`,
              this.errors.some(text => text.includes('frame-src')
                  && text.includes('Content Security Policy')));
        check(`${when}: the third party sets no cookie`,
              await this.jar(this.maps), []);
        check(`${when}: the page leads to the choices`,
              await this.page.locator('.withheld a').getAttribute('href'),
              '/cookie-policy#choices');
    }
}
