"""Where ownCloud keeps what: its configuration in PHP files, everything else in the database and in /mnt/data/files."""
import os, re, sqlite3
import pymysql

DATA = '/mnt/data'
CONFIG = f'{DATA}/config/config.php'
OVERWRITE = f'{DATA}/config/overwrite.config.php'  # made from the environment at every start; it wins


def read_config():
    config = {}
    for path in (CONFIG, OVERWRITE):
        if os.path.exists(path):
            for key, text, word in re.findall(r"^  '([^']+)' => (?:'(.*)'|(\w+)),$", open(path).read(), re.M):
                config[key] = {'true': True, 'false': False}[word] if word else text
    return config


def write_config(path, config):
    value = lambda one: str(one).lower() if isinstance(one, bool) else f"'{one}'"
    lines = [f"  '{key}' => {value(one)},\n" for key, one in config.items()]
    with open(f'{path}.new', 'w') as file:
        file.write('<?php\n$CONFIG = array (\n' + ''.join(lines) + ');\n')
    os.replace(f'{path}.new', path)


def set_value(key, value):
    """Only config.php is rewritten, as by ownCloud itself."""
    overwritten = open(OVERWRITE).read() if os.path.exists(OVERWRITE) else ''
    kept = {name: one for name, one in read_config().items() if f"'{name}' =>" not in overwritten}
    write_config(CONFIG, kept | {key: value})


class Cursor(sqlite3.Cursor):
    """Takes the words of MariaDB."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def execute(self, statement, values=()):
        words = {'%s': '?', 'BIGINT AUTO_INCREMENT': 'INTEGER', ' CHARACTER SET utf8mb4 COLLATE utf8mb4_bin': ''}
        for theirs, ours in words.items():
            statement = statement.replace(theirs, ours)
        return super().execute(statement, values)


class Sqlite(sqlite3.Connection):
    def __exit__(self, *_):
        self.close()

    def cursor(self):
        return super().cursor(Cursor)


def database(config):
    if config['dbtype'] == 'sqlite3':
        db = sqlite3.connect(f'{DATA}/files/owncloud.db', factory=Sqlite, isolation_level=None, timeout=30)
        db.execute('PRAGMA journal_mode = wal')
        return db
    return pymysql.connect(host=config['dbhost'], user=config['dbuser'], password=config['dbpassword'], database=config['dbname'],
                           charset='utf8mb4', autocommit=True)


def is_installed(config):
    if not config.get('installed'):
        return False
    with database(config) as db, db.cursor() as cursor:
        try:
            cursor.execute('SELECT 1 FROM oc_filecache')
        except (pymysql.err.ProgrammingError, sqlite3.OperationalError):
            return False
        return True
