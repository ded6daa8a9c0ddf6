"""Uploaded pictures, from wherever the shop keeps them."""

from mimetypes import guess_type

from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest
from django.views.decorators.http import require_safe

from orders.pictures import UPLOADED

_FOR_GOOD = "public, max-age=31536000, immutable"  # a name never means another picture


@require_safe
def picture(request: HttpRequest, name: str) -> FileResponse:
    """Answer with one file of a picture; its name alone leads to it, and to nothing else."""
    try:
        file = default_storage.open(f"{UPLOADED}{name}")
    except FileNotFoundError as error:
        raise Http404 from error
    kind, _encoding = guess_type(name)
    response = FileResponse(file, content_type=kind)
    response["Cache-Control"] = _FOR_GOOD
    return response
