#!/bin/sh
# Makes what azd publishes, build/function_app or the folder that is named: the function, and the library as a wheel beside it.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
folder=${1:-$here/build/function_app}
python=${PYTHON:-$here/.venv/bin/python}
[ -x "$python" ] || make -C "$here" .venv/.installed-run

rm -rf "$folder"
mkdir -p "$folder"
cp "$here"/function_app/*.py "$here/function_app/host.json" "$here/function_app/.funcignore" "$folder/"
"$python" -m pip --disable-pip-version-check --quiet wheel --no-deps --no-build-isolation --wheel-dir "$folder" "$here"
# Azure installs what this file names, and nothing that has another hash; the library comes from the wheel beside it.
wheel=$(cd "$folder" && ls keyless-*.whl)
hash=$("$python" -m pip --disable-pip-version-check hash "$folder/$wheel" | tail -n 1)
{ cat "$here/requirements/function.txt"; echo "./$wheel $hash"; } > "$folder/requirements.txt"
echo "Made $folder"
