import type { Notice } from './notifier.ts';

/** One line for a person. */
export function title({ stack, set, status }: Notice): string {
  return [
    'Backup',
    ...(stack === undefined ? [] : [`of ${stack}`]),
    ...(set === undefined || set === 'default' ? [] : [`(${set})`]),
    status,
  ].join(' ');
}

/** The title and what a person wants to know next. */
export function text(notice: Notice): string {
  const { snapshot, durationMs, bytes, error, warnings = [] } = notice;
  return [
    title(notice),
    ...(snapshot === undefined ? [] : [`snapshot ${snapshot}`]),
    ...(durationMs === undefined ? [] : [`${Math.round(durationMs / 1000)} s`]),
    ...(bytes === undefined ? [] : [`${bytes} bytes stored`]),
    ...(error === undefined ? [] : [error]),
    ...warnings.map((warning) => `warning: ${warning}`),
  ].join('\n');
}
