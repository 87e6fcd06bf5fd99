"""An httpd on a free port of 127.0.0.1, in a directory of its own."""

import itertools
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PATIENCE = 20
PATIENCE_VALGRIND = 300


class NotMeasured(Exception):
    """Why a row of the table has no figure."""


class Place:
    """Where httpd, its modules, the module and room for servers are."""

    def __init__(self, httpd, modules, module, scratch):
        self.httpd = httpd
        self.modules = modules
        self.module = module
        self.scratch = Path(scratch)
        self.site = self.scratch / 'site'
        self.numbers = itertools.count(1)
        # The page once more where one logs in and where one is looked at.
        for name in ('', 'login', 'check'):
            shutil.copytree(HERE / 'site', self.site / name,
                            dirs_exist_ok=True)

    def home(self):
        home = self.scratch / f'server-{next(self.numbers)}'
        home.mkdir(mode=0o700)
        return home


def _port():
    with socket.socket() as one:
        one.bind(('127.0.0.1', 0))
        return one.getsockname()[1]


class Server:
    """A running httpd with base.conf and some more files of conf/, or with
    text that stands for one. To be used by `with`."""

    def __init__(self, place, files=(), text='', single=None, prepare=None):
        """single: the start of a command (valgrind) that runs httpd in one
        process; prepare: what is called with the home before the start."""
        self.place = place
        self.files = files
        self.text = text
        self.single = single
        self.prepare = prepare
        self.port = None
        self.process = None
        self.segments = set()

    def __enter__(self):
        self.home = self.place.home()
        (self.home / 'more.conf').write_text(self.text)
        if self.prepare:
            self.prepare(self.home)
        try:
            # Somebody else can take a port between its choice and the start.
            for _ in range(3):
                self.start()
                if self._answers():
                    return self
                self.stop()
        except BaseException:
            self.stop()
            raise
        raise NotMeasured('httpd does not start: ' + self.log())

    def __exit__(self, *_):
        self.stop()

    def command(self, *arguments):
        """The command line of this httpd."""
        defined = {'home': self.home, 'port': self.port, 'bench': HERE,
                   'site': self.place.site, 'modules': self.place.modules,
                   'module': self.place.module}
        files = [HERE / 'conf' / f'{name}.conf' for name in self.files]
        line = [self.place.httpd, *arguments, '-f', HERE / 'conf/base.conf']
        for name, value in defined.items():
            line += ['-C', f'Define {name} "{value}"']
        for file in [*files, self.home / 'more.conf']:
            line += ['-c', f'Include "{file}"']
        return [str(word) for word in line]

    def start(self):
        self.port = _port()
        line = self.command('-X' if self.single else '-DFOREGROUND')
        with open(self.home / 'output', 'w') as output:
            self.process = subprocess.Popen(
                [*(self.single or []), *line], stdin=subprocess.DEVNULL,
                stdout=output, stderr=output, start_new_session=True,
                env=os.environ | {'BENCH_HOME': str(self.home)})

    def _answers(self):
        end = time.monotonic() + (PATIENCE_VALGRIND if self.single
                                  else PATIENCE)
        while time.monotonic() < end and self.process.poll() is None:
            try:
                with socket.create_connection(('127.0.0.1', self.port),
                                              1) as one:
                    one.settimeout(end - time.monotonic())
                    one.sendall(b'OPTIONS * HTTP/1.0\r\n\r\n')
                    if one.recv(1):
                        return True
            except OSError:
                time.sleep(0.01)
        return False

    def stop(self):
        """Its shared memory outlives it on purpose; not here. One that is run
        by a command has no end worth waiting for: mod_wsgi's is never."""
        if not self.process:
            return
        self._segments_note()
        try:
            if self.process.poll() is None and not self.single:
                self.process.terminate()
                self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            pass
        finally:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
            for segment in self.segments:
                Path(segment).unlink(missing_ok=True)
            self.process = None

    def _segments_note(self):
        try:
            maps = Path(f'/proc/{self.process.pid}/maps').read_text()
        except OSError:
            return
        self.segments.update(re.findall(r'(/dev/shm/ShM\.\S+)$', maps, re.M))

    def log(self):
        """The end of what it has said."""
        text = ''
        for name in ('output', 'error.log'):
            file = self.home / name
            text += file.read_text() if file.exists() else ''
        return ' / '.join(text.split('\n')[-4:]).strip(' /')
