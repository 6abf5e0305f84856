import { gatewaySessionConformance } from '../../conformance/gateway-session.ts';
import { gatewayTlsConformance } from '../../conformance/gateway-tls.ts';
import { openHttp2WrapperSession } from '../../../src/transport/http2-wrapper-session.ts';

gatewaySessionConformance('http2-wrapper', openHttp2WrapperSession);
gatewayTlsConformance('http2-wrapper', openHttp2WrapperSession);
