from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext
from django.views.i18n import set_language

import ledger


def form(request):
    """A page with a form; what the form posts is given back."""
    if request.method != 'POST':
        return render(request, 'form.html')
    return JsonResponse({
        'text': request.POST.get('text'),
        'user': request.user.get_username(),
    })


def api(request):
    """A call from script: what came, whatever its type."""
    return JsonResponse({'body': request.body.decode()})


def plain(request):
    """A page that needs nothing of the visitor."""
    return HttpResponse('<!DOCTYPE html><title>Plain</title><p>%s</p>'
                        % gettext('Monday'))


def guestbook(request):
    """A form by authors who have never heard of tokens."""
    if request.method == 'POST':
        return JsonResponse({'text': request.POST.get('text')})
    return HttpResponse('<!DOCTYPE html><title>Guests</title>'
                        '<form method="post" action="/guestbook">'
                        '<input name="text"></form>')


def basket(request):
    """Stores something for a visitor who has not logged in."""
    request.session['basket'] = request.session.get('basket', 0) + 1
    return HttpResponse('<!DOCTYPE html><title>Basket</title><p>%d</p>'
                        % request.session['basket'])


def wizard(request):
    """A page that stores something and has a form."""
    request.session['step'] = 1
    return form(request)


urlpatterns = [
    path('', form),
    path('api', api),
    path('plain', plain),
    path('guestbook', guestbook),
    path('basket', basket),
    path('wizard', wizard),
    path('login', LoginView.as_view(template_name='form.html')),
    path('logout', LogoutView.as_view()),
    path('language', set_language),
    path('ledger', ledger.show),
]
