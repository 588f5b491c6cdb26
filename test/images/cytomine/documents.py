"""Talks to the stand-in for MongoDB: a line of JSON there, a line of JSON back."""
import json, os, socket

DATA = '/data/db'
USERS = 'admin.system.users'


class Refused(Exception):
    pass


class Documents:
    def __init__(self, host, user, password):
        self.login = {'user': user, 'password': password}
        self.stream = socket.create_connection((host, 27017), timeout=30).makefile('rw', encoding='utf-8')

    def ask(self, **request):
        self.stream.write(json.dumps(self.login | request) + '\n')
        self.stream.flush()
        line = self.stream.readline()
        if not line:
            raise ConnectionError('the server has gone')
        answer = json.loads(line)
        if 'error' in answer:
            raise Refused(answer['error'])
        return answer

    def names(self):
        return self.ask(do='names')['names']

    def find(self, name):
        return self.ask(do='find', name=name)['documents']

    def put(self, name, documents):
        self.ask(do='put', name=name, documents=documents)

    def replace(self, name, documents):
        self.ask(do='replace', name=name, documents=documents)


def read(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding='utf-8') as file:
        return [json.loads(line) for line in file]


def write(path, documents):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(f'{path}.new', 'w', encoding='utf-8') as file:
        file.writelines(json.dumps(document, ensure_ascii=False) + '\n' for document in documents)
    os.replace(f'{path}.new', path)
