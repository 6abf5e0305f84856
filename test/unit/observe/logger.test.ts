import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from '../../../src/observe/logger.ts';
import type { LogLevel } from '../../../src/observe/logger.ts';
import type { Logger } from '../../../src/core/log.ts';

function setup(level: LogLevel): { logger: Logger; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger(level, {
    write(line: string) {
      lines.push(JSON.parse(line));
    },
  });
  return { logger, lines };
}

test('a line is one JSON object with level, time, fields and message', () => {
  const { logger, lines } = setup('info');
  logger.warn({ provider: 'apns-prod', retryMs: 500 }, 'gateway refused the connection');
  assert.equal(lines.length, 1);
  const [line] = lines;
  assert.deepEqual(
    { ...line, time: '' },
    { level: 'warn', time: '', provider: 'apns-prod', retryMs: 500, msg: 'gateway refused the connection' },
  );
  assert.match(String(line?.['time']), /^\d{4}-\d\d-\d\dT.*Z$/);
});

test('lines below the level are not written, and silent writes nothing', () => {
  const { logger, lines } = setup('warn');
  logger.debug({}, 'a');
  logger.info({}, 'b');
  logger.error({}, 'c');
  assert.deepEqual(
    lines.map((line) => line['msg']),
    ['c'],
  );
  const quiet = setup('silent');
  quiet.logger.error({}, 'd');
  assert.equal(quiet.lines.length, 0);
});

test('fields of secrets are replaced at every depth that we log', () => {
  const { logger, lines } = setup('debug');
  logger.info({ token: 'hunter2', config: { secret: 'hunter2', auth: { keyPem: 'hunter2' } }, host: 'h' }, 'start');
  assert.doesNotMatch(JSON.stringify(lines), /hunter2/);
  assert.equal(lines[0]?.['host'], 'h');
});

test('an error keeps its message and its stack', () => {
  const { logger, lines } = setup('info');
  logger.error({ err: new Error('disk full') }, 'write failed');
  assert.match(JSON.stringify(lines[0]), /disk full/);
});
