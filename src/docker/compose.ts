import type { Container } from './docker.ts';

/** The labels that compose v2 writes on every container. */
export const composeLabels = {
  project: 'com.docker.compose.project',
  service: 'com.docker.compose.service',
  number: 'com.docker.compose.container-number',
  oneoff: 'com.docker.compose.oneoff',
  dependsOn: 'com.docker.compose.depends_on',
  workingDir: 'com.docker.compose.project.working_dir',
  configFiles: 'com.docker.compose.project.config_files',
} as const;

export interface Dependency {
  readonly service: string;
  /** `service_started`, `service_healthy` or `service_completed_successfully`. */
  readonly condition: string;
}

export interface ComposeIdentity {
  readonly project: string;
  readonly service: string;
  /** 1 for the first of a scaled service. */
  readonly number: number;
  /** Made by `docker compose run`. */
  readonly oneoff: boolean;
  readonly dependsOn: readonly Dependency[];
  readonly workingDir: string | undefined;
  readonly configFiles: readonly string[];
}

/**
 * Undefined for a container that compose did not make. An image that compose has built names project and service too, and with it every container of that
 * image, such as Davit's own workers; only compose gives them a number.
 */
export function parseCompose(labels: Container['labels']): ComposeIdentity | undefined {
  const { [composeLabels.project]: project, [composeLabels.service]: service, [composeLabels.number]: number } = labels;
  if (!project || !service || !number) return undefined;
  return {
    project,
    service,
    number: Number.parseInt(number, 10) || 1,
    oneoff: labels[composeLabels.oneoff]?.toLowerCase() === 'true',
    dependsOn: splitList(labels[composeLabels.dependsOn]).map(parseDependency),
    workingDir: labels[composeLabels.workingDir] || undefined,
    configFiles: splitList(labels[composeLabels.configFiles]),
  };
}

/** `db:service_healthy:false`; older versions wrote the name alone. */
function parseDependency(entry: string): Dependency {
  const [service = '', condition = ''] = entry.split(':');
  return { service, condition: condition || 'service_started' };
}

function splitList(value: string | undefined): string[] {
  return (value ?? '')
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}
