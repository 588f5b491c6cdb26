/** A test: its file below `test/`, and its title. */
export interface Proof {
  readonly file: string;
  readonly title: string;
}

/** What a backup by `mysqldump` and `tar` gets wrong in the four apps, and which test shows that Davit does not. */
export interface Requirement {
  readonly number: number;
  readonly text: string;
  readonly proofs: readonly Proof[];
}

const proof = (file: string) => (title: string) => ({ file: `${file}.test.ts`, title });
const owncloud = proof('e2e/apps/owncloud');
const cells = proof('e2e/apps/pydio-cells');
const seatable = proof('e2e/apps/seatable');
const cytomine = proof('e2e/apps/cytomine');
const trees = proof('unit/steps/trees');
const mutation = (title: string): Proof => ({ file: 'e2e/apps/mutations.ts', title });

const owncloudBackup = owncloud('a backup holds the four parts of the manual, of a moment without users');
const owncloudRestore = owncloud(
  'a restore into an empty stack of another name, with the same and with other passwords, gives the instance back',
);
const cellsBackup = cells('a backup holds working directory, data and database, of a moment while Cells was stopped');
const cellsRestore = cells('a restore into an empty stack of another name gives the instance back, and it never configures itself');
const seatableBackup = seatable('a backup holds three dumps, then the export, then the files, and users notice nothing');
const seatableRestore = seatable(
  'a restore into an empty stack, and over a fresh installation with another password, gives the bases back',
);
const cytomineBackup = cytomine('a backup holds both databases of a moment without users, and the settings');
const cytomineRestore = cytomine('a restore into an empty stack of another name with other passwords gives both databases back as one');
const everyEngine = proof('e2e/engines')("${names.join(', ')}: everything comes back, into empty servers and over other content");

const rows: readonly (readonly [text: string, proofs: readonly Proof[]])[] = [
  ['no terminal for a dump', [proof('contract/docker-read')('as another user, with binary output and talk on stderr')]],
  ['a dump counts with exit code, end marker and size', [proof('e2e/failures/dump')('but is ${tool}: ${script}')]],
  ['three databases, three files, kept for a week', [seatableBackup, proof('unit/docs/apps')('SeaTable: no dump goes within a week')]],
  ['database first, then the export, then the files', [seatableBackup, mutation('when its hook fails')]],
  ['one service stops while the database goes on', [cellsBackup]],
  [
    'a dumped database never stops, and its directory is never archived',
    [
      proof('unit/steps/quiesce')('never a database that is dumped, even when it asks or writes the same volume'),
      trees('is never archived by another service when it is the data directory of a dumped server'),
      cellsBackup,
    ],
  ],
  [
    'maintenance mode ends, whatever happens',
    [
      mutation('when the storage takes nothing'),
      mutation('when the database is gone'),
      mutation('when Davit is killed during the dump and started again'),
      owncloud('maintenance mode that could not be turned off is turned off at the next start'),
    ],
  ],
  ['a configuration copied in maintenance mode', [owncloudBackup, owncloudRestore]],
  ['a hook that asks', [owncloudRestore]],
  ['the order of hooks after a restore', [owncloudRestore]],
  ['hidden files', [owncloudBackup, cellsBackup, cellsRestore]],
  ['what lies beside a volume', [cellsBackup, trees('a path in no volume is a problem, and the others are still taken')]],
  ['a volume in a volume', [cellsBackup, cellsRestore]],
  ['leave out within a volume, or take only', [owncloudBackup, seatableBackup]],
  [
    'two databases of one moment, restored as one',
    [cytomineBackup, cytomine('one of two databases alone is not restored'), cytomineRestore],
  ],
  [
    'an archive of last week is not that of today',
    [cytomine('an archive that was there before is refused, though the script that should have written it is content')],
  ],
  ['put a file after the server has initialised', [cytomineRestore]],
  [
    'half a restore with exit code 0',
    [
      everyEngine,
      proof('unit/steps/compare')('every table with every row is what the snapshot holds; more tables are no matter'),
      cytomineRestore,
    ],
  ],
  [
    'a stack with new passwords keeps them',
    [
      proof('e2e/credentials')(
        'a stack with other passwords, given as files, keeps them; accounts that only the snapshot knows come with theirs',
      ),
      owncloudRestore,
      cellsRestore,
      seatableRestore,
      cytomineRestore,
    ],
  ],
  ['files of the host', [owncloudBackup, cellsBackup, seatableBackup, cytomineBackup]],
  [
    'another place, schedule and retention for one part',
    [
      cytomine('images go only when no snapshot of the databases needs them'),
      proof('unit/commands/timetables')('a set with a schedule of its own leaves the common one'),
    ],
  ],
  ['files go into created containers, never into started ones', [owncloudRestore, cellsRestore]],
  ['databases are recreated', [everyEngine, seatableRestore]],
  [
    'owners, modes, times, links',
    [proof('e2e/files')('hostile trees come back exactly, from a volume, a bind mount and a volume that Davit has itself'), cellsRestore],
  ],
  ['corrections before the first start', [cellsRestore]],
];

export const requirements: readonly Requirement[] = rows.map(([text, proofs], index) => ({ number: index + 1, text, proofs }));
