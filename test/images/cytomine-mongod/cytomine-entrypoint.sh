#!/bin/bash
# At each start: variables for the scripts.
set -euo pipefail
printenv | sed -n "s/^\(MONGO_[A-Z_]*\)=\(.*\)/\1='\2'/p" >/tmp/cytomine.mongo.env
exec "$@"
