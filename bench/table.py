"""What was measured, for people: Markdown, which reads well as it is."""

import platform
import re
from datetime import date
from pathlib import Path

from results import budgets
from rows import BARE, ROWS

COLUMNS = (('ir', 'Ir a request', '{:,.0f}'),
           ('ir_ratio', 'to bare', '{:.2f}'),
           ('rate', 'requests/s', '{:,.0f}'),
           ('rate_ratio', 'to bare', '{:.2f}'),
           ('h2', 'HTTP/2, requests/s', '{:,.0f}'),
           ('h2_ratio', 'to bare', '{:.2f}'))

HOSTS = (('hosts-bare', 'bare httpd'), ('hosts', 'one policy for all'),
         ('hosts-bare-own', 'bare httpd, three lines of ServerAlias each'),
         ('hosts-own', 'three lines of its own each'))
HOST_COLUMNS = (('start', 'start, s', '{:.2f}'),
                ('start_ratio', 'to bare', '{:.2f}'),
                ('reload', 'reload, s', '{:.2f}'),
                ('reload_ratio', 'to bare', '{:.2f}'),
                ('check', '`-t`, s', '{:.2f}'),
                ('check_ratio', 'to bare', '{:.2f}'),
                ('memory_host', 'bytes a host', '{:,.0f}'),
                ('child', 'bytes a child', '{:,.0f}'))
STORE_COLUMNS = (('look_up', 'look-up, ns', '{:.0f}'),
                 ('memory', 'one read of as much memory, ns', '{:.0f}'),
                 ('shmcb_ratio', 'shmcb takes, times', '{:.2f}'),
                 ('two', 'two processes do, times', '{:.2f}'))


def _table(head, lines):
    rows = [head, ['---'] * len(head), *lines]
    return '\n'.join('| ' + ' | '.join(row) + ' |' for row in rows) + '\n'


def _figures(results, row, columns):
    return [format_.format(value) if (value := results.get(row, figure))
            is not None else '' for figure, _, format_ in columns]


def _section(results, first, rows, columns):
    lines = [[title, *_figures(results, name, columns)]
             for name, title in rows if any(row == name
                                            for row, _ in results.values)]
    return _table([first, *(title for _, title, _ in columns)], lines) \
        if lines else ''


def _budget(results, one):
    value = results.get(one.row, one.figure)
    if value is None:
        return 'not measured', ''
    return f'{value:.3f}' if value < 10 else f'{value:,.0f}', \
        'met' if one.met(value) else 'NOT MET'


def machine():
    names = re.findall(r'^model name\s*: (.*)', Path('/proc/cpuinfo')
                       .read_text(), re.M) or [platform.machine()]
    return f'{date.today()}, {len(names)} x {names[0]}, Linux ' \
        + '.'.join(platform.release().split('.')[:2])


def text(results, httpd):
    parts = [f'{machine()}, {httpd}\n']
    rows = [(row.name, row.title) for row in [BARE, *ROWS]]
    parts.append(_section(results, 'requests', rows, COLUMNS))
    parts.append(_section(results, '10,000 virtual hosts', HOSTS,
                          HOST_COLUMNS))
    parts.append(_section(
        results, 'session store',
        [(f'store-{size}', f'{size:,} records')
         for size in (1000, 10000, 100000, 1000000)], STORE_COLUMNS))
    parts.append(_table(
        ['budget', 'may be', 'is', ''],
        [[one.words, f'{one.compare} {one.limit:g}', *_budget(results, one)]
         for one in budgets()]))
    if results.reasons:
        parts.append(_table(['not measured', 'why'],
                            [[f'{row}, {figure}', reason.replace('|', '/')]
                             for (row, figure), reason
                             in results.reasons.items()]))
    return '\n'.join(part for part in parts if part)
