const billion = 1_000_000_000n;
const pattern = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;

/** Things in one folder share their second more often than not. */
let [formattedSeconds, formattedText] = [Number.NaN, ''];
let [parsedSeconds, parsedText] = [0n, ''];

/** Nanoseconds since 1970 as RFC 3339 in UTC, as Go writes it: no zeros at the end. Years before 0 and after 9999 have no form and become the nearest. */
export function formatTime(nanoseconds: bigint): string {
  const rest = Number(((nanoseconds % billion) + billion) % billion);
  const seconds = Number((nanoseconds - BigInt(rest)) / billion);
  if (seconds !== formattedSeconds) {
    const clamped = Math.min(Math.max(seconds, -62_167_219_200), 253_402_300_799);
    [formattedSeconds, formattedText] = [seconds, new Date(clamped * 1000).toISOString().slice(0, 19)];
  }
  if (rest === 0) return `${formattedText}Z`;
  let [digits, width] = [rest, 9];
  for (; digits % 10 === 0; digits /= 10) width--;
  return `${formattedText}.${String(digits).padStart(width, '0')}Z`;
}

export function parseTime(text: string): bigint {
  const [, whole = '', fraction = '', zone = 'Z'] = pattern.exec(text) ?? [];
  if (whole + zone !== parsedText) {
    const milliseconds = Date.parse(`${whole}${zone}`);
    if (Number.isNaN(milliseconds)) throw new Error(`${JSON.stringify(text)} is no time`);
    [parsedSeconds, parsedText] = [BigInt(milliseconds) * 1_000_000n, whole + zone];
  }
  return fraction === '' ? parsedSeconds : parsedSeconds + BigInt(Number(fraction.padEnd(9, '0')));
}
