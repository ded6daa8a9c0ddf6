#!/bin/sh
# Make the virtual environment in the folder named, or say in one sentence what is missing.
set -eu
venv=$1

is_recent() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    for name in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
        if command -v "$name" >/dev/null && is_recent "$name"; then
            echo "$name"
            return
        fi
    done
    echo "Python 3.11 or newer is needed (found: $(python3 -V 2>/dev/null || echo none))." \
        "Install it, or name one: make PYTHON=/path/to/python3.12 ..." >&2
    return 1
}

python=$(find_python)
if [ -e "$venv" ] && ! is_recent "$venv/bin/python"; then
    echo "$venv has no Python 3.11 or newer: making it anew."
    rm -rf "$venv"
fi
if [ ! -e "$venv" ]; then
    echo "Making $venv with $("$python" -V) ..."
    if ! "$python" -m venv "$venv"; then
        rm -rf "$venv"
        echo "$python cannot make virtual environments: install its venv module" \
            "(on Debian and Ubuntu: apt-get install python3-venv)." >&2
        exit 1
    fi
fi
echo "Installing what requirements.txt and requirements-dev.txt name ..."
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
