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
# Azure installs what this file names; the library comes from the wheel, so that what runs there is what is here.
wheel=$(cd "$folder" && ls keyless-*.whl)
sed "s|^keyless\$|./$wheel|" "$here/function_app/requirements.txt" > "$folder/requirements.txt"
echo "Made $folder"
