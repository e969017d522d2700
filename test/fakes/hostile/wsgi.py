"""A hostile app. It makes its attempts when it is loaded for the first time, which is the trial, and when it is asked to."""

import json
import os

import attempts

TRIAL = attempts.OWN + "/shared/trial.json"

if not os.path.exists(TRIAL):
    results = attempts.run_all("trial")
    attempts.leave_traces("trial")
    with open(TRIAL, "w") as file:
        json.dump(results, file)


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    if environ["PATH_INFO"] != "/attack":
        return [b"{}"]
    import hostile_package  # what setup.py has left

    with open(TRIAL) as file:
        places = {"trial": json.load(file), "build": json.loads(hostile_package.results)}
    places["app"] = attempts.run_all("app")
    attempts.leave_traces("app")
    return [json.dumps(places).encode("ascii")]
