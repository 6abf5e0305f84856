// Thread: main
/**
 * Whether it is quiet hours, by the wall clocks of one time zone: summer time and its end are what Intl says they are.
 * Intl costs some microseconds, so it is asked once for each minute that has events in it.
 */
import type { PushConfig } from '../../config/engine-config.ts';
import type { EpochMs } from '../core/ids.ts';

const minuteMs = 60_000;

/** `from` belongs to the quiet hours, `to` does not; both the same: the whole day. */
export function quietHours({ from, to, timeZone }: NonNullable<PushConfig['quietHours']>): (nowMs: EpochMs) => boolean {
  const format = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone });
  let minute = Number.NaN;
  let isQuiet = false;
  return (nowMs) => {
    const now = Math.floor(nowMs / minuteMs);
    if (now !== minute) {
      minute = now;
      const minutes = minutesOfDay(format, nowMs);
      isQuiet = from < to ? from <= minutes && minutes < to : minutes >= from || minutes < to;
    }
    return isQuiet;
  };
}

function minutesOfDay(format: Intl.DateTimeFormat, nowMs: EpochMs): number {
  let minutes = 0;
  for (const { type, value } of format.formatToParts(nowMs)) {
    if (type === 'hour') minutes += Number(value) * 60;
    else if (type === 'minute') minutes += Number(value);
  }
  return minutes;
}
