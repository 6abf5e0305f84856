import { gatewaySessionConformance } from '../../conformance/gateway-session.ts';
import { gatewayTlsConformance } from '../../conformance/gateway-tls.ts';
import { openH2Session } from '../../../src/transport/h2/h2-session.ts';

gatewaySessionConformance('h2', openH2Session);
gatewayTlsConformance('h2', openH2Session);
