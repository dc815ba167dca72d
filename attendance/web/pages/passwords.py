"""Getting to a password with a link: one's forgotten one by mail, one's first one by mail or slip.

The GET of a link changes nothing: programs that look into mails open every address.
"""

from allauth.account import views as allauth_views
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from attendance.http_status import STATUS
from attendance.services.access import limits
from attendance.services.access.addresses import address_of
from attendance.web.password_forms import FirstPasswordForm, LinkCodeForm
from users.errors import SignInBusy
from users.services import inviting
from users.wording import in_words

OVER = "attendance/pages/link_over.html"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def forgotten(request: HttpRequest) -> HttpResponse:
    """Ask for a link; where no mail is set up, the page says whom to ask instead."""
    if not settings.EMAIL_IS_SET_UP:
        return render(request, "attendance/pages/password_help.html")
    answer: HttpResponse = allauth_views.password_reset(request)
    return answer


@never_cache
@require_safe
def asked(request: HttpRequest) -> HttpResponse:
    """The same for everybody who has asked; nothing is on its way where no mail is set up."""
    if not settings.EMAIL_IS_SET_UP:
        return redirect("account_reset_password")
    answer: HttpResponse = allauth_views.password_reset_done(request)
    return answer


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def type_link(request: HttpRequest) -> HttpResponse:
    """The code of a slip, for whoever cannot scan it."""
    form = LinkCodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        code = inviting.clean_code(form.cleaned_data["code"])
        if code:
            return redirect("join", code=code)
        form.add_error("code", _("A code has twelve letters and digits. Type it again."))
    status = 400 if form.errors else 200
    return render(request, "attendance/pages/type_link.html", {"form": form}, status=status)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, code: str) -> HttpResponse:
    """Choose the first password, with a link that is good once."""
    address = address_of(request.META)
    limits.count_link(address)
    user = inviting.find_invited(code)
    if user is None:
        return render(request, OVER, status=404)
    limits.give_back_link(address)
    form, status = FirstPasswordForm(request.POST or None, user=user), 200
    if request.method == "POST":
        status = 400
        try:
            if form.is_valid():
                return _choose(request, code, form.cleaned_data["password"])
        except SignInBusy as error:
            status = STATUS[error.code]
            form.add_error(None, in_words(error))
    context = {"form": form, "owner": user}
    return render(request, "attendance/pages/join.html", context, status=status)


def _choose(request: HttpRequest, code: str, password: str) -> HttpResponse:
    user = inviting.use_link(code, password)
    if user is None:
        return render(request, OVER, status=404)
    # A phone that is shared may still have somebody else's session.
    logout(request)
    words = _("Your password is set. Sign in with it and your number, %(number)s.")
    messages.success(request, words % {"number": user.school_number})
    return redirect("account_login")
