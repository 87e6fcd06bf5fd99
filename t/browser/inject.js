// Where tokens are put into pages, beside what a browser makes of them: none
// of its forms that lead elsewhere has one, none of its own lacks one, and
// but for the tokens the page is the one that it was.

import { mkdirSync, writeFileSync } from 'node:fs';
import { browser_start, check, conclude } from './portal.js';
import { pages_random, pages_written } from './pages.js';

const origin = `http://pages.localhost:${process.env.PORT}`;
const written = pages_written(origin);
const random = pages_random(150, 20);

// Runs in the browser. @return what is wrong with each page, or nothing
async function pages_compare(pages) {
    const FIELD = 'csrfmiddlewaretoken';
    const found = [];

    // A document that is shown nowhere has no field that belongs to a form
    // which it does not stand in.
    const frames = ['raw', 'tokens'].map(() => {
        const frame = document.createElement('iframe');

        frame.sandbox = 'allow-same-origin';
        document.body.append(frame);
        return frame.contentDocument;
    });

    async function read(page, path) {
        const text = await (await fetch(path)).text();

        page.open();
        page.write(text);
        page.close();
        return page;
    }

    const token = node => node.localName === 'input'
        && node.name === FIELD && node.type === 'hidden'
        && /^[A-Za-z0-9]{64}$/.test(node.value);

    function posts_home(one) {
        const elsewhere = value => {
            try {
                return new URL(value, one.baseURI).origin !== location.origin;
            } catch {
                return true;
            }
        };
        const action = one.getAttribute('action');
        const buttons = [...one.querySelectorAll('[formaction]')];

        return one.method === 'post' && (!action || !elsewhere(action))
            && !buttons.some(button =>
                elsewhere(button.getAttribute('formaction')));
    }

    // Every text, comment and attribute of a tree, templates' too.
    function* texts(tree) {
        const walker = (tree.ownerDocument ?? tree).createTreeWalker(tree);

        for (let node = walker.currentNode; node; node = walker.nextNode()) {
            yield node.nodeValue ?? '';
            for (const attribute of node.attributes ?? []) {
                yield `${attribute.name}=${attribute.value}`;
            }
            if (node.localName === 'template' && node.content) {
                yield* texts(node.content);
            }
        }
    }

    for (const name of pages) {
        const raw = await read(frames[0], `/raw/${name}`);
        const page = await read(frames[1], `/tokens/${name}`);
        const put = [...page.querySelectorAll(`input[name=${FIELD}]`)]
            .filter(token);
        const metas = [...page.querySelectorAll('meta[name=csrf-token]')];
        const wrong = [];
        const lacking = [];

        for (const one of put) {
            if (!one.form || !posts_home(one.form)) {
                wrong.push('a token where none belongs: '
                           + one.parentElement.outerHTML);
            }
        }
        for (const one of page.forms) {
            const tokens = [...one.elements].filter(
                other => other.name === FIELD);

            if (posts_home(one) && tokens.length !== 1) {
                lacking.push(`${tokens.length} in ${one.outerHTML}`);
            }
        }
        if (metas.length !== 1) {
            lacking.push(`${metas.length} meta`);
        }
        if (metas.some(one => one.parentElement !== page.head)) {
            wrong.push('a meta outside of the head');
        }
        put.forEach(one => one.remove());
        metas.forEach(one => one.remove());
        for (const text of texts(page)) {
            if (/[A-Za-z0-9]{64}|name="csrf-token"/.test(text)) {
                wrong.push(`a token in a text: ${text}`);
            }
        }
        if (page.documentElement.outerHTML !== raw.documentElement.outerHTML) {
            wrong.push(`another page: ${page.documentElement.outerHTML}`
                       + ` for ${raw.documentElement.outerHTML}`);
        }
        found.push({ wrong, lacking });
    }
    return found;
}

function page_write(text, at) {
    const name = `${at}.html`;

    writeFileSync(`${process.env.PAGES}/${name}`, text);
    return name;
}

mkdirSync(process.env.PAGES, { recursive: true });
const names = [...written, ...random].map(page_write);
const browser = await browser_start();

try {
    const page = await (await browser.newContext()).newPage();

    await page.goto(`${origin}/tokens/${names[0]}`);
    const found = await page.evaluate(pages_compare, names);
    const complete = found.filter(one => !one.lacking.length).length;

    found.forEach(({ wrong, lacking }, at) => {
        const text = at < written.length ? written[at]
                                         : random[at - written.length];

        check(`tokens in ${text}`, wrong, []);
        if (at < written.length) {
            check(`each has its own in ${text}`, lacking, []);
        }
    });
    // The others end within a comment, a script and the like.
    check('most odd pages have all that they need',
          complete > found.length * 0.7);
} finally {
    await browser.close();
}
conclude();
