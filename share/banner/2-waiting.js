/* What waits in the page for consent: scripts and frames. */

    // --- Scripts that wait -----------------------------------------------

    const NEEDS = ":is([data-category],[data-service],[data-name])";
    const SCRIPTS = `script[type="text/plain"]${NEEDS}`;
    const SOURCES = `:not(script)[data-src]${NEEDS}`;
    // Other types are neither loaded nor run.
    const RUNS = /^(module|.*(java|ecma)script)?$/i;
    const started = new Set();
    const opened = new WeakSet();
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

        return category && !opened.has(node) && (!nonce || node.nonce === nonce)
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
        opened.add(live);
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
            if (!source || live.async || live.noModule
                || !RUNS.test(live.type)) {
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

    const holders = new WeakMap();
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
        if (!opened.has(frame)) {
            opened.add(frame);
            frame.src = source;
        }
    }

    // Only a frame that is put in anew forgets what it shows.
    function frameEmpty(frame) {
        if (opened.delete(frame)) {
            frame.removeAttribute("src");
            frame.parentNode.insertBefore(frame, frame.nextSibling);
        }
    }

    // Of some that count, nothing was to be seen anyway.
    const isSeen = frame => getComputedStyle(frame).display !== "none"
        && !(frame.getClientRects().length && frame.clientHeight < 2);

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
        textsGet().then(texts => {
            const fill = text => text
                .replace("{host}", `\u2068${source.host}\u2069`)
                .replace("{category}", () => texts.titles[category.name]);
            const allow = async () => {
                if (await choose("save", [...names(allowed()), category.name],
                                 "banner")) {
                    bannerShow(true);
                }
            };
            const show = () => {
                once.add(frame);
                frameCheck(frame);
                frame.focus();
            };

            surfaceMake(holder, texts).append(make("div", { class: "frame" },
                make("p", {}, fill(texts.frame)),
                make("p", { class: "buttons" },
                     category.held ? "" : button(fill(texts.once), show),
                     button(fill(texts.always), allow)),
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
            frameEmpty(frame);
            if (isSeen(frame)) {
                frameHold(frame, category, source);
            }
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
            if (host && !host.isConnected) {
                // Later, or a script that removes it again stops the page.
                setTimeout(hostKeep);
            }
        }).observe(html, { childList: true, subtree: true });
    }
