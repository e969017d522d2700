"""A hostile package: it makes its attempts where it is built. What it got comes with it, as a module."""

import json
import os
import sys

from setuptools import setup

sys.path.insert(0, os.getcwd())
import attempts

MODULE = "hostile_package.py"

# It runs more than once for one installation.
if not os.path.exists(MODULE):
    results = attempts.run_all("build")
    attempts.leave_traces("build")
    with open(MODULE, "w") as file:
        file.write("results = %r\n" % json.dumps(results))

setup(name="hostile", version="1.0", py_modules=["hostile_package"])
