#!/bin/sh
# What the official image's entry point does, as far as Steward asks for it: a database at the first start, with the
# password and options of the environment; then the server, with the settings that follow. As root it lays the account
# down first; as any other account it is already who it shall be.
set -eu
data=/var/lib/postgresql/18/docker
mkdir -p "$data"
as_postgres() { "$@"; }
if [ "$(id -u)" = 0 ]; then
    chown -R 999:999 /var/lib/postgresql
    as_postgres() { setpriv --reuid=999 --regid=999 --clear-groups "$@"; }
fi
as_postgres chmod 700 "$data"
if [ ! -s "$data/PG_VERSION" ]; then
    secret=$(as_postgres mktemp)
    printf '%s' "$POSTGRES_PASSWORD" >"$secret"
    # Options are words here, as in the official image.
    # shellcheck disable=SC2086
    as_postgres initdb --pgdata "$data" --username=postgres --pwfile "$secret" --auth=scram-sha-256 ${POSTGRES_INITDB_ARGS:-} >&2
    rm "$secret"
    echo 'host all all all scram-sha-256' >>"$data/pg_hba.conf"
fi
set -- postgres -D "$data" -c listen_addresses='*' -c unix_socket_directories= "$@"
[ "$(id -u)" = 0 ] || exec "$@"
exec setpriv --reuid=999 --regid=999 --clear-groups "$@"
