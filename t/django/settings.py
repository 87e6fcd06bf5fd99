"""A small Django project as its authors would write it: sessions, users,
languages and CSRF protection are Django's own, and all of them are on."""

import os
from pathlib import Path

HERE = Path(__file__).resolve().parent

SECRET_KEY = 'known to everybody, since it protects nothing but a test'
DEBUG = False
ALLOWED_HOSTS = ['.localhost']
ROOT_URLCONF = 'urls'

INSTALLED_APPS = [
    'django.contrib.auth',
    'django.contrib.contenttypes',
    'django.contrib.sessions',
]

MIDDLEWARE = [
    'ledger.middleware',
    'django.contrib.sessions.middleware.SessionMiddleware',
    'django.middleware.locale.LocaleMiddleware',
    'django.middleware.csrf.CsrfViewMiddleware',
    'django.contrib.auth.middleware.AuthenticationMiddleware',
]

TEMPLATES = [{
    'BACKEND': 'django.template.backends.django.DjangoTemplates',
    'DIRS': [HERE / 'templates'],
    'OPTIONS': {
        'context_processors': [
            'django.template.context_processors.request',
            'django.template.context_processors.i18n',
            'django.contrib.auth.context_processors.auth',
        ],
    },
}]

DATABASES = {
    'default': {
        'ENGINE': 'django.db.backends.sqlite3',
        'NAME': os.environ['DJANGO_DATABASE'],
    },
}
DEFAULT_AUTO_FIELD = 'django.db.models.AutoField'

# A strong hash would cost the test more time than all of its requests.
PASSWORD_HASHERS = ['django.contrib.auth.hashers.MD5PasswordHasher']

USE_I18N = True
USE_TZ = True
LANGUAGE_CODE = 'en'
LANGUAGES = [('en', 'English'), ('fr', 'French'), ('de', 'German')]

LOGIN_REDIRECT_URL = '/'
LOGOUT_REDIRECT_URL = '/'
