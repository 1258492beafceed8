import { expect, it } from 'vitest'
import { type BrokerAccess, brokerTrouble, type SocketFacts } from '../../../connector/kafka/broker-trouble.ts'

const facts: SocketFacts = { stage: 'connecting', firstWord: undefined, isClosed: false, code: undefined }
const access: BrokerAccess = { broker: 'b:9092', usesTls: false, logsIn: false }
const tls = { usesTls: true }
const word = (text: string) => Buffer.from(text, 'latin1').readUInt32BE()

it.each<[string, Partial<SocketFacts>, Partial<BrokerAccess>]>([
  ['refuses the connection (ECONNREFUSED): check host and port', { code: 'ECONNREFUSED' }, {}],
  ['has an unknown host name (ENOTFOUND): check KAFKA_BROKERS and the DNS', { code: 'ENOTFOUND' }, {}],
  ['cannot be reached (EHOSTUNREACH): check the network and its firewalls', { code: 'EHOSTUNREACH' }, {}],
  ['does not respond: check the network and its firewalls', {}, {}],
  ['accepts connections, but does not answer: check host and port', { stage: 'connected' }, {}],
  ['is an HTTP server: use the port of a Kafka listener', { stage: 'answered', firstWord: word('HTTP') }, {}],
  ['does not use the protocol of Kafka: use the port of a Kafka listener', { firstWord: word('220 ') }, {}],
  ['requires TLS: set KAFKA_SSL=true', { stage: 'answered', firstWord: word('\x15\x03\x03\0'), isClosed: true }, {}],
  ['closes the connection: it may require TLS, set KAFKA_SSL=true', { stage: 'connected', isClosed: true }, {}],
  [
    'closes the connection: it may require SASL, set KAFKA_SASL_MECHANISM',
    { stage: 'answered', firstWord: 300, isClosed: true },
    tls,
  ],
  ['closed the connection', { stage: 'working', isClosed: true }, tls],
  ['closed the connection (ECONNRESET)', { stage: 'working', code: 'ECONNRESET' }, tls],
  [
    'ended the TLS handshake (ECONNRESET): unset KAFKA_SSL if this is a plain-text listener',
    { stage: 'tls-handshake', code: 'ECONNRESET' },
    tls,
  ],
  ['does not answer the TLS handshake: check host and port', { stage: 'tls-handshake' }, tls],
  [
    'does not use TLS on this port (ERR_SSL_WRONG_VERSION_NUMBER): unset KAFKA_SSL, or use the port of its TLS listener',
    { stage: 'tls-handshake', code: 'ERR_SSL_WRONG_VERSION_NUMBER' },
    tls,
  ],
  [
    'has a certificate that is not trusted (SELF_SIGNED_CERT_IN_CHAIN): set KAFKA_SSL_CA',
    { code: 'SELF_SIGNED_CERT_IN_CHAIN' },
    tls,
  ],
  [
    'has an expired certificate (CERT_HAS_EXPIRED): renew the certificate of the broker',
    { code: 'CERT_HAS_EXPIRED' },
    tls,
  ],
  [
    'has a certificate for another host name (ERR_TLS_CERT_ALTNAME_INVALID): use a name that the certificate contains, also in advertised.listeners',
    { code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
    tls,
  ],
  [
    'requires a client certificate (ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED): set KAFKA_SSL_CERT and KAFKA_SSL_KEY',
    { stage: 'connected', code: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED' },
    tls,
  ],
])('a broker %s', (expected, seen, how) => {
  expect(brokerTrouble({ ...access, ...how }, { ...facts, ...seen })).toBe(`b:9092 ${expected}`)
})

it('a broker that answers is in no trouble', () => {
  expect(brokerTrouble(access, { ...facts, stage: 'answered', firstWord: 300 })).toBeUndefined()
  expect(brokerTrouble(access, { ...facts, stage: 'working', firstWord: 300 })).toBeUndefined()
})
