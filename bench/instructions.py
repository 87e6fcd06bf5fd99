"""Instructions a request takes in user space, by callgrind: the difference of
two run lengths, so that start, stop and the client's proofs cancel out."""

import re
from concurrent.futures import ThreadPoolExecutor

from client import Client
from server import NotMeasured, Server

# The instructions of threads that wait are few, and as many in both runs.
CALLGRIND = ['valgrind', '--tool=callgrind', '--quiet']


def _run(place, row, visit, count):
    """All instructions of an httpd that answers so many requests.
    visit(client): the cookies to send."""
    output = place.scratch / f'callgrind-{row.name}-{count}'
    server = Server(place, row.files, row.text, prepare=row.prepare,
                    single=[*CALLGRIND, f'--callgrind-out-file={output}'])
    with server:
        client = Client(server.port)
        cookies = visit(client)
        for _ in range(count):
            if client.get(row.document, cookies, row.fresh).status != 200:
                raise NotMeasured('a request was refused: ' + server.log())
        client.close()
    found = re.findall(r'^(?:summary|totals): (\d+)', output.read_text(), re.M)
    output.unlink()
    if not found:
        raise NotMeasured('callgrind says nothing: ' + server.log())
    return int(found[-1])


def per_request(place, row, visit):
    """Both runs at once: that changes no count."""
    low, high = row.counts
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(_run, place, row, visit, count)
                for count in (low, high)]
        few, many = (run.result() for run in runs)
    return (many - few) / (high - low)
