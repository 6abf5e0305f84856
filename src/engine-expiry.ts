// Thread: main
/** Says at the start and once a day how long certificates will last, louder as their end comes nearer. */
import { daysLeft } from '../config/certificate-life.ts';
import type { CertificateLife } from '../config/certificate-life.ts';
import type { Cancel, Clock } from './core/clock.ts';
import type { Logger } from './core/log.ts';

const dayMs = 86_400_000;
/** A month is enough to have a new one issued, a week is not, where a person is away. */
const warnDays = 30;
const errorDays = 7;

/** @param lives asked each time: a reload brings other certificates. Returns what stops it. */
export function watchCertificates(lives: () => readonly CertificateLife[], clock: Clock, logger: Logger): Cancel {
  let cancel: Cancel = () => undefined;
  const look = (): void => {
    for (const life of lives()) say(life, clock.now(), logger);
    cancel = clock.after(dayMs, look, false);
  };
  look();
  return () => cancel();
}

function say(life: CertificateLife, nowMs: number, logger: Logger): void {
  const days = daysLeft(life, nowMs);
  const fields = { owner: life.owner, days, endsAt: new Date(life.endsAtMs).toISOString() };
  if (life.endsAtMs <= nowMs) logger.error(fields, 'a certificate has ended: bring a new one and run `meerkat reload`');
  else if (days < errorDays) logger.error(fields, `a certificate ends in ${days} days`);
  else if (days < warnDays) logger.warn(fields, `a certificate ends in ${days} days`);
  else logger.info(fields, `a certificate lasts for ${days} days`);
}
