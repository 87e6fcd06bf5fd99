/* What an answer does, and what the site's own scripts can call. */

    // --- The second layer, or without it the page ------------------------

    const detailsGet = () => jsonGet(languageChoose() + ".all.json");

    const core = {
        policy, choose, isAllowed, make, button, policyLink, textsGet,
        styleAdd: name => styleAdd(host.shadowRoot, name),
        place: element => surface.append(element),
        goOn() {
            // Not where the dialog was opened by a link of the site.
            if ([document.body, host].includes(document.activeElement)) {
                opener.focus();
            }
        },
        detailsGet,
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
                body: JSON.stringify({ choice, category, source,
                                       language: languageChoose() })
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
        const next = { __proto__: null };
        let failure;

        await hostMake().catch(() => {});
        const texts = await textsGet().catch(() => ({}));

        if (!categories || error) {
            failure = (error === "log-away"
                       && (await detailsGet().catch(() => ({}))).unrecorded)
                || texts.failed || "failed";
        }
        if (banner) {
            problem.textContent = failure || "";
            status.textContent = failure || texts.saved;
        }
        for (const [name, one] of Object.entries(categories || {})) {
            if (one.choice !== "undecided") {
                next[name] = one.choice;
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
