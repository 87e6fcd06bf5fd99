"""The same project by authors who have forgotten CSRF protection."""

from settings import *

MIDDLEWARE = [name for name in MIDDLEWARE if 'Csrf' not in name]
