"""The page of the benchmark as Django serves it, twice: `application` has
Django's session, locale and CSRF middleware, `plain` has none.

As a program it makes the database of the sessions.
"""

import os
from pathlib import Path

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.urls import re_path

HOME = Path(os.environ['BENCH_HOME'])
PAGE = (Path(__file__).parent.parent / 'site' / 'page.html').read_text()

settings.configure(
    SECRET_KEY='known to everybody, since it protects nothing but a benchmark',
    ALLOWED_HOSTS=['*'],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=['django.contrib.sessions'],
    MIDDLEWARE=[],
    DATABASES={'default': {'ENGINE': 'django.db.backends.sqlite3',
                           'NAME': HOME / 'sessions.sqlite3'}},
    DEFAULT_AUTO_FIELD='django.db.models.AutoField',
    USE_I18N=True,
    LANGUAGES=[('en', 'English'), ('fr', 'French')],
)
django.setup()


def page(request):
    response = HttpResponse(PAGE)
    session = getattr(request, 'session', None)
    if session is not None:
        if request.path.startswith('/login/'):
            session['user'] = 'ann'
        response['X-Seen'] = session.get('user', '')
        response['X-Language'] = request.LANGUAGE_CODE
        get_token(request)
    return response


urlpatterns = [re_path('', page)]

plain = get_wsgi_application()
settings.MIDDLEWARE = [
    'django.contrib.sessions.middleware.SessionMiddleware',
    'django.middleware.locale.LocaleMiddleware',
    'django.middleware.csrf.CsrfViewMiddleware',
]
application = get_wsgi_application()

if __name__ == '__main__':
    from django.core.management import call_command
    call_command('migrate', verbosity=0)
