"""Counts its visits in the instance folder, as Flask's tutorial keeps its database."""
import os
import sqlite3

from flask import Flask, jsonify


def create_app():
    app = Flask(__name__, instance_relative_config=True)
    if not os.path.isdir(app.instance_path):
        os.makedirs(app.instance_path)
    database = os.path.join(app.instance_path, "visits.sqlite")

    @app.route("/")
    def index():
        connection = sqlite3.connect(database)
        try:
            with connection:
                connection.execute("CREATE TABLE IF NOT EXISTS visits (release TEXT)")
                connection.execute("INSERT INTO visits VALUES (?)", (os.environ["APP_RELEASE"],))
                count = connection.execute("SELECT count(*) FROM visits").fetchone()[0]
        finally:
            connection.close()
        return jsonify(visits=count, release=os.environ["APP_RELEASE"], compiled=is_compiled())

    return app


def is_compiled():
    """Whether MarkupSafe's extension in C is there."""
    try:
        from markupsafe import _speedups
    except ImportError:
        return False
    return bool(_speedups)
