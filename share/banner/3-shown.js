/* What is shown: words, elements, the first layer. */

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
        textsAsked.catch(() => {
            textsAsked = null;
        });
        return textsAsked;
    }

    function make(tag, attributes, ...children) {
        const element = document.createElement(tag);

        for (const [name, value] of Object.entries(attributes)) {
            element.setAttribute(name, value);
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
            made = null;
        });
        return made;
    }

    // A site that loads its pages by script may put in another body.
    function hostKeep() {
        if (!host.isConnected && document.body) {
            document.body.prepend(host);
        }
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
