"""10,000 virtual hosts: what each costs, in memory and at start."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path
from statistics import median

from server import NotMeasured, Server

COUNT = 10000
STARTED = 'resuming normal operations'

# What a host says of its own, where each does; and as many words of httpd's.
OWN = '''\
CookiePolicyCookie cart{i} necessary provider="Shop {i}" \\
    purpose="To keep what is in the basket"
CookiePolicyCookie seen{i} statistics provider="Shop {i}" lifetime=1y \\
    purpose="To count visits"
CookiePolicyController name="Shop {i}" url="https://h{i}.example/"
'''

ALIASES = '''\
ServerAlias a{i}.example b{i}.example c{i}.example d{i}.example e{i}.example
ServerAlias f{i}.example g{i}.example h{i}.example j{i}.example k{i}.example
ServerAlias l{i}.example m{i}.example n{i}.example
'''

# Each with what it is compared with.
VARIANTS = (
    ('hosts-bare', None, (), ''),
    ('hosts', 'hosts-bare', ('module', 'consent'), ''),
    ('hosts-bare-own', 'hosts-bare', (), ALIASES),
    ('hosts-own', 'hosts-bare-own', ('module', 'consent'), OWN),
)


def _text(own):
    return ''.join(
        '<VirtualHost 127.0.0.1:${port}>\n'
        f'ServerName h{i}.example\nDocumentRoot "${{site}}"\n'
        f'{own.format(i=i)}</VirtualHost>\n' for i in range(COUNT))


class _Hosts(Server):
    def _answers(self):
        return self.started(1)

    def started(self, times):
        """Waits until httpd has said so many times that it works."""
        log = self.home / 'error.log'
        end = time.monotonic() + 120
        while time.monotonic() < end and self.process.poll() is None:
            if log.exists() and log.read_text().count(STARTED) >= times:
                return True
            time.sleep(0.005)
        return False


def _memory(pid, field):
    """Bytes."""
    text = Path(f'/proc/{pid}/smaps_rollup').read_text()
    return 1024 * int(re.search(rf'^{field}:\s+(\d+) kB', text, re.M)[1])


def _children(pid):
    path = Path(f'/proc/{pid}/task/{pid}/children')
    return [int(child) for child in path.read_text().split()]


def _once(place, files, text):
    figures = {}
    begin = time.monotonic()
    with _Hosts(place, files, text) as server:
        figures['start'] = time.monotonic() - begin
        parent = server.process.pid
        figures['memory'] = _memory(parent, 'Anonymous')
        children = _children(parent)
        time.sleep(0.3)         # they start their threads
        figures['child'] = median(_memory(child, 'Private_Dirty')
                                  for child in children)
        begin = time.monotonic()
        server.process.send_signal(signal.SIGUSR1)
        if not server.started(2):
            raise NotMeasured('the reload ended it: ' + server.log())
        figures['reload'] = time.monotonic() - begin
        begin = time.monotonic()
        subprocess.run(server.command('-t'), check=True, env=os.environ,
                       stderr=subprocess.DEVNULL)
        figures['check'] = time.monotonic() - begin
    return figures


def measure(place, results, rounds):
    """In turns; of each the median. What a host takes is what it takes more
    than bare httpd with the same hosts."""
    taken = {variant[0]: [] for variant in VARIANTS}
    for _ in range(rounds):
        for name, _, files, own in VARIANTS:
            taken[name].append(_once(place, files, _text(own)))
    for name, bare, _, _ in VARIANTS:
        for what in taken[name][0]:
            results.set(name, what, median(one[what] for one in taken[name]))
        if bare:
            _compare(results, name, bare, taken)


def _compare(results, name, bare, taken):
    more = results.get(name, 'memory') - results.get(bare, 'memory')
    results.set(name, 'memory_host', more / COUNT)
    for what in ('start', 'reload', 'check'):
        results.set(name, f'{what}_ratio', median(
            one[what] / other[what]
            for one, other in zip(taken[name], taken[bare])))
