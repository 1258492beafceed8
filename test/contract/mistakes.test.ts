import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest'
import { startPolarisSimulator } from '../polaris/polaris-simulator.ts'
import { closingAfterAll, temporaryFolder } from '../support/closing.ts'
import { type SecureKafka, secureKafka } from '../support/secure-scene.ts'
import { loneCertificate } from '../support/servers/lone-certificate.ts'
import { rawServer } from '../support/servers/raw-server.ts'
import { scriptedServer } from '../support/servers/scripted-http.ts'
import { type Mistake, typed } from '../support/typed-command.ts'

// A person makes each mistake with real servers, and reads what the command prints.

const closing = closingAfterAll()
const folder = temporaryFolder(closing)
const certificate = loneCertificate('20200101', '20991231')
/** Addresses of servers that were started for this file. */
let kafka: SecureKafka
let at: Record<'http' | 'https' | 'html' | 'cut' | 'silent', string>

beforeAll(async () => {
  for (const name of ['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE']) vi.stubEnv(name, '/dev/null')
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  const access = { mode: 'basic', user: 'u', password: 'p' } as const
  const http = closing.use(await startPolarisSimulator({ clients: 3, access }), (server) => server.close())
  const https = closing.use(await startPolarisSimulator({ clients: 3, tls: certificate }), (server) => server.close())
  const html = await scriptedServer((_, response) => void response.end('<html><h1>Welcome</h1></html>'))
  closing.use(html, async (server) => await server[Symbol.asyncDispose]())
  const cut = await scriptedServer((_, response) => {
    response.writeHead(200, { 'content-length': 100 }).write('<InfoClients>', () => response.destroy())
  })
  closing.use(cut, async (server) => await server[Symbol.asyncDispose]())
  const other = await rawServer((socket) => socket.end('220 mail.example.com ESMTP\r\n'))
  closing.use(other, async (server) => await server[Symbol.asyncDispose]())
  const silent = `http://${other.address}/`
  at = { http: http.url, https: https.url, html: html.url, cut: cut.url, silent }
  writeFileSync(join(folder, 'taken'), '')
  kafka = await secureKafka(closing)
})
afterAll(() => void vi.unstubAllEnvs())

interface ServerMistake extends Omit<Mistake, 'environment'> {
  readonly given: () => Readonly<Record<string, string>>
}

/** Reads from Polaris only. */
const polaris = (given: ServerMistake['given']) => ({ command: 'preview', given })
/** Reads from the checkpoint store only. */
const store = (given: ServerMistake['given']) => ({ command: 'checkpoint show', given })

/** Looks at Kafka. */
const doctor = (given: ServerMistake['given']) => ({ command: 'doctor --json', exit: 1, given })

/** The settings of the secure listener. */
const secured = (settings: Readonly<Record<string, string>>) => ({
  KAFKA_BROKERS: kafka.secure.bootstrap,
  KAFKA_SSL_CA: authority(),
  KAFKA_SASL_MECHANISM: 'plain',
  KAFKA_SASL_USERNAME: kafka.secure.username,
  KAFKA_SASL_PASSWORD: kafka.secure.password,
  ...settings,
})
const authority = () => readFileSync(kafka.secure.certificates.authority, 'utf8')

const mistakes: readonly ServerMistake[] = [
  {
    mistake: 'a wrong path',
    exit: 3,
    ...polaris(() => ({ POLARIS_URL: new URL('/wrong/', at.http).href })),
    says: /the server does not have the function at this URL: POLARIS_URL is wrong,.*\(status 404, .* from http:\/\/127\.0\.0\.1:\d+\/wrong\/Client\.GetClientsModified\)$/m,
    cure: /^source\.function-missing: check POLARIS_URL; .*WebConnect/m,
  },
  {
    mistake: 'a closed port',
    exit: 3,
    ...polaris(() => ({ POLARIS_URL: 'http://127.0.0.1:9/' })),
    says: /call http:\/\/127\.0\.0\.1:9: connection refused/,
    cure: /check host and port \(ECONNREFUSED\)/,
  },
  {
    mistake: 'an unknown host',
    exit: 3,
    ...polaris(() => ({ POLARIS_URL: 'https://polaris.invalid' })),
    says: /call https:\/\/polaris\.invalid:443: (unknown host name|host name not resolved)/,
    cure: /check .*DNS/,
  },
  {
    mistake: 'https on http',
    exit: 3,
    ...polaris(() => ({ POLARIS_URL: at.http.replace('http:', 'https:') })),
    says: /call https:\/\/127\.0\.0\.1:\d+: no TLS on this port/,
    cure: /use http:\/\/, or the port for https/,
  },
  {
    mistake: 'http on https',
    exit: 3,
    ...polaris(() => ({ POLARIS_URL: at.https.replace('https:', 'http:') })),
    says: /call http:\/\/127\.0\.0\.1:\d+: connection closed without a complete response/,
    cure: /use https:\/\/ in POLARIS_URL/,
  },
  {
    mistake: 'the port of another protocol',
    exit: 3,
    ...polaris(() => ({ POLARIS_URL: at.silent })),
    says: /call http:\/\/127\.0\.0\.1:\d+: the response is not HTTP/,
    cure: /check host and port/,
  },
  {
    mistake: 'a response that is cut off',
    exit: 3,
    ...polaris(() => ({ POLARIS_URL: at.cut })),
    says: /read response from http:\/\/127\.0\.0\.1:\d+: the connection was closed before its end/,
    cure: /check the server and the proxies in between \(ECONNRESET\)$/m,
  },
  {
    mistake: 'another web server',
    exit: 3,
    ...polaris(() => ({ POLARIS_URL: at.html })),
    says: /the server returned an HTML page \(status 200/,
    cure: /compare the response with POLARIS_URL/,
  },
  {
    mistake: 'a self-signed certificate',
    exit: 2,
    ...polaris(() => ({ POLARIS_URL: at.https })),
    says: /connect to 127\.0\.0\.1:\d+: its certificate is not trusted; .*\(DEPTH_ZERO_SELF_SIGNED_CERT\)/,
    cure: /set POLARIS_CA, or set POLARIS_TLS_FINGERPRINTS to ([0-9A-F]{2}:){31}[0-9A-F]{2} after you have compared it/,
  },
  {
    mistake: 'another CA',
    exit: 2,
    ...polaris(() => ({ POLARIS_URL: at.https, POLARIS_CA: authority() })),
    says: /connect to 127\.0\.0\.1:\d+: its certificate is not trusted/,
    cure: /compare POLARIS_CA or POLARIS_TLS_FINGERPRINTS with the certificate of the server/,
  },
  {
    mistake: 'a certificate for another host',
    exit: 2,
    ...polaris(() => ({ POLARIS_URL: at.https.replace('127.0.0.1', 'localhost'), POLARIS_CA: certificate.cert })),
    says: /connect to localhost:\d+: its certificate is for another host name/,
    cure: /correct the host in POLARIS_URL/,
  },
  {
    mistake: 'the fingerprint of another certificate',
    exit: 2,
    ...polaris(() => ({ POLARIS_URL: at.https, POLARIS_TLS_FINGERPRINTS: '6c'.repeat(32) })),
    says: /connect to 127\.0\.0\.1:\d+: the server presents the certificate ([0-9A-F]{2}:){31}[0-9A-F]{2}, which is not in/,
    cure: /^source\.certificate: compare POLARIS_CA or POLARIS_TLS_FINGERPRINTS/m,
  },
  {
    mistake: 'a wrong password',
    exit: 3,
    ...polaris(() => ({ POLARIS_URL: at.http, POLARIS_AUTH: 'basic', POLARIS_USER: 'u', POLARIS_PASSWORD: 'hunter2' })),
    says: /the server refuses the user; it offers Basic \(status 401/,
    cure: /check POLARIS_AUTH, POLARIS_USER and POLARIS_PASSWORD/,
  },
  {
    mistake: 'a proxy that is down',
    exit: 3,
    ...polaris(() => ({ POLARIS_URL: 'https://polaris.invalid', POLARIS_PROXY: 'http://u:hunter2@127.0.0.1:9' })),
    says: /the proxy 127\.0\.0\.1:9 .*cannot be reached: connection refused/,
    cure: /check POLARIS_URL, POLARIS_PROXY, the network/,
  },
  {
    mistake: 'https to a store whose certificate is not trusted',
    exit: 3,
    ...store(() => s3({ AWS_ENDPOINT_URL_S3: new URL(at.https).origin })),
    says: /at 127\.0\.0\.1:\d+: the certificate is not trusted/,
    cure: /set NODE_EXTRA_CA_CERTS to the file of its CA/,
  },
  {
    mistake: 'http to a store with TLS',
    exit: 3,
    ...store(() => s3({ AWS_ENDPOINT_URL_S3: new URL(at.https).origin.replace('https:', 'http:') })),
    says: /at 127\.0\.0\.1:\d+: connection closed without a complete response/,
    cure: /check host, port, TLS and proxies \(ECONNRESET\).*AWS_ENDPOINT_URL_S3/s,
  },
  {
    mistake: 'an unknown host of the store',
    exit: 3,
    ...store(() => s3({ AWS_ENDPOINT_URL_S3: 'https://s3.invalid' })),
    says: /at s3\.invalid:443: (unknown host name|host name not resolved)/,
    cure: /check .*DNS.*AWS_ENDPOINT_URL_S3/s,
  },
  {
    mistake: 'a store that is down',
    exit: 3,
    ...store(() => s3({ AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9' })),
    says: /read s3:\/\/\S+ at 127\.0\.0\.1:9: connection refused/,
    cure: /check CHECKPOINT_URL, AWS_ENDPOINT_URL_S3/,
  },
  {
    mistake: 'https to a store without TLS',
    exit: 3,
    ...store(() => s3({ AWS_ENDPOINT_URL_S3: inject('s3').endpoint.replace('http:', 'https:') })),
    says: /at 127\.0\.0\.1:\d+: the TLS handshake failed/,
    cure: /if the port has no TLS, use http:\/\//,
  },
  {
    mistake: 'a missing bucket',
    exit: 3,
    ...store(() => s3({ CHECKPOINT_URL: 's3://no-such-bucket/x' })),
    says: /404 NoSuchBucket.*the bucket does not exist/,
    cure: /create it, or correct CHECKPOINT_URL/,
  },
  {
    mistake: 'a wrong secret key',
    exit: 3,
    ...store(() => s3({}, { AWS_SECRET_ACCESS_KEY: 'hunter2' })),
    says: /403 SignatureDoesNotMatch.*the secret key is wrong/,
    cure: /check AWS_SECRET_ACCESS_KEY/,
  },
  {
    mistake: 'an unknown access key',
    exit: 3,
    ...store(() => s3({}, { AWS_ACCESS_KEY_ID: 'nobody' })),
    says: /the access key does not exist/,
    cure: /check AWS_ACCESS_KEY_ID/,
  },
  {
    mistake: 'no credentials',
    exit: 3,
    ...store(() => s3({}, { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' })),
    says: /no AWS credentials found \(CredentialsProviderError\)/,
    cure: /set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE/,
  },
  {
    mistake: 'no region',
    exit: 3,
    ...store(() => s3({ AWS_ENDPOINT_URL_S3: '', AWS_REGION: '' }, { AWS_REGION: '' })),
    says: /at Amazon S3: no region is configured/,
    cure: /set AWS_REGION/,
  },
  {
    mistake: 'a file instead of a directory',
    exit: 3,
    ...store(() => ({ CHECKPOINT_URL: `file:${join(folder, 'taken')}` })),
    // Document and wishes are read together; either can fail first.
    says: /read file \/.*\/taken\/shops\/clients(?:\.wishes)?\.json: ENOTDIR: a part of the path is a file, not a directory/,
    cure: /^storage\.refused: check .* the permissions of the directory/m,
  },
  {
    mistake: 'a closed port of Kafka',
    ...doctor(() => ({})),
    says: /KafkaJSConnectionError ECONNREFUSED from 127\.0\.0\.1:9:/,
    cure: /check host, port and TLS.*check KAFKA_BROKERS/s,
  },
  {
    mistake: 'an unknown host of Kafka',
    ...doctor(() => ({ KAFKA_BROKERS: 'kafka.invalid:9092' })),
    says: /(ENOTFOUND|EAI_AGAIN) from kafka\.invalid:9092:/,
    cure: /check the host name and the DNS.*check KAFKA_BROKERS/s,
  },
  {
    mistake: 'the port of a controller',
    ...doctor(() => ({ KAFKA_BROKERS: kafka.secure.controllers })),
    says: /this port is a controller's, not a broker's/,
    cure: /correct KAFKA_BROKERS/,
  },
  {
    mistake: 'the port of another protocol in KAFKA_BROKERS',
    ...doctor(() => ({ KAFKA_BROKERS: new URL(at.silent).host, KAFKA_SSL: 'true' })),
    says: /ERR_SSL_\w+ from 127\.0\.0\.1:\d+:/,
    cure: /unset KAFKA_SSL, or use its TLS port/,
  },
  {
    mistake: 'TLS to a port of Kafka without it',
    ...doctor(() => ({ KAFKA_BROKERS: kafka.bootstrap, KAFKA_SSL: 'true' })),
    says: /ECONNRESET from 127\.0\.0\.1:\d+:/,
    cure: /check KAFKA_SSL and/,
  },
  {
    mistake: 'no TLS to a port of Kafka with it',
    ...doctor(() => secured({ KAFKA_SSL_CA: '', KAFKA_SSL: 'false' })),
    says: /from 127\.0\.0\.1:\d+:/,
    cure: /check KAFKA_SSL and KAFKA_SASL_MECHANISM/,
  },
  {
    mistake: 'a password for a port of Kafka without SASL',
    ...doctor(() => secured({ KAFKA_BROKERS: kafka.bootstrap, KAFKA_SSL_CA: '' })),
    says: /ILLEGAL_SASL_STATE/,
    cure: /unset KAFKA_SASL_MECHANISM, or use the port of its SASL listener/,
  },
  {
    mistake: 'no password for a port of Kafka with SASL',
    ...doctor(() => secured({ KAFKA_SASL_MECHANISM: '', KAFKA_SASL_USERNAME: '', KAFKA_SASL_PASSWORD: '' })),
    says: /from 127\.0\.0\.1:\d+:/,
    cure: /check KAFKA_SSL and KAFKA_SASL_MECHANISM/,
  },
  {
    mistake: 'no CA for Kafka',
    ...doctor(() => secured({ KAFKA_SSL_CA: '', KAFKA_SSL: 'true' })),
    says: /from 127\.0\.0\.1:\d+:/,
    cure: /set KAFKA_SSL_CA/,
  },
  {
    mistake: 'another CA for Kafka',
    ...doctor(() => secured({ KAFKA_SSL_CA: certificate.cert })),
    says: /from 127\.0\.0\.1:\d+:/,
    cure: /set KAFKA_SSL_CA/,
  },
  {
    mistake: 'no client certificate for Kafka',
    ...doctor(() => ({ KAFKA_BROKERS: kafka.secure.mutualBootstrap, KAFKA_SSL_CA: authority() })),
    says: /ERR_SSL_\S+ from 127\.0\.0\.1:\d+:/,
    cure: /check KAFKA_SSL_CERT and KAFKA_SSL_KEY/,
  },
  {
    mistake: 'a wrong password for Kafka',
    ...doctor(() => secured({ KAFKA_SASL_PASSWORD: 'hunter2' })),
    says: /SASL_AUTHENTICATION_FAILED/,
    cure: /check KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD/,
  },
  {
    mistake: 'no ACL',
    ...doctor(() => secured({})),
    says: /the ACL WRITE on topic client\.modified is missing/,
    cure: /add the ACL that the message names/,
  },
  {
    mistake: 'missing topics',
    ...doctor(() => ({ KAFKA_BROKERS: kafka.bootstrap, KAFKA_TOPIC: 'none', KAFKA_TOPICS_CREATE: 'false' })),
    says: /missing: none and none\.dlq/,
    cure: /create the topic/,
  },
  {
    mistake: 'a port in use',
    command: 'run',
    exit: 2,
    given: () => ({ HTTP_PORT: new URL(at.http).port }),
    says: /listen on HTTP_PORT \d+: the port is already in use \(EADDRINUSE\)/,
    cure: /^config\.invalid: correct the listed settings/m,
  },
  ...['doctor', 'checkpoint show'].map((command) => ({
    mistake: `an unknown stream in ${command}`,
    command: `${command} lyon`,
    exit: 2,
    given: () => ({}),
    says: /unknown stream lyon/,
    cure: /must be one of clients/,
  })),
  {
    mistake: 'an invalid date',
    command: 'checkpoint rewind --to foo',
    exit: 2,
    given: () => ({}),
    says: /--to must be a date/,
    cure: /such as 2026-01-31T13:45:00/,
  },
]

/** The settings of the real store. The SDK reads `credentials` from the environment of this process. */
function s3(settings: Readonly<Record<string, string>>, credentials: Readonly<Record<string, string>> = {}) {
  const { endpoint, region, accessKeyId, secretAccessKey, bucket } = inject('s3')
  for (const [name, value] of Object.entries({
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_PROFILE: '',
    ...credentials,
  }))
    vi.stubEnv(name, value || undefined)
  return { CHECKPOINT_URL: `s3://${bucket}/mistakes`, AWS_ENDPOINT_URL_S3: endpoint, AWS_REGION: region, ...settings }
}

test.each(mistakes)('names cause and cure and exits with $exit: $mistake', async ({ given, ...mistake }) => {
  const environment = {
    CONNECTOR_ID: 'shops',
    KAFKA_BROKERS: '127.0.0.1:9',
    CHECKPOINT_URL: `file:${folder}`,
    POLARIS_URL: at.http,
    POLARIS_CODE_MAGASIN: '1',
    POLARIS_LAST_CHANGED: '2000-01-01',
    ...given(),
  }
  const { exit, output } = await typed({ ...mistake, environment })
  expect(output).toMatch(mistake.says)
  expect(output).toMatch(mistake.cure)
  expect(output).not.toContain('hunter2')
  // No message ends in "error" or in a code, and no hint has a name to fill in.
  expect(output).not.toMatch(/(\berror|: [A-Z][\dA-Z_]+)"?,?$|CONNECTOR\/| STREAM /m)
  expect(exit).toBe(mistake.exit)
})
