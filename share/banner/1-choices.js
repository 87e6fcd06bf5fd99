/*
 * Asks the visitor for consent, and does in the page what was chosen: starts
 * the scripts and frames that waited for it, forgets what may not be kept.
 *
 * The server puts the policy of the host in the place of the last word of
 * this file. What the script decides is what the server decides from the same
 * cookie; where the two differ, the server has the last word. Until there is
 * something to show, nothing is fetched; and never from another host.
 *
 * The files of this directory are one script, in the order of their names:
 * support/minify joins them. The second layer is banner-more.js, fetched when
 * it is opened.
 */
(function (policy) {
    "use strict";

    const html = document.documentElement;

    // Its own: an element of that name is a property of the window, too.
    if (Object.hasOwn(window, "cookiePolicy")
        || self !== top && !html.hasAttribute("data-cookie-policy-frame")) {
        return;
    }

    // Not document.currentScript, which an image of that name would be: a
    // nonce out of the page's markup must not count.
    const script = Reflect.get(Document.prototype, "currentScript", document);
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
        const read = { __proto__: null };

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
        const read = { __proto__: null };

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
