"""Measures the rows of rows.py and writes the table; called by bench/run and
by bench/guard.

    python3 measure.py whole|quick|guard HTTPD MODULES ROOM

HTTPD is the program, MODULES the directory of its modules, ROOM one in which
mod_cookiepolicy.so, store and mod_bench_store.so are; bench.tsv and bench.md
are written there.
"""

import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Lock

import hosts
import stores
import table
from client import Client
from instructions import per_request
from load import in_pairs
from results import Results, budgets
from rows import BARE, FOREIGN, ROWS
from server import NotMeasured, Place, Server


def say(*words):
    print(time.strftime('%H:%M:%S'), *words, file=sys.stderr, flush=True)


class Bench:
    def __init__(self, place, results):
        self.place = place
        self.results = results
        self.bare = {}          # instructions of bare httpd, by what is asked
        self.bare_lock = Lock()

    def attempt(self, row, figure, measure):
        """What cannot be measured has a reason instead, and the next follows.
        """
        try:
            for module in row.needs:
                if not Path(self.place.modules, f'mod_{module}.so').exists():
                    raise NotMeasured(f'mod_{module} is missing')
            measure()
        except (NotMeasured, OSError, subprocess.SubprocessError) as why:
            say(row.name, figure, 'not measured:', why)
            self.results.miss(row.name, figure, why)

    # --- Instructions ------------------------------------------------------

    def bare_instructions(self, row, cookies):
        """Of the very same request; cookies count by their length."""
        length = sum(len(name) + len(value)
                     for name, value in (cookies or {}).items())
        key = row.document, row.fresh, row.anew, length
        with self.bare_lock:
            if key not in self.bare:
                asked = replace(BARE, document=row.document, fresh=row.fresh,
                                anew=row.anew)
                self.bare[key] = per_request(self.place, asked,
                                             lambda client: cookies)
            return self.bare[key]

    def instructions(self, row):
        sent = {}

        def visit(client):
            sent['cookies'] = row.visit(client)
            return sent['cookies']

        found = per_request(self.place, row, visit)
        bare = self.bare_instructions(row, sent['cookies'])
        self.results.set(row.name, 'ir', found)
        self.results.set(row.name, 'ir_ratio', found / bare)

    def instructions_of(self, rows):
        if not shutil.which('valgrind'):
            for row in rows:
                self.results.miss(row.name, 'ir', 'valgrind is missing')
            return

        def count(row):
            say(row.name, 'instructions')
            self.attempt(row, 'ir', lambda: self.instructions(row))

        self.results.set('bare', 'ir', self.bare_instructions(BARE, FOREIGN))
        # Two at once: that changes no count.
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(count, rows))
        self.compare('declarations-5000', 'declarations-5', 'ir_to_5')
        self.compare('csrf', 'returning', 'ir_to_returning')

    def compare(self, row, other, figure):
        ours, others = (self.results.get(name, 'ir') for name in (row, other))
        if ours and others:
            self.results.set(row, figure, ours / others)

    # --- Rates -------------------------------------------------------------

    def rate(self, kind, row, bare):
        # More where a budget depends on it.
        pairs = 15 if row.name == 'returning' else 5
        with Server(self.place, row.files, row.text,
                    prepare=row.prepare) as server:
            client = Client(server.port)
            cookies = row.visit(client)
            client.close()
            rate, ratio = in_pairs(kind, row, bare.port, server.port, cookies,
                                   pairs)
        self.results.set(row.name, kind, rate)
        if row is not BARE:
            self.results.set(row.name, f'{kind}_ratio', ratio)

    def rates_of(self, rows):
        tools = {'rate': 'wrk', 'h2': 'h2load'}
        with Server(self.place) as bare:
            for row in rows:
                for kind, tool in tools.items():
                    say(row.name, tool)
                    if not shutil.which(tool):
                        self.results.miss(row.name, kind,
                                          f'{tool} is missing')
                    elif row.anew:
                        self.results.miss(row.name, kind, 'no tool sends '
                                          'another header each time')
                    elif row.fresh and kind == 'h2':
                        self.results.miss(row.name, kind, 'HTTP/2 keeps its '
                                          'connections')
                    else:
                        self.attempt(row, kind, lambda kind=kind, row=row:
                                     self.rate(kind, row, bare))


def guard(bench):
    """Only what may be no worse than it is: 0 where that holds."""
    held = [one for one in budgets() if one.figure.startswith('ir_')
            and (one.row in ('returning', 'csrf') or one.present)]
    bench.instructions_of([row for row in ROWS
                           if row.name in {one.row for one in held}])
    wrong = 0
    for one in held:
        value = bench.results.get(one.row, one.figure)
        limit = one.present or one.limit
        good = value is not None and one.met(value, limit)
        wrong += not good
        print(f'{"ok" if good else "not ok"}: {one.words}:',
              'not measured' if value is None else f'{value:.3f},',
              f'may be {one.compare} {limit:g}')
    return wrong


def whole(bench, httpd, quick):
    rows = [row for row in ROWS if row.quick or not quick]
    bench.instructions_of(rows)
    bench.rates_of([row for row in [BARE, *ROWS]
                    if row.name == 'returning' or not quick])
    say('10,000 virtual hosts')
    bench.attempt(BARE, 'hosts', lambda: hosts.measure(
        bench.place, bench.results, 1 if quick else 3))
    say('session store')
    bench.attempt(BARE, 'store', lambda: stores.measure(
        bench.place.scratch, bench.results, quick))
    version = subprocess.run([httpd, '-v'], capture_output=True, text=True,
                             check=True).stdout
    text = table.text(bench.results, version.splitlines()[0].split(': ')[1])
    (bench.place.scratch / 'bench.md').write_text(text)
    bench.results.write(bench.place.scratch / 'bench.tsv')
    print(text)


def main(extent, httpd, modules, room):
    # No httpd is left behind: what ends this program unwinds it first.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    place = Place(httpd, modules, Path(room) / 'mod_cookiepolicy.so', room)
    bench = Bench(place, Results())
    if extent == 'guard':
        return guard(bench)
    whole(bench, httpd, extent == 'quick')
    return 0


sys.exit(main(*sys.argv[1:]))
