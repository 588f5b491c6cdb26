export const otherPassword =
  'if the password was changed after the first start, name the right one with label davit.dump.password-env or davit.dump.password-file';

export const lacksTools =
  'its container lacks the tools of that server: correct davit.dump, or give the label to the service that the server runs in';

/** Where nobody answered, no password can have been wrong; a server with another port or socket is found by the variables that it reads itself. */
export function adviceOn(stderr: string, service: string): string {
  if (/^sh: .*(not found|: : Permission denied)$|^it has no /m.test(stderr)) return lacksTools;
  if (/can't connect|could not connect|connection refused|ECONNREFUSED|No such file or directory|is starting up/i.test(stderr))
    return (
      `look at \`docker compose logs ${service}\`; if it is still starting, back up again when it is up; if its port or socket is another one, ` +
      'set it by PGPORT and PGHOST, or MYSQL_UNIX_PORT, in its environment'
    );
  if (/peer authentication failed/i.test(stderr))
    return 'let local connections log in with the password: `local all all scram-sha-256` in its pg_hba.conf';
  return otherPassword;
}
