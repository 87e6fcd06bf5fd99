/*
 * Asks the visitor for consent, and does in the page what was chosen: starts
 * the scripts and frames that waited for it, forgets what may not be kept.
 *
 * The server puts the policy of the host in the place of the last word of
 * this file. What the script decides is what the server decides from the same
 * cookie; where the two differ, the server has the last word. Until there is
 * something to show, nothing is fetched; and never from another host.
 *
 * The second layer is banner-more.js, fetched when it is opened.
 */
(function (policy) {
    "use strict";

    const html = document.documentElement;

    if (window.cookiePolicy
        || self !== top && !html.hasAttribute("data-cookie-policy-frame")) {
        return;
    }

    const script = document.currentScript;
    const nonce = script && script.nonce;
    // With the origin, so that no <base> leads elsewhere.
    const base = location.origin + policy.base;
    const file = `${base}/banner.${policy.hash}.`;
    const gpc = policy.gpc && navigator.globalPrivacyControl;
    const DAY = 86400;

    // --- What was chosen -------------------------------------------------

    function cookieValues(name) {
        return document.cookie.split("; ")
            .filter(pair => pair.startsWith(name + "="))
            .map(pair => pair.slice(name.length + 1));
    }

    const categoryOf = name =>
        policy.categories.find(category => category.name === name);

    // What `1.DAY.STATES.ID.MAC` says; nothing when it is too old.
    function valueRead(value) {
        const [format, day, states, , mac] = value.split(".");
        const age = Date.now() / 1000 - day * DAY;
        const read = {};

        if (format !== "1" || !mac || !(age > -DAY && age < policy.lifetime)) {
            return;
        }
        for (const state of states.split("~")) {
            const [name, answer, digest] = state.split(":");
            const category = categoryOf(name);

            // A grant of what the category no longer is counts no more.
            if (answer === "n" || category && category.digest === digest) {
                read[name] = answer === "y" ? "granted" : "refused";
            }
        }
        return read;
    }

    // Of several cookies what all of them grant, and what any refuses.
    function choicesRead() {
        const all = cookieValues(policy.cookies.preferences)
            .map(valueRead).filter(Boolean);
        const read = {};

        for (const { name } of policy.categories) {
            if (all.some(one => one[name] === "refused")) {
                read[name] = "refused";
            } else if (all.length && all.every(one => one[name])) {
                read[name] = "granted";
            }
        }
        return read;
    }

    let choices = choicesRead();

    function isAllowed({ name, rule }) {
        return rule === "exempt" || choices[name] === "granted"
            || rule === "objectable" && !choices[name] && !gpc;
    }

    const isRefused = category => !isAllowed(category)
        && (gpc || choices[category.name] === "refused");

    const isDecided = () => policy.categories.every(
        ({ name, rule }) => rule !== "consent" || choices[name]);

    const names = categories => categories.map(({ name }) => name);
    const allowed = () => policy.categories.filter(isAllowed);
    const others = () => policy.categories.filter(one => !isAllowed(one));

    // --- What follows from it --------------------------------------------

    // Google's Consent Mode: gtag.js reads arguments, and no arrays.
    function signal() {
        window.dataLayer = window.dataLayer || [];
        window.dataLayer.push(arguments);
    }

    function signals(command) {
        const states = {};

        for (const category of [...allowed(), ...others()]) {
            for (const name of category.signals || []) {
                states[name] = isAllowed(category) ? "granted" : "denied";
            }
        }
        if (Object.keys(states).length) {
            signal("consent", command, states);
        }
    }

    function storageForget([kind, name]) {
        const pattern = name[0] === "~" && new RegExp(name.slice(1));
        const fits = key => pattern ? pattern.test(key) : key === name;

        if (kind === "indexeddb") {
            if (pattern) {
                indexedDB.databases().then(all => names(all).filter(fits)
                    .forEach(one => indexedDB.deleteDatabase(one)));
            } else {
                indexedDB.deleteDatabase(name);
            }
        } else {
            const storage = window[kind + "Storage"];

            Object.keys(storage).filter(fits)
                .forEach(key => storage.removeItem(key));
        }
    }

    function forget() {
        for (const { storage = [] } of others()) {
            for (const entry of storage) {
                try {
                    storageForget(entry);
                } catch {
                    // The browser keeps nothing here, or the server's kind
                    // of pattern is none of JavaScript's.
                }
            }
        }
    }

    // --- Scripts that wait -----------------------------------------------

    const NEEDS = ":is([data-category],[data-service],[data-name])";
    const SCRIPTS = `script[type="text/plain"]${NEEDS}`;
    const SOURCES = `:not(script)[data-src]${NEEDS}`;
    const started = new Set();
    let isRunning;

    const isOpposite = ({ dataset }) => /^!/.test(dataset.category);

    // What an element waits for: its category, or that of its service.
    function categoryNeeded({ dataset }) {
        const name = dataset.category || dataset.name;
        const service = dataset.service || dataset.name;

        return categoryOf(name && name.replace("!", ""))
            || !dataset.category && policy.categories.find(
                ({ services = [] }) => services.includes(service));
    }

    // Where the page's scripts carry a nonce, this must not become a way to
    // run what has none.
    function mayStart(node) {
        const category = categoryNeeded(node);

        return category && (!nonce || node.nonce === nonce)
            && (isOpposite(node) ? isRefused : isAllowed)(category);
    }

    // Resolved when the next one may start: scripts come in their order.
    function scriptStart(node) {
        const live = document.createElement("script");
        const source = node.dataset.src || node.getAttribute("src");

        for (const { name, value } of node.attributes) {
            if (name !== "type" && name !== "src") {
                live.setAttribute(name, value);
            }
        }
        live.type = node.dataset.type || "";
        live.async = node.hasAttribute("async");
        live.nonce = node.nonce;
        live.text = node.text;
        if (!isOpposite(node)) {
            started.add(categoryNeeded(node).name);
        }
        return new Promise(resolve => {
            if (source) {
                live.addEventListener("load", resolve);
                live.addEventListener("error", resolve);
                live.src = source;
            }
            node.replaceWith(live);
            if (!source || live.async || !/^$|script|module/.test(live.type)) {
                resolve();
            }
        });
    }

    // Looked for anew each time: the next may have come, or its consent gone.
    async function scriptsRun() {
        let next;

        if (isRunning) {
            return;
        }
        isRunning = true;
        while ((next = [...document.querySelectorAll(SCRIPTS)]
            .find(mayStart))) {
            await scriptStart(next);
        }
        isRunning = false;
    }

    // --- Frames that wait ------------------------------------------------

    const holders = new Map();
    let once = new WeakSet();

    function sourceOf(node) {
        try {
            const url = new URL(node.dataset.src, document.baseURI);

            return /^https?:$/.test(url.protocol) && url;
        } catch {
            return;
        }
    }

    function frameOpen(frame, source) {
        const holder = holders.get(frame);

        if (holder) {
            holders.delete(frame);
            holder.remove();
            frame.style.removeProperty("display");
        }
        if (!frame.hasAttribute("src")) {
            frame.src = source;
        }
    }

    // In the frame's place and of its size, so that nothing moves.
    function frameHold(frame, category, source) {
        const { margin } = getComputedStyle(frame);
        const holder = document.createElement("cookie-policy");

        holders.set(frame, holder);
        holder.style.cssText = `display:block;box-sizing:border-box;`
            + `margin:${margin};max-width:${frame.offsetWidth || 640}px;`
            + `min-height:${frame.offsetHeight}px`;
        frame.before(holder);
        frame.style.setProperty("display", "none", "important");
        if (frame.hasAttribute("src")) {
            // Only a frame that is put in anew forgets what it shows.
            frame.removeAttribute("src");
            holder.after(frame);
        }
        textsGet().then(texts => {
            const fill = text => text.replace("{host}", `\u2068${source.host}\u2069`)
                .replace("{category}", texts.titles[category.name]);
            const show = () => {
                once.add(frame);
                frameCheck(frame);
                frame.focus();
            };

            surfaceMake(holder, texts).append(make("div", { class: "frame" },
                make("p", {}, fill(texts.frame)),
                make("p", { class: "buttons" },
                     category.held ? "" : button(fill(texts.once), show),
                     button(fill(texts.always), () => choose("save",
                         [...names(allowed()), category.name], "banner"))),
                make("p", {}, policyLink(texts.more))));
        }, () => {});
    }

    function frameCheck(frame) {
        const category = categoryNeeded(frame);
        const source = category && sourceOf(frame);

        if (!source) {
            return;
        }
        if (isAllowed(category) || once.has(frame)) {
            frameOpen(frame, source);
        } else if (frame.localName === "iframe" && !holders.has(frame)) {
            frameHold(frame, category, source);
        }
    }

    function elementsCheck() {
        document.querySelectorAll(SOURCES).forEach(frameCheck);
        scriptsRun();
    }

    function elementsWatch() {
        const waits = `${SCRIPTS},${SOURCES}`;

        elementsCheck();
        new MutationObserver(records => {
            if (records.some(({ addedNodes }) => [...addedNodes].some(
                node => node.matches && (node.matches(waits)
                    || node.querySelector(waits))))) {
                elementsCheck();
            }
        }).observe(html, { childList: true, subtree: true });
    }

    // --- Words and elements ----------------------------------------------

    let textsAsked;
    let moreAsked;

    // RFC 4647, section 3.4: a tag, then what it begins with.
    function languageChoose() {
        for (const wanted of [...cookieValues(policy.cookies.language),
                              html.lang, ...navigator.languages]) {
            for (let tag = wanted.toLowerCase(); tag;
                tag = tag.replace(/(-[^-])?-?[^-]*$/, "")) {
                const found = policy.languages.find(
                    one => one.toLowerCase() === tag);

                if (found) {
                    return found;
                }
            }
        }
        return policy.languages[0];
    }

    async function jsonGet(name) {
        const answer = await fetch(file + name);

        if (!answer.ok) {
            throw new Error(answer.url);
        }
        return answer.json();
    }

    function textsGet() {
        textsAsked = textsAsked || jsonGet(languageChoose() + ".json");
        return textsAsked;
    }

    function make(tag, attributes, ...children) {
        const element = document.createElement(tag);

        for (const name in attributes) {
            element.setAttribute(name, attributes[name]);
        }
        element.append(...children);
        return element;
    }

    function button(text, action) {
        const element = make("button", { type: "button" }, text);

        element.addEventListener("click", action);
        return element;
    }

    const policyLink = text => make("a", { href: base }, text);

    // @return resolved when the style is there, or will not come
    function styleAdd(shadow, name) {
        const link = make("link", { rel: "stylesheet", href: file + name });

        link.nonce = nonce;
        return new Promise(resolve => {
            link.onload = link.onerror = resolve;
            shadow.append(link);
        });
    }

    // A shadow tree, in which the site's styles and ours do not meet.
    function surfaceMake(host, { language, direction }) {
        const shadow = host.attachShadow({ mode: "open" });
        const surface = make("div", { class: "all", lang: language,
                                      dir: direction, hidden: "" });

        styleAdd(shadow, "css").then(() => {
            surface.hidden = false;
        });
        shadow.append(surface);
        return surface;
    }

    // --- The first layer -------------------------------------------------

    let host, surface, status, banner, problem, opener, size;

    const setting = name => getComputedStyle(html)
        .getPropertyValue("--cookie-policy-" + name).trim();

    function bannerMake(texts) {
        const answer = choice => () => choose(choice, [], "banner");

        problem = make("p", { class: "problem" });
        banner = make("section", {
            class: "banner " + (setting("position") || "bottom"),
            "aria-labelledby": "title", hidden: ""
        },
        make("div", { class: "text" },
             make("h2", { id: "title" }, texts.title),
             make("p", {}, texts.text, " ", policyLink(texts.policy)),
             problem),
        make("div", { class: "buttons" },
             button(texts.accept, answer("accept-all")),
             button(texts.reject, answer("reject-all")),
             button(texts.choose, moreOpen)));
        opener = button("", moreOpen);
        opener.className = "opener";
        opener.hidden = true;
        opener.append(make("span", {}, texts.open));
    }

    let made;

    // The host is there at once; the rest as soon as its words are.
    function hostMake() {
        made = made || textsGet().then(texts => {
            bannerMake(texts);
            host = document.createElement("cookie-policy");
            status = make("p", { class: "status", role: "status" });
            surface = surfaceMake(host, texts);
            surface.append(banner, opener, status);
            size = new ResizeObserver(roomMake);
            size.observe(banner);
            document.body.prepend(host);
        });
        made.catch(() => {
            made = textsAsked = null;
        });
        return made;
    }

    // What lies behind the banner can be scrolled out from behind it.
    function roomMake() {
        const height = banner.matches(".center") ? 0 : banner.offsetHeight;

        for (const name of ["padding-bottom", "scroll-padding-bottom"]) {
            if (height) {
                html.style.setProperty(name, height + 16 + "px");
            } else {
                html.style.removeProperty(name);
            }
        }
    }

    // And what gets the focus, is.
    function focusUncover({ target }) {
        if (!banner || target === host || !target.getBoundingClientRect) {
            return;
        }
        const cover = (banner.hidden ? opener : banner)
            .getBoundingClientRect();
        const { top, bottom, left, right } = target.getBoundingClientRect();

        if (bottom > cover.top && top < cover.bottom && right > cover.left
            && left < cover.right) {
            scrollBy(0, Math.min(bottom - cover.top, top) + 8);
        }
    }

    const isAsking = () => !gpc && !isDecided();

    function bannerToggle(shown) {
        const had = host.shadowRoot.activeElement;

        banner.hidden = !shown;
        opener.hidden = shown || setting("button") === "none";
        // Whoever chose by keyboard goes on from where the banner was.
        if (had && had !== opener && banner.hidden) {
            opener.focus();
        }
    }

    async function hostShow(shown) {
        if (shown || banner || setting("button") !== "none") {
            await hostMake();
            bannerToggle(shown);
        }
    }

    const bannerShow = shown => hostShow(shown).catch(() => {});

    // --- The second layer, or without it the page ------------------------

    const core = {
        policy, choose, isAllowed, make, button, policyLink, textsGet,
        styleAdd: name => styleAdd(host.shadowRoot, name),
        place: element => surface.append(element),
        goOn: () => opener.focus(),
        detailsGet: () => jsonGet(languageChoose() + ".all.json"),
        isSignalled: gpc
    };

    async function moreOpen() {
        try {
            await hostMake();
            moreAsked = moreAsked || import(file + "more.js")
                .then(more => more.default(core));
            (await moreAsked).open();
        } catch {
            location.assign(base);
        }
    }

    async function moreClose() {
        const more = await moreAsked;

        if (more) {
            more.close();
        }
    }

    // --- A choice --------------------------------------------------------

    function tell(name, changedCategories) {
        return window.dispatchEvent(new CustomEvent("cookiepolicy:" + name, {
            cancelable: true,
            detail: { ...api.getUserPreferences(), changedCategories }
        }));
    }

    // A script that runs cannot be stopped, and the Content-Security-Policy
    // of a page is that of its choices: both need the page anew. A listener
    // can prevent it.
    function choicesApply(next) {
        const before = allowed();
        const word = isDecided() ? "change" : "first-consent";
        const changed = policy.categories.filter(
            ({ name }) => choices[name] !== next[name]);

        choices = next;
        const anew = changed.some(category => {
            const is = isAllowed(category);

            return is !== before.includes(category)
                && (category.held || !is && started.has(category.name));
        });

        once = new WeakSet();
        forget();
        signals("update");
        if (changed.length && (word === "change" || isDecided())
            && tell(word, names(changed)) && anew) {
            location.reload();
            return;
        }
        elementsCheck();
        if (isDecided()) {
            tell("consent", names(changed));
        }
    }

    async function choiceSend(choice, category, source) {
        try {
            const answer = await fetch(base + "/preferences", {
                method: "POST",
                headers: { "Content-Type": "application/json",
                           Accept: "application/json" },
                body: JSON.stringify({ choice, category, source })
            });

            return await answer.json();
        } catch {
            return {};
        }
    }

    // @return what went wrong, in words; nothing when the choice is saved
    async function choose(choice, category, source) {
        const { categories, error } = await choiceSend(choice, category,
                                                       source);
        const next = {};
        let failure;

        await hostMake().catch(() => {});
        const texts = await textsGet().catch(() => ({}));

        if (!categories || error) {
            failure = (error === "log-away" && texts.unrecorded)
                || texts.failed || "failed";
        }
        if (banner) {
            problem.textContent = failure || "";
            status.textContent = failure || texts.saved;
        }
        for (const name in categories) {
            if (categories[name].choice !== "undecided") {
                next[name] = categories[name].choice;
            }
        }
        if (categories) {
            choicesApply(next);
            await bannerShow(isAsking());
        }
        return failure;
    }

    // Another tab may have chosen meanwhile.
    function choicesRefresh() {
        const next = choicesRead();

        if (document.visibilityState === "visible" && policy.categories.some(
            ({ name }) => choices[name] !== next[name])) {
            choicesApply(next);
            bannerShow(isAsking());
        }
    }

    // --- What the site's own scripts can call ----------------------------

    const services = categories => Object.fromEntries(categories.map(
        one => [one.name, one.services || []]));

    const api = window.cookiePolicy = {
        acceptedCategory: name => names(allowed()).includes(name),
        acceptedService: (service, name) => allowed().some(
            one => one.name === name
                && (one.services || []).includes(service)),
        validConsent: isDecided,
        getUserPreferences() {
            const open = allowed().filter(({ rule }) => rule !== "exempt");

            return {
                acceptType: !others().length ? "all"
                    : open.length ? "custom" : "necessary",
                acceptedCategories: names(allowed()),
                rejectedCategories: names(others()),
                acceptedServices: services(allowed()),
                rejectedServices: services(others())
            };
        },
        async acceptCategory(wanted = [], without = []) {
            const all = wanted === "all" ? names(policy.categories)
                : [].concat(wanted);

            return !await choose(
                "save", all.filter(name => !without.includes(name)));
        },
        show: () => bannerShow(true),
        hide: () => bannerShow(false),
        showPreferences: moreOpen,
        hidePreferences: moreClose
    };

    function begin() {
        elementsWatch();
        bannerShow(isAsking());
        document.addEventListener("focusin", focusUncover);
        document.addEventListener("visibilitychange", choicesRefresh);
        window.addEventListener("pageshow", choicesRefresh);
        document.addEventListener("click", event => {
            if (event.target.closest('[data-cookie-policy="open"]')) {
                event.preventDefault();
                moreOpen();
            }
        });
        if (isDecided()) {
            tell("consent", []);
        }
    }

    signals("default");
    forget();
    // Before its end is read, a script in the page may be half a script.
    if (document.readyState === "loading") {
        document.addEventListener("DOMContentLoaded", begin);
    } else {
        begin();
    }
})(COOKIE_POLICY);
