// Thread: main
/**
 * Example of a plugin: each device has quiet hours of its own. A client asks for them in the publish-options of its
 * `<enable/>`, in the field `do_not_disturb`: `22:00-07:00`, or with a time zone `22:00-07:00 Europe/Vienna`. Meanwhile
 * that device is not pushed; the user's other devices are. Calls always come through.
 *
 *     [[plugins]]
 *     module = "./plugins/do-not-disturb.mjs"
 *     [plugins.options]
 *     time_zone = "Europe/Berlin"             # where a client names none; default: UTC
 *
 * For quiet hours of everybody there is `[push.quiet_hours]`.
 *
 * @import { EnabledRegistration, Plugin } from 'meerkat'
 */

// Clients name the zones: as many as there are, and no more, are worth keeping.
const zonesMax = 600;

/**
 * @param {{ readonly time_zone?: unknown }} options `[plugins.options]`
 * @returns {Plugin}
 */
export function createPlugin({ time_zone: standardZone = 'UTC' }) {
  const clocks = new ZoneClocks();
  if (typeof standardZone !== 'string' || clocks.minutesAt(standardZone, new Date()) === undefined) {
    throw new Error('do-not-disturb: `time_zone` must be the name of a time zone, such as "Europe/Berlin"');
  }
  return {
    name: 'do-not-disturb',
    // Gives back those of the registrations that are to be pushed.
    shouldPublish(event, registrations) {
      if (event.jingle !== '') return registrations;
      const now = new Date();
      return registrations.filter((registration) => {
        const hours = quietHoursOf(registration);
        if (hours === undefined) return true;
        const minute = clocks.minutesAt(hours.zone === '' ? standardZone : hours.zone, now);
        // A zone that does not exist is no reason to lose messages.
        return minute === undefined || !isWithin(minute, hours);
      });
    },
  };
}

const pattern = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)(?: ([\w+/-]{1,64}))?$/;

/**
 * What a client wrote: anything may stand there, and what is no interval is as good as nothing.
 *
 * @param {EnabledRegistration} registration
 */
function quietHoursOf({ options }) {
  const value = options.find(([name]) => name === 'do_not_disturb')?.[1];
  const match = value === undefined ? null : pattern.exec(value);
  if (match === null) return undefined;
  const [, fromHour, fromMinute, toHour, toMinute, zone = ''] = match;
  return { from: Number(fromHour) * 60 + Number(fromMinute), to: Number(toHour) * 60 + Number(toMinute), zone };
}

/**
 * From 22:00 to 07:00 is over midnight; from 07:00 to 07:00 is never.
 *
 * @param {number} minute
 * @param {{ readonly from: number, readonly to: number }} hours in minutes since midnight
 */
function isWithin(minute, { from, to }) {
  return from <= to ? minute >= from && minute < to : minute >= from || minute < to;
}

/** Formatters are dear to make, and are kept. */
class ZoneClocks {
  /** @type {Map<string, Intl.DateTimeFormat | undefined>} */
  #formats = new Map();

  /**
   * Minutes since midnight; `undefined`: there is no such time zone.
   *
   * @param {string} timeZone
   * @param {Date} now
   */
  minutesAt(timeZone, now) {
    if (!this.#formats.has(timeZone)) {
      if (this.#formats.size >= zonesMax) this.#formats.clear();
      this.#formats.set(timeZone, formatOf(timeZone));
    }
    const text = this.#formats.get(timeZone)?.format(now);
    if (text === undefined) return undefined;
    const [hours = '', minutes = ''] = text.split(':');
    return Number(hours) * 60 + Number(minutes);
  }
}

/** @param {string} timeZone */
function formatOf(timeZone) {
  try {
    return new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  } catch {
    return undefined;
  }
}
