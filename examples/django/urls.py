"""One page, which signs a value with the secret key and reads another secret for each call."""

from django.conf import settings
from django.core.signing import dumps
from django.http import HttpRequest, JsonResponse
from django.urls import path


def page(request: HttpRequest) -> JsonResponse:
    """Read the secret for each call: the reader answers from memory, and follows a rotation."""
    secret = settings.SECRETS.get("api-key")
    return JsonResponse({"signed": dumps("hello"), "version": secret.version})


urlpatterns = [path("", page)]
