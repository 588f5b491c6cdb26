"""What an app does, told on stdout, a line of JSON each; a request is finished before it obeys SIGTERM."""
import json, signal, time

stopping = False


def say(did, **more):
    print(json.dumps({'at': int(time.time() * 1000), 'did': did, **more}), flush=True)


def finish_before_stop():
    def stop(*_):
        global stopping
        stopping = True
        say('stop')
    signal.signal(signal.SIGTERM, stop)
