"""A key-value store as Cells keeps them beside its files: one writer at a time, changed in place, worthless when it is torn."""
import fcntl, hashlib, os, struct

HEAD = struct.Struct('>Q32s')  # number of records, SHA-256 of all of them
RECORD = 64


class Torn(Exception):
    pass


class Store:
    def __init__(self, path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self.file = open(path, 'r+b' if os.path.exists(path) else 'w+b', buffering=0)
        fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        content = self.file.read()
        self.digest = hashlib.sha256(content[HEAD.size:])
        self.count = 0
        if content:
            self.count, digest = HEAD.unpack_from(content)
            if len(content) != HEAD.size + self.count * RECORD or digest != self.digest.digest():
                raise Torn(f'{path}: the file is torn')

    def append(self, text):
        record = text.encode()[:RECORD].ljust(RECORD)
        self.file.seek(HEAD.size + self.count * RECORD)
        self.file.write(record)
        self.digest.update(record)
        self.count += 1
        self.file.seek(0)
        self.file.write(HEAD.pack(self.count, self.digest.digest()))
