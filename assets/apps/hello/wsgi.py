def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/html")])
    # A WSGI body must be bytes. On Python 2 every str is.
    return [b"<h1 style='color:blue'>Hello There!</h1>"]
