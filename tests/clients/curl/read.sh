#!/bin/sh
# Reads secrets with curl and a token from the identity endpoint; jq's place is taken by python3, which more machines have.
set -eu
action=$1 vault_url=$2 name=${3-} version=${4-}

if [ "${CLIENT_ID-}" ]; then id="client_id=$CLIENT_ID"
elif [ "${OBJECT_ID-}" ]; then id="object_id=$OBJECT_ID"
elif [ "${RESOURCE_ID-}" ]; then id="mi_res_id=$RESOURCE_ID"
else id=""; fi

field() { python3 -c 'import json, sys; print(json.load(sys.stdin).get(sys.argv[1]) or "")' "$1"; }

fail() { # $1: the status or null; what is wrong comes by standard input
    python3 -c 'import json, sys; print(json.dumps({"error": sys.stdin.read(), "status": json.loads(sys.argv[1])}))' "$1"
    exit 0
}

token() {
    if [ "${IDENTITY_ENDPOINT-}" ]; then
        curl -sS -G -H "X-IDENTITY-HEADER: $IDENTITY_HEADER" "$IDENTITY_ENDPOINT" -d api-version=2019-08-01 \
            -d resource=https://vault.azure.net ${id:+--data-urlencode "$id"}
    else
        curl -sS -G -H "Metadata: true" http://169.254.169.254/metadata/identity/oauth2/token -d api-version=2018-02-01 \
            -d resource=https://vault.azure.net ${id:+--data-urlencode "$id"}
    fi
}

get() { # $1: the URL; its body comes to be in the file "body"
    token >"$folder/token"
    access_token=$(field access_token <"$folder/token")
    [ "$access_token" ] || fail null <"$folder/token"
    status=$(printf 'header = "Authorization: Bearer %s"' "$access_token" |
        curl -sS --retry 3 -K - -o "$folder/body" -w '%{http_code}' "$1" 2>"$folder/problem") || fail null <"$folder/problem"
    [ "$status" = 200 ] || fail "$status" <"$folder/body"
}

folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT

if [ "$action" = list ]; then
    url="$vault_url/secrets?api-version=7.4"
    while [ "$url" ]; do
        get "$url"
        cat "$folder/body" >>"$folder/pages"
        echo >>"$folder/pages"
        url=$(field nextLink <"$folder/body")
    done
    python3 -c 'import json, sys
print(json.dumps({"names": [found["id"].rpartition("/")[2] for page in sys.stdin for found in json.loads(page)["value"]]}))' \
        <"$folder/pages"
    exit
fi
url="$vault_url/secrets/$name/$version?api-version=7.4"
get "$url"
field value <"$folder/body" >"$folder/values"
if [ "$action" = read-twice ]; then
    read -r _
    get "$url"
    field value <"$folder/body" >>"$folder/values"
fi
python3 -c 'import json, sys; print(json.dumps({"values": sys.stdin.read().split("\n")[:-1]}))' <"$folder/values"
