// Thread: worker
/**
 * From a notification to one request: path, header fields and payload (developer.apple.com, UserNotifications: "Sending
 * notification requests to APNs"). Fields that come again are one object each time they come, so that the transport
 * encodes them once for each connection.
 */
import { createHash } from 'node:crypto';
import { limits } from '../core/limits.ts';
import { err, ok } from '../core/result.ts';
import { apnsPayload } from './apns-payload.ts';
import { pushTypeRule, topicWith } from './apns-push-types.ts';
import { isFieldText, pathSegment } from './gateway-text.ts';
import type { EpochMs } from '../core/ids.ts';
import type { Notification } from '../core/notification.ts';
import type { Result } from '../core/result.ts';
import type { GatewayRequest } from '../transport/gateway-session.ts';
import type { PushTypeRule } from './apns-push-types.ts';

/** What the notifications have in common that are sent with the same shared fields. */
interface SharedFields {
  readonly topic: string;
  readonly kind: Notification['kind'];
  readonly pushType: Notification['pushType'];
  readonly priority: Notification['priority'];
  readonly rule: PushTypeRule;
  readonly fields: Readonly<Record<string, string>>;
}

export class ApnsRequests {
  readonly #topic: string;
  /** Of all that is kept: with a new one the old are of no more use. */
  #authorization = '';
  #last: SharedFields | undefined;
  /** The oldest first. */
  readonly #kept: SharedFields[] = [];

  /** @param topic for notifications that name none; `''` = the certificate's own, which Apple knows. */
  constructor(topic: string) {
    this.#topic = topic;
  }

  /**
   * @param authorization `''` with a client certificate: Apple ignores the field then.
   * @returns as error the reason for which Apple would refuse it, or a reason of our own: `PushTypeNeedsToken` (a
   *   client certificate may not send this push type), `InvalidParts`.
   */
  render(notification: Notification, authorization: string, nowMs: EpochMs): Result<GatewayRequest, string> {
    let shared = this.#last;
    if (shared === undefined || authorization !== this.#authorization || !isFor(shared, notification)) {
      const found = this.#shared(notification, authorization);
      if (!found.ok) return found;
      shared = found.value;
      this.#last = shared;
    }
    const payload = apnsPayload(notification, shared.rule);
    if (!payload.ok) return payload;
    return ok({
      path: `/3/device/${pathSegment(notification.token)}`,
      shared: shared.fields,
      fields: ownFields(notification, shared.rule, nowMs),
      body: payload.value,
    });
  }

  #shared(notification: Notification, authorization: string): Result<SharedFields, string> {
    if (authorization !== this.#authorization) {
      this.#authorization = authorization;
      this.#kept.length = 0;
    }
    // No closure: alerts and silent ones that take turns come here each time.
    for (const kept of this.#kept) if (isFor(kept, notification)) return ok(kept);
    const { kind, pushType, priority, topic } = notification;
    const rule = pushTypeRule(notification);
    if (rule === undefined) return err('InvalidPushType');
    if (rule.needsToken && authorization === '') return err('PushTypeNeedsToken');
    const fields: Record<string, string> = {};
    if (authorization !== '') fields['authorization'] = authorization;
    const whole = topicWith(rule.suffix, topic === '' ? this.#topic : topic);
    if (whole !== '') {
      if (!isFieldText(whole)) return err('BadTopic');
      fields['apns-topic'] = whole;
    }
    fields['apns-push-type'] = rule.pushType;
    fields['apns-priority'] = rule.priorities[priority];
    const shared = { topic, kind, pushType, priority, rule, fields };
    if (this.#kept.push(shared) > limits.apnsSharedFieldsMax) this.#kept.shift();
    return ok(shared);
  }
}

function isFor(shared: SharedFields, notification: Notification): boolean {
  return (
    shared.kind === notification.kind &&
    shared.priority === notification.priority &&
    shared.pushType === notification.pushType &&
    shared.topic === notification.topic
  );
}

/** An id of ours is a canonical lower-case UUID (`Random.uuid`), and the same for each attempt. */
function ownFields(
  { id, expiresAtMs, collapseId }: Notification,
  rule: PushTypeRule,
  nowMs: EpochMs,
): Readonly<Record<string, string>> {
  if (expiresAtMs === 0 && collapseId === '' && !rule.isMomentary) return { 'apns-id': id };
  const fields: Record<string, string> = { 'apns-id': id };
  // 0 = one attempt, now: also the best that can be done for one that has expired on its way here.
  if (rule.isMomentary || (expiresAtMs > 0 && expiresAtMs <= nowMs)) fields['apns-expiration'] = '0';
  else if (expiresAtMs > 0) fields['apns-expiration'] = String(Math.floor(expiresAtMs / 1_000));
  if (collapseId !== '') fields['apns-collapse-id'] = collapseIdFor(collapseId);
  return fields;
}

// The same id for the same text, whatever its length and letters: 64 hex digits are the 64 bytes Apple allows.
function collapseIdFor(text: string): string {
  if (text.length <= limits.collapseIdBytesMax && isFieldText(text)) return text;
  return createHash('sha256').update(text).digest('hex');
}
