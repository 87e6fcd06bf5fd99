// The portal's own script calls its API. The token in the header proves that
// the caller can read this site's cookies, which no other site's script can.
'use strict';

(function () {
    const form = document.getElementById('api');
    const output = document.getElementById('output');

    function cookie(name) {
        const found = document.cookie.split('; ').find(
            pair => pair.startsWith(name + '='));
        return found ? found.slice(name.length + 1) : '';
    }

    async function call(what) {
        const headers = { 'Accept': 'application/json' };
        const body = new URLSearchParams({ dataset: form.dataset.value });

        if (what !== 'bare') {
            headers['X-CSRFToken'] = cookie('csrftoken');
        }
        if (what === 'remove') {
            body.set('remove', '1');
        }
        try {
            const answer = await fetch(form.action, {
                method: 'POST', headers, body
            });
            output.textContent = answer.status + ' ' + answer.statusText
                + '\n\n' + JSON.stringify(await answer.json(), null, 2);
        } catch (error) {
            output.textContent = String(error);
        }
    }

    for (const button of form.querySelectorAll('button[data-call]')) {
        button.disabled = false;
        button.addEventListener('click', () => call(button.dataset.call));
    }
}());
