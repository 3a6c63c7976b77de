#!/bin/sh
# Makes what azd publishes, build/function_app or the folder that is named: the function, and the library as a wheel beside it.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
folder=${1:-$here/build/function_app}
# Not $PYTHON: that chooses what the virtual environment is made with, and has not what building a wheel takes.
python=${KEYLESS_PYTHON:-$here/.venv/bin/python}
[ -x "$python" ] || make -C "$here" .venv/.installed-run

new=$folder.new
rm -rf "$new"
mkdir -p "$new"
cp "$here"/function_app/*.py "$here/function_app/host.json" "$here/function_app/.funcignore" "$new/"
"$python" -m pip --disable-pip-version-check --quiet wheel --no-deps --no-build-isolation --wheel-dir "$new" "$here"
# Azure installs what this file names, and nothing that has another hash; the library comes from the wheel beside it.
wheel=$(cd "$new" && ls keyless-*.whl)
hash=$("$python" -m pip --disable-pip-version-check hash "$new/$wheel" | tail -n 1)
{ cat "$here/requirements/function.txt"; echo "./$wheel $hash"; } > "$new/requirements.txt"

# azd may be packing the folder at this moment: it stays as it is where nothing changed, and is never half made.
if diff -r "$folder" "$new" > /dev/null 2>&1; then
    rm -rf "$new"
else
    rm -rf "$folder"
    mv "$new" "$folder"
fi
echo "Made $folder"
