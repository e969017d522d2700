def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/html")])
    # Bytes, for a WSGI body is bytes on Python 3; on Python 2 every str is.
    return [b"<h1 style='color:blue'>Hello There!</h1>"]
