/** The XMPP server's half of push, by a whole engine, with real servers that delegate it. */
import { describe } from 'node:test';
import { ejabberdAbsent, startEjabberd } from '../peers/ejabberd.ts';
import { prosodyAbsent, startProsody } from '../peers/prosody.ts';
import { pushHalfSuite } from './push-half-suite.ts';

describe('push by Meerkat for ejabberd', { skip: ejabberdAbsent }, () => pushHalfSuite(startEjabberd, 'ejabberd'));

describe('push by Meerkat for Prosody', { skip: prosodyAbsent }, () => pushHalfSuite(startProsody, 'prosody'));
