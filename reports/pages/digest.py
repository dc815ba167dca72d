"""Ending the daily mail by the link in it, and choosing it on the page of the account."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from attendance.services.access import limits
from attendance.web.callers import person_of, signed_in, user_of
from reports.digest.choice import choose, reader_of


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def stop(request: HttpRequest, token: str) -> HttpResponse:
    """Programs that look into mails open the address, which changes nothing; a POST ends the mail.

    RFC 8058: the mail program posts by itself, with no session and no cookie of this site, so the
    token is all that says who it is. It opens nothing else, and nobody but its reader has it.
    """
    reader = reader_of(token)
    is_over = reader is not None and request.method == "POST"
    if reader is not None and is_over:
        choose(reader, is_wanted=False)
    context = {"is_known": reader is not None, "is_over": is_over}
    status = 404 if reader is None else 200
    return render(request, "reports/digest_stop.html", context, status=status)


@never_cache
@require_POST
@signed_in()
def choice(request: HttpRequest) -> HttpResponse:
    """Whether the owner of the account wants the mail, and back to its page."""
    limits.count_change(person_of(request).school_number)
    choose(user_of(request).pk, is_wanted=request.POST.get("wanted") == "yes")
    return redirect("account")
