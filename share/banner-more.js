/*
 * The second layer: the categories with what is in them, each to be allowed
 * or not. banner.js loads this module when the visitor opens it.
 */

// A category's switch. The exempt ones cannot be turned off.
function switchMake({ make, isAllowed }, rule, { name, title, description }) {
    const box = make("input", { type: "checkbox", value: name,
                                id: "box-" + name,
                                "aria-describedby": "text-" + name });

    box.checked = isAllowed(rule);
    box.disabled = rule.rule === "exempt";
    return [
        make("div", { class: "switch" }, box,
             make("label", { for: "box-" + name }, title)),
        description
    ];
}

function termsMake({ make }, rows) {
    return make("dl", {}, ...rows.filter(([, value]) => value).flatMap(
        ([term, value]) => [make("dt", {}, term), make("dd", {}, value)]));
}

// `~` marks a pattern.
function cookieMake(core, columns, cookie) {
    const { make } = core;
    const name = make("code", {},
        (cookie.wire || cookie.name).replace(/^~/, ""));

    return make("li", {}, termsMake(core, [
        [columns.name, cookie.storage
            ? make("span", {}, name, ` (${cookie.storage})`) : name],
        [columns.purpose, cookie.purpose],
        [columns.provider, [cookie.provider, cookie.function]
            .filter(Boolean).join(", ")],
        [columns.lifetime, cookie.lifetime]
    ]));
}

function categoryMake(core, details, category) {
    const { make, policy } = core;
    const rule = policy.categories.find(({ name }) => name === category.name);
    const [box, description] = switchMake(core, rule, category);
    const { cookies = [], origins = [] } = category;

    return make("li", { class: "category" }, box,
        make("p", { id: "text-" + category.name },
             [description, details.rules[rule.rule]].filter(Boolean)
                 .join(" ")),
        cookies.length + origins.length === 0 ? "" : make("details", {},
            make("summary", {}, details.list),
            make("ul", { class: "cookies" }, ...cookies.map(
                cookie => cookieMake(core, details.columns, cookie)),
            ...origins.map(origin => make("li", {},
                make("code", {}, origin))))));
}

export default async function (core) {
    const { make, button, choose, policyLink, policy } = core;
    const [texts, details] = await Promise.all(
        [core.textsGet(), core.detailsGet(), core.styleAdd("more.css")]);
    const known = details.categories.filter(({ name }) =>
        policy.categories.some(category => category.name === name));
    const title = make("h2", { id: "more-title", tabindex: "-1" },
                       details.title);
    const problem = make("p", { class: "problem", role: "alert" });
    const list = make("ul", { class: "categories" }, ...known.map(
        category => categoryMake(core, details, category)));
    const dialog = make("dialog", { class: "more",
                                    "aria-labelledby": "more-title" });
    const boxes = [...list.querySelectorAll("input")];

    async function answer(choice) {
        const granted = boxes.filter(({ checked }) => checked)
            .map(({ value }) => value);

        problem.textContent = "";
        problem.textContent = await choose(
            choice, choice === "save" ? granted : [], "banner") || "";
        if (!problem.textContent) {
            dialog.close();
            core.goOn();
        }
    }

    const answerBy = choice => () => answer(choice);

    dialog.append(
        make("div", { class: "head" }, title,
             button(details.back, () => dialog.close())),
        make("div", { class: "body" },
             make("p", {}, details.intro, " ", policyLink(texts.policy)),
             core.isSignalled ? make("p", {}, details.gpc) : "", list),
        make("div", { class: "foot" }, problem, make("div",
            { class: "buttons" },
            button(details.save, answerBy("save")),
            button(texts.accept, answerBy("accept-all")),
            button(texts.reject, answerBy("reject-all")))));
    core.place(dialog);

    return {
        open() {
            for (const box of boxes) {
                box.checked = core.isAllowed(policy.categories.find(
                    ({ name }) => name === box.value));
            }
            problem.textContent = "";
            if (!dialog.open) {
                dialog.showModal();
            }
            title.focus();
        },
        close: () => dialog.close()
    };
}
