// Thread: any
/**
 * When the certificates of a configuration end: Apple's client certificates live a year (reference 3.5), and a push
 * service that stops on a Sunday is worse than a line in the log four weeks before. Signing keys have no end.
 */
import { X509Certificate } from 'node:crypto';
import type { EngineConfig } from './engine-config.ts';

export interface CertificateLife {
  /** Name of the provider, or `http`. */
  readonly owner: string;
  readonly endsAtMs: number;
}

const dayMs = 86_400_000;

/** Whole days; negative when it has ended. */
export function daysLeft({ endsAtMs }: CertificateLife, nowMs: number): number {
  return Math.floor((endsAtMs - nowMs) / dayMs);
}

export function certificateLives({ providers, http }: Pick<EngineConfig, 'providers' | 'http'>): CertificateLife[] {
  const lives: CertificateLife[] = [];
  const add = (owner: string, pem: string): void => {
    const endsAtMs = certificateEndMs(pem);
    if (endsAtMs !== 0) lives.push({ owner, endsAtMs });
  };
  for (const provider of providers) {
    if (provider.kind === 'apns' && provider.auth.kind === 'certificate') {
      add(provider.name, provider.auth.certificatePem);
    }
  }
  add('http', http.certificatePem);
  return lives;
}

/** Epoch ms; 0 without a certificate. Of a chain the first counts: it is renewed most often. */
export function certificateEndMs(pem: string): number {
  if (pem === '') return 0;
  try {
    return Date.parse(new X509Certificate(pem).validTo);
  } catch {
    return 0; // the check of the configuration has said so
  }
}
