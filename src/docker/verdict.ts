import { DavitError } from '../model/errors.ts';
import { inputLeftUnread } from './acknowledged.ts';
import type { ExecState } from './daemon.ts';
import { lastLines } from './tail.ts';

/** 128 and SIGKILL. */
const killedExitCode = 137;

export interface Evidence {
  readonly where: string;
  readonly tool: string;
  /** Undefined: no trailer arrived. */
  readonly trailer: number | undefined;
  /** Undefined: Docker no longer knows the command. */
  readonly state: ExecState | undefined;
  readonly stderr: string;
  /** Output that came instead of a trailer; Docker puts its own start errors there. */
  readonly rest: string;
}

/** The proven exit code of a command. Throws when the outcome cannot be known: a clean end of the stream alone proves nothing. */
export function proveExit(evidence: Evidence): number {
  const { where, tool, trailer, state, stderr } = evidence;
  const fail = (what: string): DavitError => new DavitError({ where, what, seen: lastLines(stderr) });
  if (!state) throw fail(`the container was removed while ${tool} ran`);
  if (trailer === undefined) throw unproven(evidence, state);
  if (state.running) throw fail(`${tool} ended, but Docker says that it still runs`);
  // What it had said by then is what it met when its container was killed around it.
  if (state.exitCode === killedExitCode && trailer !== killedExitCode) throw killed(evidence);
  if (state.exitCode !== (trailer & 255)) throw fail(`${tool} ended with ${trailer}, but Docker says ${state.exitCode}`);
  return trailer;
}

function killed({ where, tool, stderr }: Pick<Evidence, 'where' | 'tool' | 'stderr'>): DavitError {
  const fix = 'look for a stopped container or too little memory';
  return new DavitError({ where, what: `${tool} was killed (exit code ${killedExitCode})`, seen: lastLines(stderr), fix });
}

/** Anything else that came instead of a trailer is the command's output, which may be secret. */
const startError = /^(OCI runtime|unable to find (user|group)|failed to |runc |crun|rpc error)/i;

function unproven({ where, tool, stderr, rest }: Evidence, { running, exitCode }: ExecState): DavitError {
  // Docker says 126 also when a connection was cut.
  if (!running && (exitCode === 126 || exitCode === 127) && startError.test(rest)) {
    const seen = lastLines(rest);
    if (!/"sh"/.test(seen)) return new DavitError({ where, what: `${tool} could not be started`, seen });
    const what = 'it has no sh, without which the end of a command cannot be proven';
    return new DavitError({ where, what, seen, fix: 'use an image with a shell, or davit.dump=none and davit.files' });
  }
  if (!running && exitCode === killedExitCode) return killed({ where, tool, stderr });
  // A shell that nobody answers any more ends its command and itself.
  return new DavitError({
    where,
    what: `the connection to Docker was cut while ${tool} ran${running ? '' : ` (it ended with ${exitCode})`}`,
    seen: lastLines(stderr),
    fix: "look at Docker's log; a proxy before it must keep half-closed connections open (HAProxy does, nginx does not)",
  });
}

export function requireSuccess(where: string, tool: string, exitCode: number, stderr: string): void {
  if (exitCode === 0) return;
  const what = exitCode === inputLeftUnread ? `${tool} ended before it had read its whole input` : `${tool} exited with ${exitCode}`;
  throw new DavitError({ where, what, seen: lastLines(stderr) });
}
