"""Requests, as many as wanted, and the cookies that come with the answers."""

import http.client
from urllib.parse import urlencode

from server import NotMeasured

HOST = 'bench.example'
PAGE = '/page.html'


def cookie_header(cookies):
    return '; '.join(f'{name}={value}' for name, value in cookies.items())


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()
        self.cookies = {}
        for line in self.headers.get_all('Set-Cookie', []):
            name, _, rest = line.partition('=')
            self.cookies[name] = rest.partition(';')[0]


class Client:
    """On one connection, which is kept alive."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection('127.0.0.1', port,
                                                     timeout=120)
        self.last = None

    def close(self):
        self.connection.close()
        if self.last:
            self.last.close()
            self.last = None

    def get(self, path=PAGE, cookies=None, fresh=False):
        """fresh: on a connection of its own, which stays open until the next:
        httpd always finds it so when it has answered."""
        headers = {'Host': HOST}
        if cookies:
            headers['Cookie'] = cookie_header(cookies)
        if fresh:
            self.close()
            headers['Connection'] = 'close'
            self.connection.connect()
            self.last = self.connection.sock.dup()
        return self._answer('GET', path, None, headers)

    def post(self, path, form, cookies):
        return self._answer('POST', path, urlencode(form), {
            'Host': HOST, 'Origin': f'http://{HOST}',
            'Cookie': cookie_header(cookies),
            'Content-Type': 'application/x-www-form-urlencoded'})

    def _answer(self, method, path, body, headers):
        self.connection.request(method, path, body, headers)
        return Answer(self.connection.getresponse())


def claim(holds, what):
    """A configuration that does not do what it claims has no figure."""
    if not holds:
        raise NotMeasured(f'it does not do what it claims: {what}')
