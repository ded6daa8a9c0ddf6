"""The WSGI application that gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings_web")

application = get_wsgi_application()

# Models can be imported from here on. The executor counts among the workers from the first scrape.
from shop.intake import intake  # noqa: E402

intake()
