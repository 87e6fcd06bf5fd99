"""Instructions a request takes in user space, by callgrind.

A request that is refused before any module sees it makes callgrind write down
what it has counted, and begin anew. So start and stop, which take a thousand
times as much and never the same, are left out; what the mark itself takes is
cancelled by the difference of two lengths.
"""

import re
import socket
import time

from client import Client
from server import NotMeasured, Server

# What httpd answers a request without a Host with.
MARK = 'ap_send_error_response'
# Before each request, in seconds: else it depends on the machine how many are
# there before httpd has looked for them, and need no listener.
PAUSE = 0.003
CALLGRIND = ['valgrind', '--tool=callgrind', '--quiet', '--vgdb=no',
             f'--dump-before={MARK}']


def _mark(server):
    with socket.create_connection(('127.0.0.1', server.port)) as one:
        one.sendall(b'GET / HTTP/1.1\r\n\r\n')
        answer = b''
        while more := one.recv(4096):
            answer += more
    if not answer.startswith(b'HTTP/1.1 400 '):
        raise NotMeasured('a mark was not refused: ' + server.log())


def _written(output):
    """What callgrind has written so far, in its order."""
    return sorted(output.parent.glob(f'{output.name}.*'),
                  key=lambda file: int(file.suffix[1:]))


def _counted(file, server):
    found = re.findall(r'^totals: (\d+)', file.read_text(), re.M)
    if not found:
        raise NotMeasured('callgrind says nothing: ' + server.log())
    return int(found[-1])


def _sent(row, cookies, number):
    return cookies | {'n': f'{number:06}'} if row.anew else cookies


def per_request(place, row, visit):
    """visit(client): the cookies to send. The shorter length is long enough
    for each thread of httpd to have had a request."""
    output = place.scratch / f'callgrind-{row.name}'
    server = Server(place, row.files, row.text, prepare=row.prepare,
                    single=[*CALLGRIND, f'--callgrind-out-file={output}'])
    try:
        with server:
            client = Client(server.port)
            cookies = visit(client)
            # Django starts with the first request, and takes its time.
            client.get(row.document, cookies, row.fresh)
            _mark(server)
            before = len(_written(output))
            for count in row.counts:
                for number in range(count):
                    time.sleep(PAUSE)
                    answer = client.get(row.document,
                                        _sent(row, cookies, number),
                                        row.fresh)
                    if answer.status != 200:
                        raise NotMeasured('a request was refused: '
                                          + server.log())
                _mark(server)
            client.close()
            few, many = (_counted(file, server)
                         for file in _written(output)[before:])
    finally:
        # Not those of a row whose name begins as this one's.
        for file in [output, *_written(output)]:
            file.unlink(missing_ok=True)
    low, high = row.counts
    return (many - few) / (high - low)
