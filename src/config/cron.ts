import { schedule, validate } from 'node-cron';
import { z } from 'zod';

/** Starts what a schedule means. */
export { schedule };

/** Five fields, or six with seconds. */
export const cron = z.string().refine(validate, { error: 'expected a cron expression of five fields, such as 0 3 * * *' });
