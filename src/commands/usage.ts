import { configurationError } from '../model/errors.ts';

/** What a person says and cannot mean, which the parser would take in some way or other. */

/** A command with its options, as the parser knows them. */
interface Known {
  name(): string;
  readonly options: readonly { readonly long?: string; readonly required: boolean; name(): string; attributeName(): string }[];
  getOptionValue(option: string): unknown;
  on(event: string, listener: () => void): unknown;
}

/** A variable of a script that is not set would be every set, or every stack. */
export function refuseEmpty(command: Known): void {
  const empty = command.options.find((option) => command.getOptionValue(option.attributeName()) === '')?.long;
  if (empty)
    throw configurationError({ where: `davit ${command.name()}`, what: `${empty} is empty`, fix: 'give it a value, or leave it out' });
}

/** Of two artifacts that somebody wants to have restored, only the last one would be. */
export function refuseTwice(command: Known): void {
  for (const option of command.options.filter(({ required }) => required)) {
    let isGiven = false;
    command.on(`option:${option.name()}`, () => {
      if (isGiven)
        throw configurationError({
          where: `davit ${command.name()}`,
          what: `${option.long} stands there twice`,
          fix: 'run the command once for each',
        });
      isGiven = true;
    });
  }
}

export function refuseUnknown([name]: readonly string[]): void {
  if (name !== undefined)
    throw configurationError({ where: 'davit', what: 'unknown command', seen: name, fix: 'davit --help lists them all' });
}
