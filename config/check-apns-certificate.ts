// Thread: any
/**
 * A client certificate for APNs against what is configured beside it: Apple would refuse every notification for what is
 * found here, with BadCertificateEnvironment or BadTopic.
 */
import { X509Certificate } from 'node:crypto';
import { readApnsCertificate } from '../src/core/apns-certificate.ts';
import type { ConfigIssues } from './config-issue.ts';
import type { Mode } from '../src/core/registration.ts';

export interface BesideCertificate {
  readonly certificatePem: string;
  readonly mode: Mode;
  /** As configured; `''` = none. */
  readonly topic: string;
}

/** @returns the topic for notifications that name none: as configured, else the certificate's first. */
export function checkApnsCertificate(
  { certificatePem, mode, topic }: BesideCertificate,
  path: string,
  issues: ConfigIssues,
): string {
  if (certificatePem === '' || issues.has(`${path}.certificate`)) return topic;
  const { topics, environments } = readApnsCertificate(new X509Certificate(certificatePem));
  const wanted = mode === 'dev' ? 'sandbox' : 'production';
  const [only] = environments;
  if (only !== undefined && !environments.includes(wanted)) {
    issues.add(
      `${path}.mode`,
      `is ${JSON.stringify(mode)}, and the certificate is for the ${only} environment alone`,
      `write mode = ${only === 'sandbox' ? '"dev"' : '"prod"'}, or take a certificate for ${wanted}`,
    );
  }
  if (topic !== '' && topics.length > 0 && !topics.some((own) => isRelated(own, topic))) {
    issues.add(
      `${path}.topic`,
      `is none of the certificate's: ${topics.join(', ')}`,
      'leave it out, or take the certificate of that app',
    );
  }
  return topic === '' ? (topics[0] ?? '') : topic;
}

// Push types add suffixes to one and the same app.
function isRelated(own: string, topic: string): boolean {
  return own === topic || own.startsWith(`${topic}.`) || topic.startsWith(`${own}.`);
}
