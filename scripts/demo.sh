#!/usr/bin/env bash
# demo.sh — the main job, as a person would like to watch it: a stack with data, a backup, a disaster, a restore.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/shared.sh

scripts/setup.sh base:trixie app mariadb-11.8 postgres-17
. scripts/toolchain.sh

example=compose-examples/quickstart/compose.yaml
override=.build/quickstart.stand-ins.json
if docker image inspect nginx:stable mariadb:11.8 postgres:17 >/dev/null 2>&1; then
  node scripts/stand-ins.ts $example | node -e '
    const {services} = JSON.parse(require("fs").readFileSync(0)); console.log(JSON.stringify({services: {davit: services.davit}}))' >$override
else
  node scripts/stand-ins.ts $example >$override
fi
compose() { docker compose --progress quiet -p davit-demo -f $example -f $override "$@"; }
davit() { printf '\n$ docker compose exec davit davit %s\n' "$*"; compose exec -T davit davit "$@"; }
part() { printf '\n── %s ──\n' "$*"; }
tidy() { compose down -v --timeout 5 >/dev/null 2>&1 || true; }
trap tidy EXIT

contents() {
  compose exec -T app cat /data/hello.txt
  compose exec -T shop-db mariadb -uroot -pchange-me -N -e 'SELECT CONCAT("order ", id, ": ", what) FROM shop.orders ORDER BY id'
  compose exec -T stats-db psql -U postgres -At -d stats -c "SELECT 'visits: ' || count(*) FROM visits"
}

tidy
part 'A stack: an app with files, MariaDB, PostgreSQL, and Davit'
sed -n '/^services:/,/^volumes:/p' $example | sed '$d'
compose up -d --wait

part 'It gets some data'
compose exec -T app sh -c 'echo "hello from a file" > /data/hello.txt'
compose exec -T shop-db mariadb -uroot -pchange-me shop -e 'CREATE TABLE orders (id INT PRIMARY KEY, what TEXT); INSERT INTO orders VALUES (1, "a fjord horse 🐴"), (2, "a boat")'
compose exec -T stats-db psql -U postgres -q -d stats -c 'CREATE TABLE visits AS SELECT generate_series(1, 1000) AS id'
before=$(contents)
printf '%s\n' "$before"

part 'What would be captured'
davit plan

part 'Backup'
davit backup
davit list

part 'Disaster: the volumes of the app and of both databases are gone'
compose rm -s -f -v app shop-db stats-db
docker volume rm davit-demo_files davit-demo_shop davit-demo_stats
compose up -d --wait
compose exec -T app ls -la /data
compose exec -T shop-db mariadb -uroot -pchange-me -N -e 'SHOW TABLES IN shop'

part 'Restore'
davit restore latest --yes

part 'The data is back'
after=$(contents)
printf '%s\n' "$after"
[ "$before" = "$after" ] || fail 'demo — the data differs from before'
printf '\n✓ Every file, row and emoji is back. Read README.md for your own stack.\n'
