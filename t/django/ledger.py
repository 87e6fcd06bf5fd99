"""What has reached Django: the first of its middleware, so that it also
counts what another one refuses."""

from collections import Counter
from threading import Lock

from django.http import JsonResponse

requests = Counter()
lock = Lock()


def middleware(get_response):
    def count(request):
        with lock:
            requests[request.method] += 1
        return get_response(request)
    return count


def show(request):
    with lock:
        return JsonResponse(requests)
