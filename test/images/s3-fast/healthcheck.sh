#!/bin/bash
set -euo pipefail
for bucket in ${S3_BUCKET:-''}; do
  curl --silent --fail --output /dev/null --max-time 4 "http://127.0.0.1:9000/$bucket"
done
