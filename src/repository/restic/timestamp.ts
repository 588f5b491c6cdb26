const billion = 1_000_000_000n;
const pattern = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;

/** Nanoseconds since 1970 as RFC 3339 in UTC, as Go writes it: no zeros at the end. Years before 0 and after 9999 have no form and become the nearest. */
export function formatTime(nanoseconds: bigint): string {
  const rest = ((nanoseconds % billion) + billion) % billion;
  const seconds = Number((nanoseconds - rest) / billion);
  const text = new Date(Math.min(Math.max(seconds, -62_167_219_200), 253_402_300_799) * 1000).toISOString().slice(0, 19);
  const fraction = rest === 0n ? '' : `.${rest.toString().padStart(9, '0').replace(/0+$/, '')}`;
  return `${text}${fraction}Z`;
}

export function parseTime(text: string): bigint {
  const [, whole = '', fraction = '', zone = 'Z'] = pattern.exec(text) ?? [];
  const milliseconds = Date.parse(`${whole}${zone}`);
  if (Number.isNaN(milliseconds)) throw new Error(`${JSON.stringify(text)} is no time`);
  return BigInt(milliseconds) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}
