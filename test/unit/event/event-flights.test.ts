import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { emptySummary } from '../../../src/core/notification.ts';
import { limits } from '../../../src/core/limits.ts';
import { accepted, rejected } from '../../../src/core/outcome.ts';
import { EventFlights } from '../../../src/event/event-flights.ts';
import { message } from '../../message-events.ts';
import { carried, Ends } from './event-harness.ts';
import type { Flight, WaitingEvent } from '../../../src/event/event-flights.ts';

const phone = carried('phone');

function flightOf(waiting: WaitingEvent): Flight {
  return { waiting, event: message(), row: phone, summary: emptySummary, retries: 0, isTold: false };
}

function setup() {
  const ends = new Ends();
  const flights = new EventFlights();
  const fly = (waiting: WaitingEvent): number => {
    const tag = flights.add(flightOf(waiting));
    assert.ok(tag !== undefined);
    return tag;
  };
  const land = (tag: number): void => {
    const flight = flights.take(tag);
    if (flight !== undefined) flights.end(flight, accepted(''));
  };
  return { ends, flights, fly, land };
}

describe('an event', () => {
  test('without publishes ends when no more can be started, with the reason that was found last', () => {
    const { ends, flights } = setup();
    const waiting = flights.open(ends, 1, 1_000);
    waiting.skipReason = 'nobody is there';
    assert.equal(ends.said(1), 'nothing');
    flights.close(waiting);
    assert.equal(ends.said(1), 'skipped: nobody is there');
  });

  test('that was refused before anything was sent is refused; once something was sent it is pushed', () => {
    const { ends, flights, fly, land } = setup();
    const [one, two] = [flights.open(ends, 1, 1_000), flights.open(ends, 2, 1_000)];
    one.refusal = two.refusal = 'store-failed';
    const tag = fly(two);
    flights.close(one);
    flights.close(two);
    land(tag);
    assert.deepEqual([ends.said(1), ends.said(2)], ['refused: store-failed', 'pushed']);
  });

  test('whose publishes end before the last is started waits for that', () => {
    const { ends, flights, fly, land } = setup();
    const waiting = flights.open(ends, 1, 1_000);
    land(fly(waiting));
    assert.equal(ends.said(1), 'nothing');
    flights.endAtOnce(waiting, phone, rejected('no-provider'));
    const last = fly(waiting);
    flights.close(waiting);
    assert.equal(ends.said(1), 'nothing');
    land(last);
    assert.deepEqual(ends.outcomes(1), ['phone accepted', 'phone rejected', 'phone accepted']);
    assert.equal(flights.size, 0);
  });
});

describe('a deadline', () => {
  test('ends the event, keeps the flight, and lets its answer change nothing', () => {
    const { ends, flights, fly, land } = setup();
    const [one, two] = [flights.open(ends, 1, 1_000), flights.open(ends, 2, 1_001)];
    const tags = [fly(one), fly(one), fly(two)];
    flights.close(one);
    flights.close(two);
    flights.expire(999);
    assert.equal(ends.said(1), 'nothing');
    flights.expire(1_000);
    flights.expire(1_000);
    assert.deepEqual(ends.outcomes(1), ['phone unavailable', 'phone unavailable']);
    assert.equal(ends.said(2), 'nothing');
    assert.equal(flights.size, 3);
    for (const tag of tags) land(tag);
    assert.deepEqual(ends.outcomes(2), ['phone accepted']);
    assert.deepEqual(ends.twice, []);
    assert.equal(flights.size, 0);
  });
});

describe('a stop', () => {
  test('ends everything once, also what had ended at its deadline', () => {
    const { ends, flights, fly, land } = setup();
    const [one, two] = [flights.open(ends, 1, 1_000), flights.open(ends, 2, 9_000)];
    const tags = [fly(one), fly(two), fly(two)];
    flights.close(one);
    flights.close(two);
    flights.expire(1_000);
    flights.stop();
    flights.stop();
    assert.deepEqual([ends.said(1), ends.said(2)], ['pushed', 'pushed']);
    for (const tag of tags) land(tag);
    assert.deepEqual(ends.twice, []);
    assert.equal(flights.size, 0);
  });
});

test('no more are under way than there is room for, and one that ends makes room', () => {
  const { ends, flights, fly, land } = setup();
  const waiting = flights.open(ends, 1, 1_000);
  const first = fly(waiting);
  while (flights.size < limits.eventFlightsMax) fly(waiting);
  assert.equal(flights.add(flightOf(waiting)), undefined);
  land(first);
  assert.equal(typeof flights.add(flightOf(waiting)), 'number');
});
