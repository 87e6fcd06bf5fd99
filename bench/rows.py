"""The rows of the table: what is configured, who asks for what, and how each
shows that it does what it claims."""

import os
import re
import sqlite3
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Callable, Optional

from client import PAGE, claim
from server import HERE

MANAGED = ('sessionid', 'csrftoken', 'django_language', 'cookies_preferences')

# What a visitor sends to a server that knows nothing of it: as long as what
# the module issues.
FOREIGN = {'sessionid': 'A' * 48, 'csrftoken': 'a' * 32,
           'django_language': 'en', 'cookies_preferences': '1.' + 'p' * 43}


@dataclass
class Row:
    """visit(client) makes sure of what is claimed, and returns the cookies
    that the visitor who is measured sends."""
    name: str
    title: str
    files: tuple = ()
    visit: Callable = lambda client: FOREIGN
    document: str = PAGE
    fresh: bool = False         # each request on a connection of its own
    anew: bool = False          # each with another Cookie header: nobody has
                                # seen it before
    text: str = ''              # more configuration
    prepare: Optional[Callable] = None      # called with the server's home
    counts: tuple = (100, 600)  # requests between callgrind's marks
    needs: tuple = ()           # modules of httpd
    quick: bool = False         # is measured by `quick`, too
    group: str = field(default='module')


# --- Visitors of the module ------------------------------------------------

def newcomer(client):
    """Who gets all four cookies."""
    cookies = client.get().cookies
    claim(set(cookies) == set(MANAGED), f'a newcomer gets {sorted(cookies)}')
    return None


def returning(client):
    """Whose four cookies are all validated: any of them that is forged is
    issued anew, and none of the genuine ones."""
    cookies = client.get().cookies
    claim(set(cookies) == set(MANAGED), f'a newcomer gets {sorted(cookies)}')
    return _validated(client, cookies)


def chosen(client):
    """Who has agreed to what needs consent, too."""
    cookies = client.get().cookies
    answer = client.post('/cookie-policy/preferences',
                         {'choice': 'accept-all'}, cookies)
    claim(':y:' in answer.cookies.get('cookies_preferences', ''),
          'a choice is remembered')
    return _validated(client, cookies | answer.cookies)


def _validated(client, cookies):
    claim(not client.get(cookies=cookies).cookies, 'genuine cookies are valid')
    for name in MANAGED:
        forged = 'xx' if name == 'django_language' else \
            cookies[name][:-1] + ('A' if cookies[name][-1] != 'A' else 'B')
        issued = client.get(cookies=cookies | {name: forged}).cookies
        claim(name in issued, f'a forged {name} is noticed')
    return cookies


def stored(client):
    """Who is logged in: user and attribute come from the store."""
    cookies = client.get().cookies
    cookies |= client.get('/login/page.html', cookies).cookies
    seen = client.get('/check/page.html', cookies).headers['X-Seen']
    claim(seen == 'user=ann city=Valmere', f'the session is stored: {seen}')
    return _validated(client, cookies)


def banner(client):
    cookies = returning(client)
    body = client.get(cookies=cookies).body
    claim(re.search(rb'<script src="/cookie-policy/banner\.', body),
          'the page has the banner')
    return cookies


def injected(client):
    cookies = returning(client)
    body = client.get(cookies=cookies).body
    claim(b'name="csrfmiddlewaretoken"' in body, 'the form has the token')
    return cookies


def declared(client):
    """Three cookies besides the four: an exact name, a pattern's, and one
    that nothing declares."""
    cookies = returning(client)
    return cookies | {'shop1': 'x', 'stat-2': 'y', 'nobody': 'z'}


def declarations(count):
    """Half of them names, half of them patterns."""
    return ''.join(
        f'CookiePolicyCookie shop{i} necessary provider="Shop {i}"\n'
        if i % 2 else
        f'CookiePolicyCookie ~^stat-{i}(_.+)?$ necessary provider="S {i}"\n'
        for i in range(1, count + 1))


# --- Visitors of what a user would take instead ------------------------------

def tracked(client):
    cookies = client.get().cookies
    claim('visitor' in cookies, 'mod_usertrack sets its cookie')
    claim(not client.get(cookies=cookies).cookies, 'it knows it again')
    return FOREIGN | cookies


def session(client):
    cookies = client.get('/login.asis').cookies
    claim('session' in cookies, 'mod_session sets its cookie')
    seen = client.get('/check/page.html', cookies).headers['X-Seen']
    claim('user=ann' in (seen or ''), f'the session is stored: {seen}')
    return {'session': cookies['session']}


def filtered(client):
    answer = client.get('/check/page.html', FOREIGN | {'nobody': 'z'})
    seen = answer.headers['X-Seen'] or ''
    claim('sessionid=' in seen and 'nobody' not in seen,
          f'other cookies are withheld: {seen}')
    return FOREIGN


def substituted(client):
    claim(b"<script src='/banner.js'" in client.get().body,
          'the page has the banner')
    return FOREIGN


def guarded(client):
    claim(client.get(cookies=FOREIGN).status == 200, 'good cookies pass')
    for wrong in ({'sessionid': 'short'}, {'csrftoken': '-'}, {'other': '1'}):
        client.close()          # it ends the connection of who is refused
        claim(client.get(cookies=FOREIGN | wrong).status == 403,
              f'{wrong} is refused')
    client.close()
    return FOREIGN


def django(client):
    cookies = client.get('/login/page.html').cookies
    claim({'sessionid', 'csrftoken'} <= set(cookies), 'Django sets cookies')
    cookies['django_language'] = 'fr'
    answer = client.get('/check/page.html', cookies)
    claim(answer.headers['X-Seen'] == 'ann', 'the session is stored')
    claim(answer.headers['X-Language'] == 'fr', 'the language is followed')
    return cookies


def session_table(home):
    with sqlite3.connect(home / 'sessions.sqlite3') as database:
        database.execute('CREATE TABLE session (key CHAR(36) PRIMARY KEY, '
                         'value TEXT, expiry BIGINT)')
    database.close()


def django_tables(home):
    subprocess.run([sys.executable, '-B', HERE / 'django/application.py'],
                   env=os.environ | {'BENCH_HOME': str(home)}, check=True,
                   stdout=subprocess.DEVNULL)


BARE = Row('bare', 'bare httpd', group='bare')

ROWS = [
    Row('returning', 'returning visitor, kept-alive connection',
        ('module',), returning, quick=True),
    Row('chosen', 'the same, who has agreed to statistics',
        ('module', 'consent'), chosen),
    Row('stored', 'the same, logged in, session in the store',
        ('module', 'stored'), stored),
    Row('first', 'returning visitor, first request of a connection',
        ('module',), returning, fresh=True, quick=True),
    Row('first-unknown', 'the same, of a visitor whom the child does not know',
        ('module',), returning, fresh=True, anew=True, quick=True),
    Row('newcomer', 'newcomer, four cookies issued, first request',
        ('module',), newcomer, fresh=True, quick=True),
    Row('newcomer-kept', 'the same again and again on a kept-alive connection',
        ('module',), newcomer, quick=True),
    Row('banner', 'document with the banner',
        ('module', 'consent', 'banner'), banner, quick=True),
    Row('csrf', 'document with a CSRF token in its form',
        ('module', 'csrf'), injected, quick=True),
    Row('image', 'static image',
        ('module',), returning, document='/image.svg'),
    Row('declarations-5', '5 declarations, first request of a connection',
        ('module',), declared, fresh=True, text=declarations(5), quick=True),
    Row('declarations-5000', '5,000 declarations, the same',
        ('module',), declared, fresh=True, text=declarations(5000),
        quick=True),

    Row('usertrack', 'mod_usertrack', ('usertrack',), tracked,
        group='instead'),
    Row('session_cookie', 'mod_session, mod_session_cookie',
        ('session', 'session-cookie'), session, group='instead'),
    Row('session_crypto', 'the same, mod_session_crypto',
        ('session', 'session-cookie', 'session-crypto'), session,
        counts=(1, 3), group='instead'),
    Row('session_dbd', 'mod_session, mod_session_dbd on SQLite',
        ('session', 'session-dbd'), session, prepare=session_table,
        counts=(50, 150), group='instead'),
    Row('headers', 'mod_headers, cookie rules by hand', ('headers',),
        filtered, group='instead'),
    Row('substitute', 'mod_substitute, a banner', ('substitute',),
        substituted, group='instead'),
    Row('security', 'mod_security, three cookie rules', ('security',),
        guarded, needs=('security2',), group='instead'),
    Row('wsgi', 'Django under mod_wsgi, no middleware',
        ('wsgi', 'wsgi-plain'), lambda client: FOREIGN,
        prepare=django_tables, counts=(10, 40), needs=('wsgi',),
        group='instead'),
    Row('django', 'the same, session, locale and CSRF middleware',
        ('wsgi',), django, prepare=django_tables, counts=(10, 40),
        needs=('wsgi',), group='instead'),
]
