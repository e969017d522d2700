from django.http import HttpResponse

from .models import Note


def index(request):
    notes = "\n".join(str(note) for note in Note.objects.order_by("pk"))
    return HttpResponse("Notes:\n%s\n" % notes, content_type="text/plain")
