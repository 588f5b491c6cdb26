#!/bin/bash
set -euo pipefail

: "${S3_ACCESS_KEY:?}" "${S3_SECRET_KEY:?}"
python3 -m moto.server -H 0.0.0.0 -p 9000 &
server=$!
trap 'kill $server; wait $server || true; exit 0' TERM INT
until curl --silent --output /dev/null http://127.0.0.1:9000/; do kill -0 $server; sleep 0.1; done
for bucket in ${S3_BUCKET:-}; do
  curl --silent --show-error --fail --output /dev/null --request PUT "http://127.0.0.1:9000/$bucket"
done
echo "S3 (moto) ready on port 9000" >&2
wait $server
