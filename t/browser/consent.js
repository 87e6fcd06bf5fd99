// The banner as a visitor uses it, whoever's page it is on.

import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { check } from './portal.js';

const axe = readFileSync(
    createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export class Consent {
    constructor(page) {
        this.page = page;
        this.banner = page.locator('cookie-policy .banner');
        this.buttons = this.banner.locator('button');
        this.opener = page.locator('cookie-policy .opener');
        this.dialog = page.locator('cookie-policy dialog');
        this.holder = page.locator('cookie-policy .frame');
    }

    async asked(what, wanted = true) {
        if (wanted) {
            await this.banner.waitFor().catch(() => {});
        }
        check(what, await this.banner.isVisible(), wanted);
    }

    // Accept, refuse or choose, by place: words differ.
    press(place) {
        return this.buttons.nth(place).click();
    }

    async answer(place) {
        await this.press(place);
        await this.banner.waitFor({ state: 'hidden' });
        await this.opener.waitFor();
    }

    accept() {
        return this.answer(0);
    }

    refuse() {
        return this.answer(1);
    }

    async choose() {
        await this.press(2);
        await this.dialog.waitFor();
    }

    box(category) {
        return this.dialog.locator(`input[value="${category}"]`);
    }

    async boxes() {
        const found = {};

        for (const box of await this.dialog.locator('input').all()) {
            found[await box.getAttribute('value')] = await box.isChecked();
        }
        return found;
    }

    async save(place = 0) {
        await this.dialog.locator('.foot button').nth(place).click();
        await this.dialog.waitFor({ state: 'hidden' });
        await this.opener.waitFor();
    }

    // A page that is loaded anew after the act.
    async anew(act) {
        await Promise.all([this.page.waitForEvent('load'), act()]);
        await this.opener.waitFor();
    }

    // What was chosen, as the cookie has it.
    async chosen() {
        const cookies = await this.page.context().cookies(this.page.url());
        const { value } = cookies.find(
            ({ name }) => name === 'cookies_preferences') || { value: '' };

        return Object.fromEntries((value.split('.')[2] || '').split('~')
            .filter(Boolean).map(state => state.split(':').slice(0, 2)));
    }

    ask(name, ...given) {
        return this.page.evaluate(([one, all]) =>
            window.cookiePolicy[one](...all), [name, given]);
    }

    // Forced colours are the browser's, which axe does not know.
    async accessible(state, forced = false) {
        const found = await this.page.evaluate(`${axe}
            axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa',
                                'wcag22aa', 'best-practice'],
                      rules: { 'color-contrast': { enabled: ${!forced} } } })`);

        check(`${state}: accessible`, found.violations.map(
            one => `${one.id}: ${one.nodes.map(node => node.target)}`), []);
    }

    async shot(name, directory = process.env.SHOTS) {
        if (directory) {
            mkdirSync(directory, { recursive: true });
            await this.page.screenshot({ path: `${directory}/${name}.png`,
                                         animations: 'disabled' });
        }
    }
}
