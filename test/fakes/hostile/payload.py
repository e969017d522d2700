"""The code that is to run in another app."""

import os


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [("payload ran as user %d, TOKEN=%s" % (os.getuid(), os.environ.get("TOKEN"))).encode("utf-8")]
