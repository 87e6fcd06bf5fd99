"""The session store: what bench/store and bench/store-shmcb print."""

import os
import subprocess

from server import HERE


def _rows(line, environment=None):
    """Their lines, taken apart."""
    done = subprocess.run([str(word) for word in line], check=True, text=True,
                          stdout=subprocess.PIPE,
                          env=os.environ | (environment or {}))
    return [text.split('\t') for text in done.stdout.splitlines()]


SIZES = (1000, 100000, 1000000)


def measure(build, results, quick):
    """Look-ups: nanoseconds, those of one read of as much memory, how many
    times as long httpd's shmcb takes, how many times as much two processes do
    together as one."""
    sizes, rounds = (SIZES[:2], 3) if quick else (SIZES, 15)
    alone = []
    scales = []
    line = [build / 'store', '--rounds', rounds]
    for size in sizes:
        line += ['--sessions', size]
    for row in _rows(line):
        if row[1:2] == ['look-up']:
            alone.append(float(row[2]))
            scales.append(float(row[4]))
            results.set(f'store-{row[0]}', 'look_up', alone[-1])
            results.set(f'store-{row[0]}', 'two', scales[-1])
        elif row[1:2] == ['read of as much memory']:
            results.set(f'store-{row[0]}', 'memory', float(row[2]))
    if not quick:
        results.set('store', 'growth', alone[-1] / alone[0])
    results.set('store', 'two', min(scales))
    for row in _rows(['sh', HERE / 'store-shmcb',
                      build / 'mod_bench_store.so'],
                     {'BENCH_RECORDS_MAX': str(max(sizes))}):
        if row[1:2] == ['look-up']:
            results.set(f'store-{row[0]}', 'shmcb_ratio', float(row[4]))
