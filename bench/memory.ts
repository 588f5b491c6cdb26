import { isDavit, startLab } from './lab.ts';
import { measure, verdict } from './measure.ts';

/** Memory stays bounded whatever the size: a volume of 20 GiB and a dump of 10 GiB. `GIBIBYTES=2` makes it quicker. */

const scale = Number(process.env['GIBIBYTES'] ?? 20);
const goalMebibytes = 250;

using lab = await startLab();
lab.compose(
  'exec',
  '-T',
  'app',
  'sh',
  '-c',
  `head -c 16777216 /dev/urandom > /tmp/block; for i in $(seq ${scale * 64}); do cat /tmp/block; done > /data/big`,
);
lab.compose(
  'exec',
  '-T',
  'db',
  'sh',
  '-c',
  `printf '#!/bin/sh\\n[ "$1" = --version ] && exit\\nyes "(1,now is the time),"| head -c ${Math.floor(scale / 2) * 1024 ** 3}; printf "\\\\n-- Dump completed\\\\n"' > /usr/local/bin/mariadb-dump`,
);
for (const set of ['files', 'dump'] as const) {
  const { rssMebibytes, pssMebibytes, wallSeconds } = await measure(lab.backup(set), isDavit);
  verdict(
    `${set === 'files' ? `volume of ${scale} GiB` : `dump of ${Math.floor(scale / 2)} GiB`}: all processes of Davit together ${rssMebibytes.toFixed(0)} MiB resident, ${pssMebibytes.toFixed(0)} MiB with shared pages counted once, in ${wallSeconds.toFixed(0)} s`,
    pssMebibytes <= goalMebibytes,
    `goal ≤ ${goalMebibytes} MiB`,
  );
}
