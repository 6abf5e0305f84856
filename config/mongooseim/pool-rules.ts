// Thread: any
/** What all pools of MongooseIM share: the options of TLS, of both generations of names. */
import type { Option } from './option-tree.ts';
import type { OptionRules, Translation } from './translation.ts';

export interface TLSTarget {
  readonly caFile: (option: Option) => void;
  /** Whether the pool names an authority. */
  readonly hasAuthority: boolean;
  /** What to do otherwise. */
  readonly without: string;
}

/** Rules for `connection.tls.*`, and for `{ssl, ...}` and `{tls, ...}` of the Erlang syntax. */
export function tlsRules(translation: Translation, { caFile, hasAuthority, without }: TLSTarget): OptionRules {
  const verify = (option: Option): void => {
    const isOff = option.value === false || option.value === 'none' || option.value === 'verify_none';
    if (!isOff) translation.say(option, 'translated', 'certificates are always verified');
    else {
      const note = 'certificates are always verified: name the authority, or the self-signed certificate, in ca_file';
      translation.say(option, 'decision', note);
    }
  };
  const decide = (note: string) => (option: Option) => translation.say(option, 'decision', note);
  const demand = hasAuthority
    ? (option: Option) => translation.say(option, 'translated', 'ca_file demands TLS')
    : decide(without);
  const certificate = decide('no client certificate is sent here; ask for none at the other end');
  const rules: Record<string, OptionRules[string]> = {};
  for (const level of ['connection.tls', 'connection.ssl', 'connection.http_opts', 'connection.amqp_ssl_options']) {
    Object.assign(rules, {
      [level]: decide(without),
      [`${level}.cacertfile`]: caFile,
      [`${level}.verify_peer`]: verify,
      [`${level}.verify_mode`]: verify,
      [`${level}.verify`]: verify,
      [`${level}.required`]: demand,
      [`${level}.certfile`]: certificate,
      [`${level}.keyfile`]: certificate,
      [`${level}.password`]: 'no client certificate is sent here',
      [`${level}.*`]: 'protocol versions, ciphers and the name in the certificate are those of Node.js',
    });
  }
  return rules;
}
