import { describe, expect, test } from 'vitest';
import { composeLabels, parseCompose } from '../../../src/docker/compose.ts';

const image = { [composeLabels.project]: 'shop', [composeLabels.service]: 'db' };
const base = { ...image, [composeLabels.number]: '1' };

describe('the labels of compose', () => {
  test('as compose 2.26 writes them', () => {
    expect(
      parseCompose({
        ...base,
        'com.docker.compose.container-number': '2',
        'com.docker.compose.oneoff': 'False',
        'com.docker.compose.depends_on': 'db:service_healthy:false,cache:service_started:true',
        'com.docker.compose.project.working_dir': '/srv/shop',
        'com.docker.compose.project.config_files': '/srv/shop/compose.yaml,/srv/shop/compose.override.yaml',
      }),
    ).toEqual({
      project: 'shop',
      service: 'db',
      number: 2,
      oneoff: false,
      dependsOn: [
        { service: 'db', condition: 'service_healthy' },
        { service: 'cache', condition: 'service_started' },
      ],
      workingDir: '/srv/shop',
      configFiles: ['/srv/shop/compose.yaml', '/srv/shop/compose.override.yaml'],
    });
  });

  test('with the least', () => {
    expect(parseCompose({ ...base, 'com.docker.compose.depends_on': '', 'com.docker.compose.oneoff': 'True' })).toEqual({
      project: 'shop',
      service: 'db',
      number: 1,
      oneoff: true,
      dependsOn: [],
      workingDir: undefined,
      configFiles: [],
    });
  });

  test('of older versions: dependencies without a condition', () => {
    expect(parseCompose({ ...base, 'com.docker.compose.depends_on': 'db' })?.dependsOn).toEqual([
      { service: 'db', condition: 'service_started' },
    ]);
  });

  test('of a container that compose did not make', () => {
    expect(parseCompose({ [composeLabels.project]: 'shop' })).toBeUndefined();
    // Of an image that compose has built, and with it of whatever `docker run` makes of that.
    expect(parseCompose({ ...image, 'com.docker.compose.version': '2.26.1' })).toBeUndefined();
  });
});
