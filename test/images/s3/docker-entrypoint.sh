#!/bin/bash
# S3_ACCESS_KEY, S3_SECRET_KEY: the user. S3_BUCKET: buckets made at start. S3_SIZE: bytes in all. S3_QUOTA: bytes per bucket.
# The objects survive a clean stop (memstore writes them down); after a kill it starts empty.
set -euo pipefail

: "${S3_ACCESS_KEY:?}" "${S3_SECRET_KEY:?}"
rm -f /run/buckets-made
state=/var/lib/ceph clean=/var/lib/ceph/stopped-cleanly
monitor='' osd='' gateway=''

create() {
  rm -rf $state/{mon,osd}/*
  mkdir -p $state/mon/ceph-a $state/osd/ceph-0
  monmaptool --create --clobber --add a 127.0.0.1 --fsid "$(ceph-conf --lookup fsid)" /tmp/monmap
  ceph-authtool --create-keyring /tmp/keyring --gen-key -n mon. --cap mon 'allow *'
  ceph-mon --mkfs -i a --monmap /tmp/monmap --keyring /tmp/keyring
}

persist() { # COMMAND… — for some moments after its start, the monitor refuses commands (EPERM)
  local attempt
  for attempt in {1..20}; do
    "$@" >/dev/null 2>/tmp/refused && return
    sleep 0.1
  done
  cat /tmp/refused >&2
  exit 1
}

stop() { # the objects first, the monitor last
  trap - TERM INT
  for process in $gateway $osd $monitor; do
    kill "$process" 2>/dev/null && wait "$process" || true
  done
  [ ! -e /run/buckets-made ] || touch $clean
  exit 0
}

sed -i "/^memstore_device_bytes/d; /^osd_objectstore/a memstore_device_bytes = ${S3_SIZE:-17179869184}" /etc/ceph/ceph.conf
fresh=yes
if [ -e $clean ]; then rm $clean; fresh=no; fi
if [ $fresh = yes ]; then create >/tmp/create.log 2>&1 || { tail -n 20 /tmp/create.log >&2; exit 1; }; fi

trap stop TERM INT
ceph-mon -i a -f >/dev/null 2>&1 &
monitor=$!
if [ $fresh = yes ]; then
  identity=$(cat /proc/sys/kernel/random/uuid)
  persist ceph osd new "$identity"
  ceph-osd -i 0 --mkfs --osd-uuid "$identity" >/dev/null 2>&1
fi
until ceph osd stat 2>/dev/null | grep -q '1 up'; do
  if ! kill -0 "${osd:-none}" 2>/dev/null; then
    ceph-osd -i 0 -f >/dev/null 2>&1 &
    osd=$!
  fi
  sleep 0.1
done
if [ $fresh = yes ]; then
  persist radosgw-admin user create --uid=s3 --display-name=s3 --access-key="$S3_ACCESS_KEY" --secret-key="$S3_SECRET_KEY"
fi
# -d: its log goes to stderr, with a line per request.
radosgw -n client.rgw -d --rgw-frontends "beast port=9000 tcp_nodelay=1" &
gateway=$!
until curl --silent --output /dev/null http://127.0.0.1:9000/; do sleep 0.1; done

if [ $fresh = yes ]; then
  for bucket in ${S3_BUCKET:-}; do
    s3-curl --request PUT "http://127.0.0.1:9000/$bucket"
    # The first object makes the pool of the data.
    s3-curl --upload-file /etc/hostname "http://127.0.0.1:9000/$bucket/.warm"
    s3-curl --request DELETE "http://127.0.0.1:9000/$bucket/.warm"
    if [ -n "${S3_QUOTA:-}" ]; then
      radosgw-admin quota set --quota-scope=bucket --bucket="$bucket" --max-size="$S3_QUOTA"
      radosgw-admin quota enable --quota-scope=bucket --bucket="$bucket"
    fi
  done
fi
touch /run/buckets-made
echo "S3 ready on port 9000" >&2
wait -n $gateway $osd $monitor || true
echo "a process of the S3 server ended by itself" >&2
exit 1
