#!/usr/bin/env bash
# azure-functions takes the cookies out of a response that a function returns, so that a response which is returned again has none.
#
# Seen with azure-functions 1.26.0 on Python 3.11: HttpResponseConverter.encode, which the Functions worker calls for each answer, pops
# "Set-Cookie" from the HttpResponse itself. A response that is made once, at module level, sends its cookies with the first call alone.
# This script fails when that has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv" 2>/dev/null || python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check azure-functions==1.26.0
"$folder/venv/bin/python" - <<'PYTHON'
import azure.functions as func
from azure.functions.http import HttpResponseConverter

answer = func.HttpResponse("signed in", headers={"Set-Cookie": "session=abc; Path=/"})
sent = [HttpResponseConverter.encode(answer, expected_type=None).value["cookies"] for _ in range(2)]
print("azure-functions", func.__version__)
print("first call: ", sent[0])
print("second call:", sent[1])
assert sent[0][0]["session"].value == "abc"
assert sent[1] is None, "A response that is returned twice keeps its cookies now."
PYTHON
