"""Serves the project on a free port of 127.0.0.1 until standard input ends.

    python3 serve.py SETTINGS DATABASE

The database is made anew, with one user. The port is printed when requests
can come. To end with standard input means that nothing is left over when the
test that started this is killed.
"""

import os
import sys
from socketserver import ThreadingMixIn
from threading import Thread
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import django
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Handler(WSGIRequestHandler):
    # A client that never sends its request must not hold a thread for good.
    timeout = 10


def database_make():
    from django.contrib.auth.models import User
    call_command('migrate', verbosity=0)
    User.objects.create_user('ada', password='enchantress')


def main(settings, database):
    os.environ['DJANGO_SETTINGS_MODULE'] = settings
    os.environ['DJANGO_DATABASE'] = database
    django.setup()
    database_make()
    server = Server(('127.0.0.1', 0), Handler)
    server.set_app(get_wsgi_application())
    Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()


main(*sys.argv[1:])
