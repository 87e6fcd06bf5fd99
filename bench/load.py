"""Requests a second, in pairs: bare httpd and another, one right after the
other, so that what else the machine does weighs on both alike."""

import re
import subprocess
from statistics import median

from client import HOST, cookie_header
from server import NotMeasured

# Short, so that bare httpd and the other take turns often.
SECONDS = 1


def _wrk(row, port, cookies):
    line = ['wrk', '-t1', '-c16', f'-d{SECONDS}s']
    if row.fresh:
        line += ['-H', 'Connection: close']
    text = _said([*line, *_headers(cookies)], row, port)
    if 'Non-2xx' in text:
        raise NotMeasured('requests were refused: ' + text)
    return _figure(r'Requests/sec:\s+([\d.]+)', text)


def _h2load(row, port, cookies):
    text = _said(['h2load', '-t1', '-c8', '-m4', f'-D{SECONDS}',
                  *_headers(cookies, ':authority')], row, port)
    if not re.search(r'status codes: \d+ 2xx, 0 3xx, 0 4xx, 0 5xx', text):
        raise NotMeasured('requests were refused: ' + text)
    return _figure(r'finished in .*, ([\d.]+) req/s', text)


def _headers(cookies, host='Host'):
    line = ['-H', f'{host}: {HOST}']
    return line + ['-H', f'Cookie: {cookie_header(cookies)}'] if cookies \
        else line


def _said(line, row, port):
    done = subprocess.run([*line, f'http://127.0.0.1:{port}{row.document}'],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotMeasured(f'{line[0]}: {done.stderr.strip()}')
    return done.stdout


def _figure(pattern, text):
    found = re.search(pattern, text)
    if not found or not float(found[1]):
        raise NotMeasured(f'no answer in {SECONDS} s')
    return float(found[1])


LOADS = {'rate': _wrk, 'h2': _h2load}


def _warm_up(load, row, port, cookies):
    """Each child has seen a request, which Django starts with."""
    for _ in range(10):
        try:
            load(row, port, cookies)
            return
        except NotMeasured:
            continue


def in_pairs(kind, row, bare_port, port, cookies, pairs):
    """Median of the rates, and of the ratios of each pair."""
    load = LOADS[kind]
    rates, ratios = [], []
    _warm_up(load, row, port, cookies)
    for _ in range(pairs):
        bare = load(row, bare_port, cookies)
        rates.append(load(row, port, cookies))
        ratios.append(rates[-1] / bare)
    return median(rates), median(ratios)
